"""A FolderStore in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gesso.domain.errors import FolderRefused, FolderUnknown, Unavailable
from gesso.domain.file import ROOT, Folder, Upload
from gesso.domain.limits import FOLDER_MAX_DEPTH, FOLDER_MAX_FILES, FOLDERS_MAX_COUNT, REMOVED_AT_ONCE_MAX_COUNT
from gesso.ports import FolderCounts, Listing
from gesso.testing.disk import Disk


class MemoryFolders:
    """Its Folders and places are its own; the Files are the Disk's."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.folders: dict[str, Folder] = {}
        self.uploads: dict[str, Upload] = {}

    async def create(self, folder: Folder) -> Folder:
        self._check()
        same = [one for one in self._inside(folder.project_id, folder.parent_id) if one.name == folder.name]
        if same:
            return same[0]
        self._keep(folder)
        return folder

    async def folder(self, project_id: int, folder_id: str) -> Folder | None:
        found = self.folders.get(folder_id)
        return found if found is not None and found.project_id == project_id else None

    async def add(self, uploads: Sequence[Upload], new_folders: Sequence[Folder]) -> None:
        self._check()
        places = {(one.file.project_id, one.folder_id) for one in uploads}
        for project_id, folder_id in places:
            known = {one.id for one in (*self.folders.values(), *new_folders) if one.project_id == project_id}
            if folder_id != ROOT and folder_id not in known:
                raise FolderUnknown
            more = sum(one.folder_id == folder_id for one in uploads)
            if len(self._within(project_id, folder_id)) + more > FOLDER_MAX_FILES:
                raise FolderRefused(f"a folder may have {FOLDER_MAX_FILES} files at most")
        for folder in new_folders:
            taken = {one.name for one in self._inside(folder.project_id, folder.parent_id)}
            names = (folder.name, *(f"{folder.name}-{number}" for number in range(2, 1_000)))
            name = next(name for name in names if name not in taken)
            self._keep(Folder(folder.id, folder.project_id, folder.parent_id, name, folder.created_at))
        self.uploads.update({one.id: one for one in uploads})
        self.disk.files.update({one.file.access_key: one.file for one in uploads})

    async def page(self, project_id: int, folder_id: str, start: int, max_count: int, is_newest_first: bool = False) -> Listing:
        folders, uploads = self._inside(project_id, folder_id), self._within(project_id, folder_id)
        uploads = uploads[::-1] if is_newest_first else uploads
        shown = folders[start : start + max_count]
        first = max(0, start - len(folders))
        counts = tuple(FolderCounts(len(self._inside(project_id, one.id)), len(self._within(project_id, one.id))) for one in shown)
        rest = uploads[first : first + max_count - len(shown)]
        return Listing(len(folders) + len(uploads), tuple(shown), counts, tuple(rest))

    async def remove_upload(self, project_id: int, upload_id: str) -> str | None:
        self._check()
        found = self.uploads.get(upload_id)
        if found is None or found.file.project_id != project_id:
            return None
        self._drop(found)
        return found.file.access_key

    async def remove_folder(self, project_id: int, folder_id: str) -> list[str]:
        self._check()
        if await self.folder(project_id, folder_id) is None:
            raise FolderUnknown
        tree = [folder_id]
        for one in tree:
            tree += [inner.id for inner in self._inside(project_id, one)]
        some = [upload for upload in self.uploads.values() if upload.folder_id in tree][:REMOVED_AT_ONCE_MAX_COUNT]
        for upload in some:
            self._drop(upload)
        if not some:
            for one in tree:
                del self.folders[one]
        return [upload.file.access_key for upload in some]

    def _inside(self, project_id: int, parent_id: str) -> list[Folder]:
        found = [one for one in self.folders.values() if (one.project_id, one.parent_id) == (project_id, parent_id)]
        return sorted(found, key=lambda one: one.name)

    def _within(self, project_id: int, folder_id: str) -> list[Upload]:
        found = [one for one in self.uploads.values() if (one.file.project_id, one.folder_id) == (project_id, folder_id)]
        return sorted(found, key=lambda one: (one.file.created_at, one.id))

    def _keep(self, folder: Folder) -> None:
        depth, parent_id = 1, folder.parent_id
        while parent_id != ROOT:
            around = self.folders.get(parent_id)
            if around is None or around.project_id != folder.project_id:
                raise FolderUnknown
            depth, parent_id = depth + 1, around.parent_id
        if depth > FOLDER_MAX_DEPTH:
            raise FolderRefused(f"folders may be nested {FOLDER_MAX_DEPTH} deep at most")
        if sum(one.project_id == folder.project_id for one in self.folders.values()) >= FOLDERS_MAX_COUNT:
            raise FolderRefused(f"a project may have {FOLDERS_MAX_COUNT} folders at most")
        self.folders[folder.id] = folder

    def _drop(self, upload: Upload) -> None:
        del self.uploads[upload.id]
        self.disk.files.pop(upload.file.access_key, None)

    def _check(self) -> None:
        if self.disk.trouble:
            raise Unavailable(self.disk.trouble)
