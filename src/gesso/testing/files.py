"""A FileStore in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gesso.domain.errors import Unavailable
from gesso.domain.file import File
from gesso.testing.disk import Disk


class MemoryFiles:
    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()

    async def add(self, file: File) -> None:
        if self.disk.trouble:
            raise Unavailable(self.disk.trouble)
        self.disk.files[file.access_key] = file

    async def unknown(self, access_keys: Sequence[str]) -> set[str]:
        return set(access_keys) - self.disk.files.keys()

    async def by_access_key(self, access_key: str) -> File | None:
        if self.disk.read_trouble:
            raise Unavailable(self.disk.read_trouble)
        return self.disk.files.get(access_key)
