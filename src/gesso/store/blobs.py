"""The bytes of Files as plain files: ROOT/a/<access_key>, with ROOT/incoming for what is still on its way. Outputs are written there by
their Workers.

Owns every file operation on them, in a small pool of threads; the event loop never touches the disk. Knows no database: a blob
that nothing refers to (a crash between `finish` and the commit) is an orphan, harmless because its key is known to nobody.
One server per ROOT: at start, `incoming` is emptied. Source: design, sections 2 and 9.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import hashlib
import itertools
import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import BinaryIO, TypeVar

from gesso.domain.errors import BodyTooLarge, FileUnknown, Unavailable
from gesso.domain.file import Carried, Received, likeness, safe_name, true_type
from gesso.domain.ids import new_access_key
from gesso.domain.limits import FILE_MAX_BYTES, ORPHAN_BATCH_MAX_COUNT, RECEIVE_CHUNK_BYTES

_THREADS = 4
_HEAD_BYTES = 512
_T = TypeVar("_T")
_SENTENCES = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "its disk quota is used up",
    errno.EROFS: "its disk is read-only",
    errno.EACCES: "it may not write to its data directory",
    errno.EXDEV: "the scratch folder is on another file system than the blobs",
    errno.ENOENT: "a file that should be kept is not there",
    errno.EMFILE: "it has too many files open",
}


class FolderBlobs:
    """The port `Blobs` on a local folder. `close` it last: it waits for what is still being written."""

    def __init__(self, root: Path) -> None:
        """Errors: OSError when `root` cannot be made or read; the server should not start then."""
        self._folder = _Folder(root)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")

    def receive(self) -> FolderWriter:
        return FolderWriter(_Upload(self._folder), self._pool)

    def path(self, access_key: str) -> Path:
        """Where the bytes are; they may have been deleted. Errors: FileUnknown for what cannot be a key."""
        return self._folder.path(access_key)

    def folder(self, access_key: str) -> Path:
        """The folder of `path`, which is there. Errors: as `path`."""
        return self._folder.shelf(access_key)

    async def adopt(self, sources: Sequence[Path]) -> list[str]:
        """Move flushed files in, all or none; they must be regular files on the same file system. Errors: Unavailable."""
        adoption = _Adoption(self._folder, sources)
        return await _hop(self._pool, adoption.carry_out, adoption.undo)

    async def restore(self, carried: Sequence[Carried]) -> int:
        """Write those again that are not there, or not whole; how many they were. Errors: Unavailable; FileUnknown for what cannot be a
        key."""
        return await _hop(self._pool, lambda: sum(self._folder.restore(each) for each in carried), lambda: None)

    async def flush(self) -> None:
        """All that was written before this call is on disk when it returns. Errors: Unavailable."""
        await _hop(self._pool, self._folder.flush, lambda: None)

    async def delete(self, access_keys: Sequence[str]) -> None:
        """Unlink, also when the wait is cancelled; missing ones are fine. After a power cut one may be back, as an orphan.

        Errors: Unavailable; FileUnknown for what cannot be a key.
        """
        paths = [self.path(access_key) for access_key in access_keys]

        def unlink() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        if paths:
            await _hop(self._pool, unlink, lambda: _quietly(unlink))

    async def aged(self, age_s: float) -> AsyncIterator[list[str]]:
        """The keys of blobs that came in more than `age_s` seconds ago. A folder is read as it is asked for, not all at once."""
        keys = self._folder.aged(time.time() - age_s)
        while batch := await _hop(self._pool, lambda: list(itertools.islice(keys, ORPHAN_BATCH_MAX_COUNT)), lambda: None):
            yield batch

    def close(self) -> None:
        self._pool.shutdown(wait=True)


class FolderWriter:
    """The port `BlobWriter`. Less than RECEIVE_CHUNK_BYTES stay in memory and cost one visit to the disk, in `finish`."""

    def __init__(self, upload: _Upload, pool: ThreadPoolExecutor) -> None:
        self._upload = upload
        self._pool = pool
        self._buffer = bytearray()
        self._size_bytes = 0
        self._is_on_disk = False

    async def write(self, chunk: bytes) -> None:
        self._size_bytes += len(chunk)
        if self._size_bytes > FILE_MAX_BYTES:
            raise BodyTooLarge(FILE_MAX_BYTES)
        self._buffer += chunk
        if len(self._buffer) >= RECEIVE_CHUNK_BYTES:
            full, self._buffer = self._buffer, bytearray()
            self._is_on_disk = True
            await _hop(self._pool, lambda: self._upload.append(full), self._upload.abandon)

    async def finish(self, file_name: str) -> Received:
        """Flush the bytes, give them their name, flush the name: no cheaper order survives a power cut. Errors: Unavailable."""
        rest, self._buffer = self._buffer, bytearray()
        received = await _hop(self._pool, lambda: self._upload.commit(rest, file_name), self._upload.abandon)
        self._is_on_disk = False
        return received

    async def discard(self) -> None:
        """Leave nothing of what was written, also when the wait is cancelled. No-op after `finish`: its blob goes with `delete`."""
        self._buffer = bytearray()
        if self._is_on_disk:
            await _hop(self._pool, self._upload.abandon, self._upload.abandon)


class _Folder:
    """The layout. Blocking; called from the pool and from the constructor."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._base = f"{root}/"
        self.incoming = root / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.scandir(self.incoming) as leftovers:
            for leftover in leftovers:
                Path(leftover.path).unlink()
        self._shelves = {letter: root / letter for letter in ascii_lowercase}
        for shelf in self._shelves.values():
            shelf.mkdir(mode=0o700, exist_ok=True)
        # Nothing may be put on a shelf that a power cut could take away, nor on one that a killed server made and did not flush.
        sync_folder(root)

    def path(self, access_key: str) -> Path:
        _check(access_key)
        # Put together as text: joining paths takes three times as long, and this is on the way of every file that is read.
        return Path(f"{self._base}{_shelf(access_key)}/{access_key}")

    def shelf(self, access_key: str) -> Path:
        _check(access_key)
        return self._shelves[_shelf(access_key)]

    def aged(self, before_s: float) -> Iterator[str]:
        with os.scandir(self.root) as shelves:
            names = [shelf.name for shelf in shelves if shelf.is_dir() and shelf.name != "incoming"]
        for name in names:
            with os.scandir(self.root / name) as blobs:
                for blob in blobs:
                    try:
                        # The time of the move to this place: bytes may be older than that.
                        if blob.stat(follow_symlinks=False).st_ctime < before_s:
                            yield blob.name
                    except FileNotFoundError:
                        continue

    def restore(self, carried: Carried) -> bool:
        """Whether its bytes had to be written."""
        path = self.path(carried.access_key)
        try:
            if path.read_bytes() == carried.data:
                return False
        except FileNotFoundError:
            pass
        source = self.incoming / carried.access_key
        source.write_bytes(carried.data)
        source.chmod(0o600)
        self.place(source, carried.access_key)
        return True

    def flush(self) -> None:
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            sync_file_system(descriptor)
        finally:
            os.close(descriptor)

    def place(self, source: Path, access_key: str) -> Path:
        """Rename `source` to its key. The caller flushes the folder of the result."""
        target = self.path(access_key)
        source.rename(target)
        return target


def _check(access_key: str) -> None:
    if len(access_key) < 3 or not (access_key.isascii() and access_key.isalnum()):
        raise FileUnknown


def _shelf(access_key: str) -> str:
    """The folder of a key. Few folders: file systems find a name among 100,000 as quickly as among 100. All keys begin with a letter."""
    return access_key[0].lower()


class _Upload:
    """One blob on its way: incoming/<key>, then its place. The lock orders a write in flight and the clean-up after a cancelled wait."""

    def __init__(self, folder: _Folder) -> None:
        self._folder = folder
        self._key = new_access_key()
        self._temporary = folder.incoming / self._key
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._head = b""
        self._size_bytes = 0
        self._is_abandoned = False
        self._lock = threading.Lock()

    def append(self, data: bytearray) -> None:
        with self._lock:
            self._append(data)

    def commit(self, rest: bytearray, file_name: str) -> Received:
        with self._lock:
            file = self._append(rest)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            target = self._folder.place(self._temporary, self._key)
            sync_folder(target.parent)
        name = safe_name(file_name)
        return Received(self._key, name, true_type(self._head, name), self._size_bytes, self._hash.hexdigest(), likeness(self._head))

    def abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            if self._file is not None:
                _quietly(self._file.close)
            for path in (self._temporary, self._folder.path(self._key)):
                _quietly(path.unlink)

    def _append(self, data: bytearray) -> BinaryIO:
        if self._is_abandoned:
            raise Unavailable("the upload was given up")
        if self._file is None:
            self._file = os.fdopen(os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            self._head = bytes(data[:_HEAD_BYTES])
        self._hash.update(data)
        self._file.write(data)
        self._size_bytes += len(data)
        return self._file


class _Adoption:
    """Files of a scratch folder on their way in. Their bytes are durable already, so only the folders that gain a name are flushed."""

    def __init__(self, folder: _Folder, sources: Sequence[Path]) -> None:
        self._folder = folder
        self._sources = sources
        self._moved: list[tuple[Path, Path]] = []

    def carry_out(self) -> list[str]:
        keys = [new_access_key() for _ in self._sources]
        for source, key in zip(self._sources, keys, strict=True):
            target = self._folder.place(source, key)
            self._moved.append((source, target))
            # Looked at only after the move, when it can no longer be swapped for a link.
            if not stat.S_ISREG(target.lstat().st_mode):
                raise Unavailable(f"{source.name} is a link or a folder, not a file")
        for folder in {target.parent for _, target in self._moved}:
            sync_folder(folder)
        return keys

    def undo(self) -> None:
        """Put every file back where it was, so that adopting can be tried again; where that fails, remove it."""
        while self._moved:
            source, target = self._moved.pop()
            if not _quietly(lambda source=source, target=target: target.rename(source)):
                _quietly(target.unlink)


async def _hop(pool: ThreadPoolExecutor, work: Callable[[], _T], undo: Callable[[], object]) -> _T:
    """Run `work` in the pool. If it fails, or if the wait is cancelled, `undo` runs after it: also when the loop is gone by then."""

    def guarded() -> _T:
        try:
            return work()
        except BaseException:
            undo()
            raise

    try:
        job = pool.submit(guarded)
    except RuntimeError as error:
        raise Unavailable("it is stopping") from error
    try:
        return await asyncio.wrap_future(job)
    except asyncio.CancelledError:
        # A thread cannot be stopped, and its result has no taker any more.
        job.add_done_callback(lambda _: undo())
        raise
    except OSError as error:
        raise Unavailable(_SENTENCES.get(error.errno or 0, "its disk refused a file")) from error


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(descriptor: int) -> None:
    """Make all that was written to the file system of an open file durable. Errors: OSError."""
    syncfs = getattr(_libc(), "syncfs", None)
    if syncfs is None:
        # Where there is no such call, as on macOS. It tells of no errors.
        os.sync()
    elif syncfs(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _quietly(step: Callable[[], object]) -> bool:
    """A step of a clean-up, which must not hide the error that led to it. Whether it succeeded."""
    try:
        step()
    except OSError:
        return False
    return True
