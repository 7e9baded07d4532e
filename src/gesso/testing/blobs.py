"""Blobs in memory: files are entries of the Disk's dictionary, a Worker's scratch files as well."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gesso.domain.errors import BodyTooLarge, FileUnknown, Unavailable
from gesso.domain.file import Carried, Received, likeness, safe_name, true_type
from gesso.domain.ids import new_access_key
from gesso.domain.limits import FILE_MAX_BYTES
from gesso.testing.disk import Disk

_ROOT = Path("/blobs")


class MemoryBlobs:
    """`trouble`: why bytes are refused now, apart from the Disk's own trouble; empty when they are taken."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.trouble = ""

    def receive(self) -> MemoryWriter:
        return MemoryWriter(self)

    def path(self, access_key: str) -> Path:
        if len(access_key) < 3 or not (access_key.isascii() and access_key.isalnum()):
            raise FileUnknown
        return _ROOT / access_key

    def folder(self, access_key: str) -> Path:
        return self.path(access_key).parent

    async def adopt(self, sources: Sequence[Path]) -> list[str]:
        self.check()
        if any(source not in self.disk.bytes_of for source in sources):
            raise Unavailable("a file that should be kept is not there")
        return [self.put(self.disk.bytes_of.pop(source)) for source in sources]

    async def restore(self, carried: Sequence[Carried]) -> int:
        self.check()
        lost = [each for each in carried if self.disk.bytes_of.get(self.path(each.access_key)) != each.data]
        self.disk.bytes_of.update({self.path(each.access_key): each.data for each in lost})
        return len(lost)

    async def flush(self) -> None:
        self.check()

    async def delete(self, access_keys: Sequence[str]) -> None:
        self.check()
        for access_key in access_keys:
            self.disk.bytes_of.pop(self.path(access_key), None)

    async def aged(self, age_s: float) -> AsyncIterator[list[str]]:
        """All of them: this disk has no times."""
        yield [path.name for path in self.disk.bytes_of if path.parent == _ROOT]

    def put(self, data: bytes) -> str:
        """Keep bytes under a new access key."""
        access_key = new_access_key()
        self.disk.bytes_of[self.path(access_key)] = data
        return access_key

    def has(self, access_key: str) -> bool:
        return self.path(access_key) in self.disk.bytes_of

    def check(self) -> None:
        """Errors: Unavailable in times of trouble."""
        reason = self.trouble or self.disk.trouble
        if reason:
            raise Unavailable(reason)


class MemoryWriter:
    def __init__(self, blobs: MemoryBlobs) -> None:
        self._blobs = blobs
        self._data = bytearray()

    async def write(self, chunk: bytes) -> None:
        self._blobs.check()
        if len(self._data) + len(chunk) > FILE_MAX_BYTES:
            raise BodyTooLarge(FILE_MAX_BYTES)
        self._data += chunk

    async def finish(self, file_name: str) -> Received:
        self._blobs.check()
        data, name = bytes(self._data), safe_name(file_name)
        head, digest = data[:512], hashlib.sha256(data).hexdigest()
        return Received(self._blobs.put(data), name, true_type(head, name), len(data), digest, likeness(head))

    async def discard(self) -> None:
        self._data = bytearray()
