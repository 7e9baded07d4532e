"""Which server runs on a data folder, and the key of `gesso run` there: two small files, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_SERVER_FILE = "server.json"
_KEY_FILE = "cli.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts tasks, or that did when it wrote this."""

    url: str
    pid: int

    @property
    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def note_running(data: Path, running: Running) -> None:
    _write(data / _SERVER_FILE, asdict(running))


def forget_running(data: Path, pid: int) -> None:
    """Remove the note of process `pid`; another server's note stays."""
    found = find_running(data)
    if found is not None and found.pid == pid:
        (data / _SERVER_FILE).unlink(missing_ok=True)


def find_running(data: Path) -> Running | None:
    """The server noted last, dead or alive."""
    noted = _read(data / _SERVER_FILE)
    try:
        return Running(str(noted["url"]), int(noted["pid"])) if noted else None
    except (KeyError, TypeError, ValueError):
        return None


def note_key(data: Path, api_key: str) -> None:
    _write(data / _KEY_FILE, {"apikey": api_key})


def find_key(data: Path) -> str:
    noted = _read(data / _KEY_FILE)
    return str(noted.get("apikey", "")) if noted else ""


def _write(path: Path, content: dict[str, Any]) -> None:
    # A temporary file is for its owner only, and so is what it is renamed to.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.write("\n")
    Path(name).replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
