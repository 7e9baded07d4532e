"""Folders and the uploads in them: rows to domain values and back. What a Project does not own does not exist for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from gesso.domain.errors import FolderRefused, FolderUnknown
from gesso.domain.file import ROOT, Folder, Upload, public_id
from gesso.domain.limits import FOLDER_MAX_DEPTH, FOLDER_MAX_FILES, FOLDERS_MAX_COUNT, REMOVED_AT_ONCE_MAX_COUNT
from gesso.ports import FolderCounts, Listing
from gesso.store.database import Database
from gesso.store.schema import files, folders, uploads
from gesso.store.tasks import file_of, file_row

_NAMES_MAX_COUNT = 1_000


class SqlFolders:
    """The FolderStore on SQLAlchemy Core."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, folder: Folder) -> Folder:
        return await self._database.call(lambda connection: _create(connection, folder))

    async def folder(self, project_id: int, folder_id: str) -> Folder | None:
        return await self._database.read(lambda connection: _folder(connection, project_id, folder_id))

    async def add(self, uploads: Sequence[Upload], new_folders: Sequence[Folder]) -> None:
        await self._database.call(lambda connection: _add(connection, uploads, new_folders))

    async def page(self, project_id: int, folder_id: str, start: int, max_count: int, is_newest_first: bool = False) -> Listing:
        return await self._database.read(lambda connection: _page(connection, project_id, folder_id, start, max_count, is_newest_first))

    async def remove_upload(self, project_id: int, upload_id: str) -> str | None:
        def remove(connection: Connection) -> str | None:
            statement = select(uploads.c.access_key).where(uploads.c.id == upload_id, uploads.c.project_id == project_id)
            access_key = connection.execute(statement).scalar()
            if access_key is not None:
                _drop(connection, [access_key])
            return access_key

        return await self._database.call(remove)

    async def remove_folder(self, project_id: int, folder_id: str) -> list[str]:
        return await self._database.call(lambda connection: _remove_folder(connection, project_id, folder_id))


def _folder(connection: Connection, project_id: int, folder_id: str) -> Folder | None:
    row = connection.execute(select(folders).where(folders.c.id == folder_id, folders.c.project_id == project_id)).one_or_none()
    return Folder(**row._mapping) if row is not None else None


def _create(connection: Connection, folder: Folder) -> Folder:
    same = select(folders).where(*_inside(folder.project_id, folder.parent_id), folders.c.name == folder.name)
    row = connection.execute(same).one_or_none()
    if row is not None:
        return Folder(**row._mapping)
    if _depth(connection, folder) > FOLDER_MAX_DEPTH:
        raise FolderRefused(f"folders may be nested {FOLDER_MAX_DEPTH} deep at most")
    _insert_folder(connection, folder)
    return folder


def _insert_folder(connection: Connection, folder: Folder) -> None:
    count = connection.execute(select(func.count()).select_from(folders).where(folders.c.project_id == folder.project_id)).scalar_one()
    if count >= FOLDERS_MAX_COUNT:
        raise FolderRefused(f"a project may have {FOLDERS_MAX_COUNT} folders at most")
    connection.execute(insert(folders), [_folder_row(folder)])


def _folder_row(folder: Folder) -> dict[str, Any]:
    return {
        "id": folder.id,
        "project_id": folder.project_id,
        "parent_id": folder.parent_id,
        "name": folder.name,
        "created_at": folder.created_at,
    }


def _depth(connection: Connection, folder: Folder) -> int:
    """How many folders there are from the root to this one. Errors: FolderUnknown when one of those around it does not exist."""
    depth, parent_id = 1, folder.parent_id
    while parent_id != ROOT and depth <= FOLDER_MAX_DEPTH:
        around = _folder(connection, folder.project_id, parent_id)
        if around is None:
            raise FolderUnknown
        depth, parent_id = depth + 1, around.parent_id
    return depth


def _add(connection: Connection, added: Sequence[Upload], new_folders: Sequence[Folder]) -> None:
    for folder in new_folders:
        name = next(_free_names(connection, folder), None)
        if name is None:
            raise FolderRefused(f"there are too many folders with names like {folder.name}")
        _insert_folder(connection, Folder(folder.id, folder.project_id, folder.parent_id, name, folder.created_at))
    for project_id, folder_id in {(upload.file.project_id, upload.folder_id) for upload in added}:
        if folder_id != ROOT and _folder(connection, project_id, folder_id) is None:
            raise FolderUnknown
        more = sum(upload.folder_id == folder_id for upload in added)
        here = select(func.count()).select_from(uploads).where(*_within(project_id, folder_id))
        if connection.execute(here).scalar_one() + more > FOLDER_MAX_FILES:
            raise FolderRefused(f"a folder may have {FOLDER_MAX_FILES} files at most")
    connection.execute(insert(files), [file_row(upload.file) for upload in added])
    connection.execute(insert(uploads), [_upload_row(upload) for upload in added])


def _free_names(connection: Connection, folder: Folder) -> Iterator[str]:
    """The Folder's name, or the same with a number behind it, as far as nothing has that name there."""
    for number in range(1, _NAMES_MAX_COUNT):
        name = folder.name if number == 1 else f"{folder.name}-{number}"
        same = select(folders.c.id).where(*_inside(folder.project_id, folder.parent_id), folders.c.name == name)
        if connection.execute(same).scalar() is None:
            yield name


def _upload_row(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "access_key": upload.file.access_key,
        "project_id": upload.file.project_id,
        "folder_id": upload.folder_id,
        "created_at": upload.file.created_at,
    }


def _inside(project_id: int, parent_id: str) -> tuple[Any, ...]:
    return folders.c.project_id == project_id, folders.c.parent_id == parent_id


def _within(project_id: int, folder_id: str) -> tuple[Any, ...]:
    return uploads.c.project_id == project_id, uploads.c.folder_id == folder_id


def _page(connection: Connection, project_id: int, folder_id: str, start: int, max_count: int, is_newest_first: bool) -> Listing:
    inside, within = _inside(project_id, folder_id), _within(project_id, folder_id)
    folder_count = connection.execute(select(func.count()).select_from(folders).where(*inside)).scalar_one()
    file_count = connection.execute(select(func.count()).select_from(uploads).where(*within)).scalar_one()
    first = select(folders).where(*inside).order_by(folders.c.name).offset(start).limit(max_count)
    found = [Folder(**row._mapping) for row in connection.execute(first).all()]
    ages = (uploads.c.created_at, uploads.c.id)
    rest = (
        select(files)
        .join(uploads, uploads.c.access_key == files.c.access_key)
        .where(*within)
        .order_by(*(age.desc() if is_newest_first else age for age in ages))
        .offset(max(0, start - folder_count))
        .limit(max_count - len(found))
    )
    kept = [Upload(file_of(row), folder_id) for row in connection.execute(rest).all()]
    return Listing(folder_count + file_count, tuple(found), _counts(connection, project_id, found), tuple(kept))


def _counts(connection: Connection, project_id: int, shown: Sequence[Folder]) -> tuple[FolderCounts, ...]:
    ids = [folder.id for folder in shown]
    if not ids:
        return ()
    of_folders = select(folders.c.parent_id, func.count()).where(folders.c.project_id == project_id, folders.c.parent_id.in_(ids))
    of_files = select(uploads.c.folder_id, func.count()).where(uploads.c.project_id == project_id, uploads.c.folder_id.in_(ids))
    inner: dict[str, int] = {row[0]: row[1] for row in connection.execute(of_folders.group_by(folders.c.parent_id)).all()}
    held: dict[str, int] = {row[0]: row[1] for row in connection.execute(of_files.group_by(uploads.c.folder_id)).all()}
    return tuple(FolderCounts(inner.get(one, 0), held.get(one, 0)) for one in ids)


def _drop(connection: Connection, access_keys: Sequence[str]) -> None:
    connection.execute(delete(uploads).where(uploads.c.id.in_([public_id(access_key) for access_key in access_keys])))
    connection.execute(delete(files).where(files.c.access_key.in_(access_keys)))


def _remove_folder(connection: Connection, project_id: int, folder_id: str) -> list[str]:
    """One step: some files of the tree and no folder, or when no file is left, its folders. Errors: FolderUnknown."""
    if _folder(connection, project_id, folder_id) is None:
        raise FolderUnknown
    tree, level = [folder_id], [folder_id]
    while level:
        inner = select(folders.c.id).where(folders.c.project_id == project_id, folders.c.parent_id.in_(level))
        level = list(connection.execute(inner).scalars())
        tree += level
    some = (
        select(uploads.c.access_key)
        .where(uploads.c.project_id == project_id, uploads.c.folder_id.in_(tree))
        .limit(REMOVED_AT_ONCE_MAX_COUNT)
    )
    access_keys = list(connection.execute(some).scalars())
    if access_keys:
        _drop(connection, access_keys)
    else:
        connection.execute(delete(folders).where(folders.c.id.in_(tree)))
    return access_keys
