"""What an Engine runs with, as far as its Outputs may depend on it: code, libraries, processor, weights. For the provenance of Tasks.

Nothing heavy is imported: versions are read from what is installed, and files are hashed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gesso import __version__

# Beside the files that it describes, so that it goes with them.
_DIGESTS = ".digests.json"
# Below that they are hashed in a blink, and folders that come with a package need no note in them.
WORTH_KEEPING_BYTES = 2**28
_CPU_INFO = Path("/proc/cpuinfo")
_UNKNOWN = "unknown"


def environment(engine_file: str, packages: Iterable[str]) -> dict[str, str]:
    """The release, the Model's code, Python, the processor and the versions of `packages`. `engine_file`: the `__file__` of its Engine."""
    return {
        "gesso": __version__,
        "code": code_digest(Path(engine_file).parent),
        "python": platform.python_version(),
        "processor": processor(),
        **{package: version_of(package) for package in packages},
    }


def code_digest(folder: Path) -> str:
    """SHA-256 of the Python files in a Model's folder and of what Models share, by their names."""
    shared = Path(__file__).parent.glob("*.py")
    lines = sorted(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in [*folder.glob("*.py"), *shared])
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def processor() -> str:
    """The CPU's name: others round differently, because libraries choose their code by it."""
    with suppress(OSError):
        for line in _CPU_INFO.read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine() or _UNKNOWN


class FolderDigest:
    """SHA-256 of a folder's files. Reading 34 GB takes most of a minute, so it is done on a thread, and what was found is kept beside
    the files, by their sizes and times: a later start reads nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, str] | None = None
        self._thread = threading.Thread(target=self._compute, name="digest of weights", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """It is waited for, where it is not known yet. "unknown" for a folder that cannot be read."""
        self._thread.join()
        return _UNKNOWN if self._files is None else _together(self._files)

    def files(self) -> dict[str, str]:
        """Of each file, by its path in the folder; waited for too. Empty for a folder that cannot be read."""
        self._thread.join()
        return self._files or {}

    def _compute(self) -> None:
        with suppress(OSError):
            self._files = file_digests(self._folder)


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of a folder's files, hidden ones and texts for people left aside. Errors: OSError."""
    return _together(file_digests(folder))


def _together(files: dict[str, str]) -> str:
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in files.items()).encode()).hexdigest()


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each of these files, by its path in the folder. Errors: OSError."""
    known, digests = _known(folder), {}
    for path in sorted(path for path in folder.rglob("*") if _counts(path.relative_to(folder)) and path.is_file()):
        status, name = path.stat(), path.relative_to(folder).as_posix()
        before = known.get(name)
        if isinstance(before, list) and before[:2] == [status.st_size, status.st_mtime_ns] and len(before) == 3:
            digests[name] = before
        else:
            with path.open("rb") as file:
                digests[name] = [status.st_size, status.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()]
    if digests != known and sum(size_bytes for size_bytes, _, _ in digests.values()) >= WORTH_KEEPING_BYTES:
        # The folder may be read-only: then it is computed again next time.
        with suppress(OSError):
            _keep(folder, digests)
    return {name: digest for name, (_, _, digest) in digests.items()}


def _counts(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts) and not path.name.startswith(("README", "LICENSE"))


def _known(folder: Path) -> dict[str, Any]:
    try:
        known = json.loads((folder / _DIGESTS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _keep(folder: Path, digests: dict[str, Any]) -> None:
    draft = folder / f"{_DIGESTS}.{threading.get_native_id()}"
    draft.write_text(json.dumps(digests, indent=1), "utf-8")
    draft.replace(folder / _DIGESTS)


def version_of(package: str) -> str:
    """As it is installed, or "unknown"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return _UNKNOWN
