"""A hub of weights, as Hugging Face's is, or a mirror of it: which files a repository has, with their sizes and hashes, and their bytes.

Source: the hub's HTTP API: /api/models/NAME/revision/main, /api/models/NAME/tree/COMMIT, /NAME/resolve/COMMIT/PATH.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx

from gesso.cli.refused import Refused

ORIGIN = "https://huggingface.co"
_TIMEOUT = httpx.Timeout(30, connect=15)
_CONNECTIONS = 8
_PAGES_MAX_COUNT = 1000


@dataclass(frozen=True, slots=True)
class HubFile:
    """`sha256` of large files; of small ones `git_sha1`, which is taken over the bytes with a header before them."""

    path: str
    size_bytes: int
    sha256: str
    git_sha1: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository has at one commit, which does not change while it is fetched."""

    commit: str
    files: tuple[HubFile, ...]


class Hub:
    """`origin`: where it is. `token`: says who asks; it is sent to that origin only, and to nobody whom it redirects to."""

    def __init__(self, origin: str, token: str = "") -> None:
        self.origin = origin.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        limits = httpx.Limits(max_connections=_CONNECTIONS)
        self._client = httpx.Client(headers=headers, follow_redirects=True, timeout=_TIMEOUT, limits=limits)

    def close(self) -> None:
        self._client.close()

    def page(self, name: str) -> str:
        return f"{self.origin}/{name}"

    def listing(self, name: str) -> Listing:
        """The newest commit of the repository. Errors: Refused, httpx's."""
        commit = self._json(name, f"{self.origin}/api/models/{name}/revision/main").json().get("sha", "")
        files: list[HubFile] = []
        url = f"{self.origin}/api/models/{name}/tree/{quote(commit)}?recursive=true"
        for _ in range(_PAGES_MAX_COUNT):
            page = self._json(name, url)
            files += [_file(entry) for entry in page.json() if entry.get("type") == "file"]
            url = str(page.links.get("next", {}).get("url", ""))
            if not url:
                break
        return Listing(commit, tuple(files))

    @contextmanager
    def opened(self, name: str, commit: str, path: str, first_byte: int) -> Iterator[httpx.Response]:
        """The answer with a file's bytes from `first_byte` on, or from its beginning if its status is not 206. Errors: Refused, httpx's."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={first_byte}-"} if first_byte else {})
        with self._client.stream("GET", f"{self.origin}/{name}/resolve/{quote(commit)}/{quote(path)}", headers=headers) as answer:
            self._check(name, answer)
            yield answer

    def _json(self, name: str, url: str) -> httpx.Response:
        answer = self._client.get(url)
        self._check(name, answer)
        try:
            answer.json()
        except ValueError:
            raise Refused(f"{url} does not answer as a hub of models does: give the address of one, or a folder.") from None
        return answer

    def _check(self, name: str, answer: httpx.Response) -> None:
        """Source: the header X-Error-Code, in which the hub says what its status means."""
        reason = answer.headers.get("X-Error-Code", "")
        if reason == "GatedRepo" or (answer.status_code == 403 and not reason):
            raise Refused(
                f"The hub wants to know who you are. Accept the licence at {self.page(name)}, run `hf auth login` or set HF_TOKEN, "
                "and try again."
            )
        if answer.status_code in (401, 404):
            raise Refused(f"The hub has no {self.page(name)}, or shows it only to who is signed in: `hf auth login`.")
        answer.raise_for_status()


def token_of(environment: Mapping[str, str]) -> str:
    """The token of who is signed in to the hub, by the names and at the place that its own tools use; empty for nobody."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if environment.get(name):
            return environment[name].strip()
    cache = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "")) / ".cache")
    home = Path(environment.get("HF_HOME") or Path(cache) / "huggingface")
    path = Path(environment.get("HF_TOKEN_PATH") or home / "token")
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def _file(entry: Mapping[str, Any]) -> HubFile:
    """Errors: Refused for a path that leads out of the folder."""
    path, large = str(entry["path"]), entry.get("lfs") or {}
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or "\x00" in path:
        raise Refused(f"The hub lists a file {path!r}, which leads out of the folder: nothing was fetched.")
    return HubFile(path, int(large.get("size", entry.get("size", 0))), str(large.get("oid", "")), str(entry.get("oid", "")))
