"""Small pictures of stored ones: made when first asked for, kept while the server runs, gone with their File.

The folder begins empty, so nothing in it can outlive a File that was deleted while nobody looked.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from gesso.domain.errors import FileUnknown, Unavailable
from gesso.domain.file import File
from gesso.domain.limits import THUMBNAIL_MIN_BYTES, THUMBNAILS_KEPT_MAX_COUNT, THUMBNAILS_WAITING_MAX_COUNT
from gesso.services.files import Files

SIDES = (96, 192, 384, 768)
TYPE = "image/webp"
# What every browser shows.
_SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif")
_MADE_OF = (*_SHOWN, "image/bmp", "image/tiff", "image/avif")
_Key = tuple[str, int]


class Shrink(Protocol):
    async def make(self, source: Path, target: Path, side: int) -> bool:
        """Write a small picture of `source` to `target`. False when it cannot be made of this file."""
        ...


def has_thumbnail(content_type: str) -> bool:
    """Whether files of that type are shown small."""
    return content_type in _MADE_OF


class Thumbnails:
    def __init__(self, files: Files, shrink: Shrink, folder: Path) -> None:
        """`folder`: empty, or not there yet. Errors: OSError."""
        self._files = files
        self._shrink = shrink
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._kept: OrderedDict[_Key, None] = OrderedDict()
        self._refused: OrderedDict[str, None] = OrderedDict()
        self._making: dict[_Key, asyncio.Future[bool]] = {}
        files.on_forgotten = self.forget

    async def open(self, access_key: str, width: int) -> tuple[Path, str]:
        """Where the bytes are, and their type: those of the File itself where they are few. `width`: rounded up to one of SIDES.

        Errors: FileUnknown, also for what is no picture; Unavailable when too many wait.
        """
        file, source = await self._files.open(access_key)
        if not has_thumbnail(file.content_type) or access_key in self._refused:
            raise FileUnknown
        if file.size_bytes < THUMBNAIL_MIN_BYTES and file.content_type in _SHOWN:
            return source, file.content_type
        side = next((side for side in SIDES if side >= width), SIDES[-1])
        key = (access_key, side)
        if key in self._kept:
            self._kept.move_to_end(key)
        elif not await self._made(file, source, key):
            raise FileUnknown
        return self._path(key), TYPE

    def forget(self, access_keys: Collection[str]) -> None:
        """Their Files are deleted."""
        gone = [key for access_key in access_keys for side in SIDES if (key := (access_key, side)) in self._kept]
        for key in gone:
            self._drop(key)

    async def _made(self, file: File, source: Path, key: _Key) -> bool:
        making = self._making.get(key)
        if making is None:
            if len(self._making) >= THUMBNAILS_WAITING_MAX_COUNT:
                raise Unavailable("too many pictures wait to be made small")
            making = self._making[key] = asyncio.ensure_future(self._make(file, source, key))
            making.add_done_callback(lambda _: self._making.pop(key, None))
        # Who leaves the page does not stop it for who looks at the same one.
        return await asyncio.shield(making)

    async def _make(self, file: File, source: Path, key: _Key) -> bool:
        if not await self._shrink.make(source, self._path(key), key[1]):
            self._refused[file.access_key] = None
            if len(self._refused) > THUMBNAILS_KEPT_MAX_COUNT:
                self._refused.popitem(last=False)
            return False
        self._kept[key] = None
        if len(self._kept) > THUMBNAILS_KEPT_MAX_COUNT:
            self._drop(next(iter(self._kept)))
        return True

    def _drop(self, key: _Key) -> None:
        del self._kept[key]
        # In the pool: the event loop does not wait for a disk.
        asyncio.get_running_loop().run_in_executor(None, self._unlink, self._path(key))

    def _unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def _path(self, key: _Key) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.webp"
