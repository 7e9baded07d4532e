"""Downloads of many large files: several at once, each gone on with where it stopped, none believed before its hash was checked.

A file that is not whole and proved is named with ".part" at its end. The list of what a folder has been proved to hold is kept in it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gesso.cli.hub import Hub, HubFile, Listing
from gesso.cli.refused import Refused

RECORD = ".pulled.json"
PART = ".part"
_CHUNK_BYTES = 2**20
_AT_ONCE = 4
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
# What stands in the folder last tells that it is whole.
_LAST = "model_index.json"
_SPARE_BYTES = 64 * 2**20


class HashMismatch(Exception):
    """The bytes are not those that the hub lists."""


class Stopped(Exception):
    """Another download failed, or the user had enough."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be fetched, from where and to where. `on_bytes` hears how many more bytes are there, from any thread."""

    hub: Hub
    name: str
    listing: Listing
    target: Path
    on_bytes: Callable[[int], None]


def fetch(order: Order, files: Sequence[HubFile]) -> None:
    """Bring the files into the folder. What is there and proved is kept. Errors: Refused, OSError, httpx's, KeyboardInterrupt."""
    record = _read_record(order.target)
    missing = [file for file in files if not _is_proved(order.target, file, record)]
    order.on_bytes(sum(file.size_bytes for file in files) - sum(file.size_bytes for file in missing))
    _check_disk(order.target, missing)
    stop = threading.Event()
    small_first = sorted(missing, key=lambda file: file.size_bytes)
    with ThreadPoolExecutor(_AT_ONCE, "download") as pool:
        running = {pool.submit(_fetch_one, order, file, stop): file for file in small_first}
        try:
            _await(running)
        except BaseException:
            stop.set()
            raise
        finally:
            for future in running:
                future.cancel()
    for file in sorted(missing, key=lambda file: file.path == _LAST):
        path = order.target / file.path
        path.with_name(path.name + PART).replace(path)
    proved = {file.path: {"bytes": file.size_bytes, "sha256": file.sha256, "git_sha1": file.git_sha1} for file in files}
    body = {"from": order.hub.page(order.name), "commit": order.listing.commit, "files": proved}
    (order.target / RECORD).write_text(json.dumps(body, indent=1) + "\n", "utf-8")


def _await(running: dict[Future[None], HubFile]) -> None:
    done, _ = wait(running, return_when=FIRST_EXCEPTION)
    failures = [error for error in (future.exception() for future in done) if error is not None]
    for error in sorted(failures, key=lambda error: isinstance(error, Stopped)):
        raise error


def _fetch_one(order: Order, file: HubFile, stop: threading.Event) -> None:
    """Into its part file, tried again after each loss of connection for as long as some of it came."""
    part = order.target / (file.path + PART)
    part.parent.mkdir(parents=True, exist_ok=True)
    tries, has_begun_anew = 0, False
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(order, file, part, stop)
            return
        except HashMismatch as error:
            part.unlink()
            if has_begun_anew:
                raise Refused(
                    f"{file.path} came with other bytes than the hub lists, twice. Try again later, or from another place."
                ) from error
            has_begun_anew = True
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in (408, 429, 500, 502, 503, 504) or tries == len(_PAUSES_S):
                raise
            tries = _pause(tries, stop)
        except httpx.TransportError:
            if part.exists() and part.stat().st_size > before:
                tries = 0
            if tries == len(_PAUSES_S):
                raise
            tries = _pause(tries, stop)


def _pause(tries: int, stop: threading.Event) -> int:
    stop.wait(_PAUSES_S[tries])
    return tries + 1


def _transfer(order: Order, file: HubFile, part: Path, stop: threading.Event) -> None:
    """Errors: HashMismatch, Stopped, Refused, httpx's, OSError. What was told of bytes is then taken back."""
    digest = _Digest(file, order.on_bytes)
    try:
        with part.open("a+b") as out:
            out.seek(0)
            while chunk := out.read(_CHUNK_BYTES):
                _go_on(stop)
                digest.update(chunk)
            if digest.size_bytes < file.size_bytes:
                with order.hub.opened(order.name, order.listing.commit, file.path, digest.size_bytes) as answer:
                    if digest.size_bytes and answer.status_code != 206:
                        # It does not go on in the middle, so it begins anew.
                        out.truncate(0)
                        digest.forget()
                    # As they come, and not in pieces of a size: what waits to fill one would be lost with the connection.
                    for chunk in answer.iter_raw():
                        _go_on(stop)
                        out.write(chunk)
                        digest.update(chunk)
        digest.check()
    except BaseException:
        digest.forget()
        raise


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped


class _Digest:
    """Of the bytes that came so far, in the way in which the hub lists the file's hash."""

    def __init__(self, file: HubFile, on_bytes: Callable[[int], None] = lambda count: None) -> None:
        self._file = file
        self._on_bytes = on_bytes
        self._begin()

    def _begin(self) -> None:
        self.size_bytes = 0
        header = f"blob {self._file.size_bytes}\0".encode()
        # Git's own hash of a file: no choice of ours, and no secret is protected by it.
        self._hash: Any = hashlib.sha256() if self._file.sha256 else hashlib.sha1(header, usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        """Errors: HashMismatch when there are more bytes than there should be."""
        self._hash.update(chunk)
        self.size_bytes += len(chunk)
        self._on_bytes(len(chunk))
        if self.size_bytes > self._file.size_bytes:
            raise HashMismatch(self._file.path)

    def forget(self) -> None:
        self._on_bytes(-self.size_bytes)
        self._begin()

    def check(self) -> None:
        """Errors: HashMismatch; httpx.ReadError when the bytes ended early, which may be gone on with."""
        if self.size_bytes < self._file.size_bytes:
            raise httpx.ReadError(f"{self._file.path} ended after {self.size_bytes} of {self._file.size_bytes} bytes")
        if self._hash.hexdigest() != (self._file.sha256 or self._file.git_sha1):
            raise HashMismatch(self._file.path)


def _is_proved(target: Path, file: HubFile, record: dict[str, Any]) -> bool:
    """Whether the file is there and the right one: known from an earlier download, or read through now."""
    path = target / file.path
    if not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    if record.get(file.path) == {"bytes": file.size_bytes, "sha256": file.sha256, "git_sha1": file.git_sha1}:
        return True
    digest = _Digest(file)
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
    with suppress(HashMismatch):
        digest.check()
        return True
    return False


def _read_record(target: Path) -> dict[str, Any]:
    try:
        files = json.loads((target / RECORD).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


def _check_disk(target: Path, missing: Sequence[HubFile]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    parts = (target / (file.path + PART) for file in missing)
    needed = sum(file.size_bytes for file in missing) - sum(part.stat().st_size for part in parts if part.is_file())
    free = shutil.disk_usage(target).free
    if needed + _SPARE_BYTES > free:
        raise Refused(f"{needed / 1e9:.1f} GB are to be fetched, and the disk of {target} has {free / 1e9:.1f} GB free.")
