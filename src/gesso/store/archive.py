"""ZIP archives taken apart, with an enemy in mind: bounded in memory, entries, bytes and ratio, and leaving nothing behind on refusal.

Nothing in an archive chooses a path: files are written under numbers, and their names are only names. One thread does the work, so that
many archives at once cost the time of one after another and not the memory of all. Source: design, section 9; PKWARE APPNOTE 6.3.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import shutil
import stat
import tempfile
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from gesso.domain.errors import Unavailable, UploadRefused
from gesso.domain.file import is_kept, safe_name, true_type
from gesso.domain.limits import (
    ARCHIVE_DIRECTORY_MAX_BYTES,
    ARCHIVE_ENTRIES_MAX_COUNT,
    ARCHIVE_MAX_BYTES,
    ARCHIVE_RATIO_FREE_BYTES,
    ARCHIVE_RATIO_MAX,
    ARCHIVES_WAITING_MAX_COUNT,
    FILE_MAX_BYTES,
    KIB,
    MIB,
)
from gesso.ports import Contents, Unpacked

_CHUNK_BYTES = 256 * KIB
_HEAD_BYTES = 64
_IS_ENCRYPTED = 0x1
# Others may ask for gigabytes of memory in one entry's header.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, NotImplementedError, RuntimeError, ValueError, OverflowError)
# What programs leave behind for themselves; nobody wants to be told of it.
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


class ZipArchives:
    """The port `Archives`. `scratch`: on the blobs' file system, and nobody else's. `close` it before the blobs."""

    def __init__(self, scratch: Path) -> None:
        """Errors: OSError."""
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._pool = ThreadPoolExecutor(1, "archives")
        self._stopping = threading.Event()
        self._waiting_count = 0

    async def unpack(self, path: Path, name: str) -> Contents:
        if self._waiting_count >= ARCHIVES_WAITING_MAX_COUNT:
            raise Unavailable("too many archives wait to be unpacked")
        try:
            job = self._pool.submit(self._unpack, path, name)
        except RuntimeError as error:
            raise Unavailable("it is stopping") from error
        self._waiting_count += 1
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and its result has no taker any more.
            job.add_done_callback(_drop_result)
            raise
        except OSError as error:
            raise Unavailable("its disk refused a file of the archive") from error
        finally:
            self._waiting_count -= 1

    async def discard(self, contents: Contents) -> None:
        await asyncio.get_running_loop().run_in_executor(None, _drop, contents.folder)

    def close(self) -> None:
        """What is being unpacked is given up."""
        self._stopping.set()
        self._pool.shutdown(wait=True)

    def _unpack(self, path: Path, name: str) -> Contents:
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            return self._carry_out(path, name, folder)
        except BaseException:
            _drop(folder)
            raise

    def _carry_out(self, path: Path, name: str, folder: Path) -> Contents:
        files: list[Unpacked] = []
        skipped: list[tuple[str, str]] = []
        try:
            with path.open("rb") as source, zipfile.ZipFile(_Bounded(source)) as archive:
                entries = _entries(archive, name)
                names = _names(entries)
                budget = _Budget(name, path.stat().st_size)
                for number, (entry, leaf) in enumerate(zip(entries, names, strict=True)):
                    unpacked = self._write(archive, entry, folder / str(number), leaf, budget)
                    if unpacked is not None:
                        files.append(unpacked)
                    else:
                        skipped.append((leaf, "it is of no type that is kept"))
        except _DAMAGED as error:
            raise UploadRefused(name, "the archive is damaged, or no ZIP that can be read here") from error
        for file in files:
            self._flush(file.path)
        return Contents(folder, tuple(files), tuple(skipped))

    def _flush(self, path: Path) -> None:
        if self._stopping.is_set():
            raise Unavailable("it is stopping")
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, leaf: str, budget: _Budget) -> Unpacked | None:
        """The entry as a file at `target`; None, and no file, when it is not kept. It is read to its end only if it is."""
        with archive.open(entry) as source:
            chunk = source.read(_CHUNK_BYTES)
            content_type = true_type(chunk[:_HEAD_BYTES], leaf)
            if not chunk or not is_kept(content_type):
                return None
            digest, size_bytes = hashlib.sha256(), 0
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0) as file:
                while chunk:
                    if self._stopping.is_set():
                        raise Unavailable("it is stopping")
                    size_bytes += len(chunk)
                    budget.spend(leaf, size_bytes, len(chunk))
                    digest.update(chunk)
                    file.write(chunk)
                    chunk = source.read(_CHUNK_BYTES)
                _start_flushing(file.fileno())
        return Unpacked(target, leaf, content_type, size_bytes, digest.hexdigest())


class _Budget:
    """How many bytes an archive may become. Counted as they come: what its headers say may be a lie."""

    def __init__(self, name: str, archive_bytes: int) -> None:
        self._name = name
        self._ratio_bytes = ARCHIVE_RATIO_FREE_BYTES + ARCHIVE_RATIO_MAX * archive_bytes
        self._spent_bytes = 0

    def spend(self, leaf: str, file_bytes: int, chunk_bytes: int) -> None:
        """Errors: UploadRefused."""
        self._spent_bytes += chunk_bytes
        if file_bytes > FILE_MAX_BYTES:
            raise UploadRefused(self._name, f"{leaf} in it is larger than {FILE_MAX_BYTES // MIB} MB")
        if self._spent_bytes > ARCHIVE_MAX_BYTES:
            raise UploadRefused(self._name, f"its files are larger than {ARCHIVE_MAX_BYTES // MIB} MB together")
        if self._spent_bytes > self._ratio_bytes:
            raise UploadRefused(self._name, f"it unpacks to more than {ARCHIVE_RATIO_MAX} times its size")


class _Bounded(io.RawIOBase):
    """A file of which no large piece can be read at once: an archive's table of contents is, whatever its size, and is kept in memory."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        at_most = ARCHIVE_DIRECTORY_MAX_BYTES + 1
        data = self._file.read(at_most if size is None or size < 0 else min(size, at_most))
        if len(data) > ARCHIVE_DIRECTORY_MAX_BYTES:
            raise zipfile.BadZipFile("its table of contents is too large")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            raise zipfile.BadZipFile("it points outside of itself") from error

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _entries(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The files of an archive. Errors: UploadRefused."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
    if len(entries) > ARCHIVE_ENTRIES_MAX_COUNT:
        raise UploadRefused(name, f"it holds {len(entries)} files, and {ARCHIVE_ENTRIES_MAX_COUNT} are the most")
    for entry in entries:
        if entry.flag_bits & _IS_ENCRYPTED:
            raise UploadRefused(name, "it is encrypted")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind and kind != stat.S_IFREG:
            raise UploadRefused(name, f"{safe_name(entry.filename)} in it is a link or a device, not a file")
        if entry.compress_type not in _METHODS:
            raise UploadRefused(name, "it is compressed in another way than Deflate")
    return entries


def _is_litter(path: str) -> bool:
    return any(part in _LITTER or part.startswith("._") for part in PurePosixPath(path).parts)


def _names(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    """A name for each entry: its own without its folders, or, where several in the archive have that one, with them before it."""
    leaves = [safe_name(entry.filename) for entry in entries]
    counts = Counter(leaves)
    for entry, leaf in zip(entries, leaves, strict=True):
        if counts[leaf] == 1:
            yield leaf
        else:
            parts = entry.filename.replace("\\", "/").split("/")
            yield safe_name("-".join(part for part in parts if part.strip(". ")), leaf)


def _start_flushing(descriptor: int) -> None:
    """Ask the system to begin writing. Files that are flushed one by one wait for the disk twice as long as all of them at the end."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _drop(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _drop_result(job: Future[Contents]) -> None:
    if not job.cancelled() and job.exception() is None:
        _drop(job.result().folder)
