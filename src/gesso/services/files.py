"""Files by their access key, which is all that reading one needs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Container
from pathlib import Path

from gesso.domain.errors import FileUnknown
from gesso.domain.file import File
from gesso.ports import Blobs, FileStore

_REMEMBERED_MAX_COUNT = 4_096


class Files:
    """Opens Files. The newest are remembered, because a client reads its Outputs right after they were made."""

    def __init__(self, store: FileStore, blobs: Blobs, hidden: Container[int] = frozenset()) -> None:
        """`hidden`: ids of Projects whose Files nobody may read."""
        self._hidden = hidden
        self._store = store
        self._blobs = blobs
        self._remembered: OrderedDict[str, File] = OrderedDict()
        self.on_forgotten: Callable[[Collection[str]], None] = lambda access_keys: None

    def remember(self, file: File) -> None:
        self._remembered[file.access_key] = file
        if len(self._remembered) > _REMEMBERED_MAX_COUNT:
            self._remembered.popitem(last=False)

    def forget(self, access_keys: Collection[str]) -> None:
        """They are deleted."""
        for access_key in access_keys:
            self._remembered.pop(access_key, None)
        self.on_forgotten(access_keys)

    async def find(self, access_key: str) -> File:
        """Errors: FileUnknown."""
        file = self._remembered.get(access_key)
        if file is None:
            file = await self._store.by_access_key(access_key)
            if file is None:
                raise FileUnknown
            self.remember(file)
        if file.project_id in self._hidden:
            raise FileUnknown
        return file

    async def open(self, access_key: str) -> tuple[File, Path]:
        """The File and where its bytes are. Errors: FileUnknown."""
        file = await self.find(access_key)
        return file, self._blobs.path(access_key)
