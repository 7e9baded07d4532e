"""What a Project keeps: Folders, and uploads in them. Archives are unpacked on their way in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from gesso.domain.errors import FileUnknown, FolderRefused, FolderUnknown, GessoError, UploadRefused
from gesso.domain.file import ARCHIVE, ROOT, File, Folder, Received, Upload, folder_name, is_folder_name, is_kept
from gesso.domain.ids import new_folder_id
from gesso.domain.project import Project
from gesso.ports import Archives, Blobs, Clock, Contents, FolderStore, Listing
from gesso.services.files import Files

log = structlog.get_logger(__name__)
KEPT_TYPES = "jpg, png, gif, webp, heic, mp4, webm, mov, mp3, wav, m4a, pdf, csv, docx, xlsx, pptx, txt, md, epub, safetensors and zip"


@dataclass(frozen=True, slots=True)
class Kept:
    """What an upload came to. `skipped`: names of files in archives that are not kept, each with the reason."""

    uploads: tuple[Upload, ...]
    skipped: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Gathering:
    """What is to become visible together. `keys`: of bytes that go if it does not come to that; `spent`: of those that go if it does."""

    uploads: list[Upload] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    spent: list[str] = field(default_factory=list)


class Folders:
    def __init__(self, store: FolderStore, files: Files, blobs: Blobs, archives: Archives, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._blobs = blobs
        self._archives = archives
        self._clock = clock

    async def create(self, project: Project, name: str, parent_id: str) -> Folder:
        """A Folder of that name in that place: the one that is there already, so that a call may be repeated.

        Errors: FolderRefused, FolderUnknown, Unavailable.
        """
        if not is_folder_name(name):
            raise FolderRefused("its name must be 1 to 64 letters A-Z and a-z, digits, - and _")
        return await self._store.create(Folder(new_folder_id(), project.id, parent_id, name, self._clock.now()))

    async def upload(self, project: Project, folder_id: str, received: Sequence[Received]) -> Kept:
        """Keep files that came with a request, in the Folder of that id or in ROOT: all of them, or none, whose bytes are deleted then.

        An archive becomes the files in it: in that Folder, or where there is none, in a new one that is named after it.
        Errors: FolderUnknown, FolderRefused, UploadRefused, Unavailable.
        """
        gathering = _Gathering(keys=[one.access_key for one in received])
        try:
            if folder_id != ROOT and await self._store.folder(project.id, folder_id) is None:
                raise FolderUnknown
            for one in received:
                if one.content_type == ARCHIVE:
                    await self._gather_archive(gathering, project, folder_id, one)
                else:
                    self._gather(gathering, project, folder_id, one)
            await self._store.add(gathering.uploads, gathering.folders)
        except BaseException:
            await self._delete(gathering.keys)
            raise
        await self._delete(gathering.spent)
        return Kept(tuple(gathering.uploads), tuple(gathering.skipped))

    def _gather(self, gathering: _Gathering, project: Project, folder_id: str, one: Received) -> None:
        if not one.size_bytes:
            raise UploadRefused(one.file_name, "it is empty")
        if not is_kept(one.content_type):
            raise UploadRefused(one.file_name, f"neither its bytes nor its name show one of the types that are kept: {KEPT_TYPES}")
        # Files that come together are listed in their order.
        now = self._clock.now() + len(gathering.uploads)
        file = File(one.access_key, project.id, one.file_name, one.content_type, one.size_bytes, one.sha256, now)
        gathering.uploads.append(Upload(file, folder_id))

    async def _gather_archive(self, gathering: _Gathering, project: Project, folder_id: str, archive: Received) -> None:
        contents = await self._archives.unpack(self._blobs.path(archive.access_key), archive.file_name)
        try:
            if not contents.files:
                raise UploadRefused(archive.file_name, "the archive holds no file of a type that is kept")
            access_keys = await self._blobs.adopt([file.path for file in contents.files])
            gathering.keys += access_keys
        finally:
            await self._archives.discard(contents)
        if folder_id == ROOT:
            folder = Folder(new_folder_id(), project.id, ROOT, folder_name(archive.file_name), self._clock.now())
            gathering.folders.append(folder)
            folder_id = folder.id
        for received in _received(contents, access_keys):
            self._gather(gathering, project, folder_id, received)
        gathering.skipped += contents.skipped
        gathering.spent.append(archive.access_key)

    async def page(self, project: Project, folder_id: str, start: int, max_count: int, is_newest_first: bool = False) -> Listing:
        """Folders by their names, then uploads by their age. Errors: FolderUnknown."""
        if folder_id != ROOT and await self._store.folder(project.id, folder_id) is None:
            raise FolderUnknown
        return await self._store.page(project.id, folder_id, start, max_count, is_newest_first)

    async def path(self, project: Project, folder_id: str) -> tuple[Folder, ...]:
        """The Folder and those around it, the outermost first; none for ROOT. Errors: FolderUnknown."""
        around: list[Folder] = []
        while folder_id != ROOT:
            folder = await self._store.folder(project.id, folder_id)
            if folder is None:
                raise FolderUnknown
            around.append(folder)
            folder_id = folder.parent_id
        return tuple(reversed(around))

    async def delete(self, project: Project, public_id: str) -> None:
        """Delete an upload, or a Folder with all that is in it. A Folder goes step by step, and what breaks off can be repeated.

        Errors: FileUnknown when the Project has neither, Unavailable.
        """
        access_key = await self._store.remove_upload(project.id, public_id)
        if access_key is not None:
            await self._forget([access_key])
            return
        try:
            while access_keys := await self._store.remove_folder(project.id, public_id):
                await self._forget(access_keys)
        except FolderUnknown:
            raise FileUnknown from None

    async def _forget(self, access_keys: Sequence[str]) -> None:
        self._files.forget(access_keys)
        await self._delete(access_keys)

    async def _delete(self, access_keys: Sequence[str]) -> None:
        """Bytes that cannot be deleted now are orphans, which go later: that must not hide what happened to their rows."""
        try:
            await self._blobs.delete(access_keys)
        except GessoError as error:
            log.warning("files could not be deleted", count=len(access_keys), reason=str(error))


def _received(contents: Contents, access_keys: Sequence[str]) -> list[Received]:
    pairs = zip(contents.files, access_keys, strict=True)
    return [Received(key, file.name, file.content_type, file.size_bytes, file.sha256) for file, key in pairs]
