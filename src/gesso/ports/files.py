"""Files, Folders and their bytes, at rest and on their way there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gesso.domain.file import Carried, File, Folder, Received, Upload


class FileStore(Protocol):
    async def add(self, file: File) -> None: ...

    async def by_access_key(self, access_key: str) -> File | None: ...

    async def unknown(self, access_keys: Sequence[str]) -> set[str]:
        """Those of `access_keys` that no File has."""
        ...


@dataclass(frozen=True, slots=True)
class FolderCounts:
    """How many Folders and how many uploads are right in a Folder."""

    folders: int
    files: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a Folder: its Folders by name, with what is in each, then its uploads by age. `total`: of all pages."""

    total: int
    folders: tuple[Folder, ...]
    counts: tuple[FolderCounts, ...]
    uploads: tuple[Upload, ...]


class FolderStore(Protocol):
    """What a Project keeps. The ids of another Project's are unknown ones."""

    async def create(self, folder: Folder) -> Folder:
        """Keep `folder`; the one that has its name in its place already. Errors: FolderUnknown (its parent), FolderRefused, Unavailable."""
        ...

    async def folder(self, project_id: int, folder_id: str) -> Folder | None: ...

    async def add(self, uploads: Sequence[Upload], new_folders: Sequence[Folder]) -> None:
        """Keep all at once, each new Folder under the first free name like its own. Errors: FolderUnknown, FolderRefused, Unavailable."""
        ...

    async def page(self, project_id: int, folder_id: str, start: int, max_count: int, is_newest_first: bool = False) -> Listing: ...

    async def remove_upload(self, project_id: int, upload_id: str) -> str | None:
        """The access key of the File that is no more; None when there was none."""
        ...

    async def remove_folder(self, project_id: int, folder_id: str) -> list[str]:
        """A bounded step: the access keys of Files that are no more; none when the Folder and all in it are gone. Errors: FolderUnknown."""
        ...


class CarriedStore(Protocol):
    """Bytes of small Outputs that commits carried, until their files are flushed."""

    async def page(self, after: int) -> tuple[list[Carried], int]:
        """Those of the next CARRIED_AT_ONCE_MAX_COUNT numbers above `after` whose Files are still there, and the last of these numbers;
        `after` when there is none. Errors: Unavailable."""
        ...

    async def last(self) -> int:
        """The highest number; 0 when there is none. Errors: Unavailable."""
        ...

    async def drop(self, last: int) -> None:
        """Those of the numbers up to `last` are on disk elsewhere. Errors: Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file of an archive, in a scratch folder, flushed to disk."""

    path: Path
    name: str
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive held. `skipped`: names of files that are not kept, each with the reason."""

    folder: Path
    files: tuple[Unpacked, ...]
    skipped: tuple[tuple[str, str], ...]


class Archives(Protocol):
    async def unpack(self, path: Path, name: str) -> Contents:
        """Write what is in the archive at `path`, called `name`, into a scratch folder, which the caller discards. Errors: UploadRefused,
        Unavailable; then nothing is left."""
        ...

    async def discard(self, contents: Contents) -> None: ...


class BlobWriter(Protocol):
    """Bytes on their way to disk. Nothing exists under the access key before `finish`."""

    async def write(self, chunk: bytes) -> None:
        """Add bytes. Errors: BodyTooLarge over FILE_MAX_BYTES, Unavailable when the disk refuses."""
        ...

    async def finish(self, file_name: str) -> Received:
        """Make the bytes durable under a new access key. The content type is sniffed."""
        ...

    async def discard(self) -> None: ...


class Blobs(Protocol):
    def receive(self) -> BlobWriter: ...

    def path(self, access_key: str) -> Path:
        """Where the bytes are on local disk."""
        ...

    def folder(self, access_key: str) -> Path:
        """The folder of `path`, which is there."""
        ...

    async def adopt(self, sources: Sequence[Path]) -> list[str]:
        """Move files of a scratch folder in, durably; their new access keys in order. Errors: Unavailable."""
        ...

    async def restore(self, carried: Sequence[Carried]) -> int:
        """Write those again that are not there, or not whole, unflushed; how many they were. Errors: Unavailable."""
        ...

    async def flush(self) -> None:
        """All that was written before this call is on disk when it returns. Errors: Unavailable."""
        ...

    async def delete(self, access_keys: Sequence[str]) -> None: ...

    def aged(self, age_s: float) -> AsyncIterator[list[str]]:
        """The keys of all blobs that are older than `age_s` seconds, some at a time."""
        ...


class Fetch(Protocol):
    async def fetch(self, url: str, writer: BlobWriter) -> str:
        """Download `url` into `writer`; the file name that it suggests. Errors: FetchRefused, BodyTooLarge, Unavailable."""
        ...
