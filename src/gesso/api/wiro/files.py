"""The calls about files: folders, uploads, lists, and deleting. Source: protocol, sections 2.5 and 2.10.

Decided here, because no source says: the root's id is "0", and an empty or absent one means it too; a list has the folders first; Delete
takes the id of a file or a folder, or a file's access key; what an archive held and is not kept is told in `skipped`, beside the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gesso.api.body import Body
from gesso.api.dialect import Answer, Services
from gesso.api.request import Request
from gesso.api.wiro import asking
from gesso.api.wiro.calls import Calls, Route, told
from gesso.api.wiro.decode import plain_word, task_reference
from gesso.api.wiro.encode import Viewer, output, seconds
from gesso.api.wiro.errors import refusal
from gesso.api.wiro.owners import Owners
from gesso.domain.errors import BodyTooLarge, FileMissing, FileUnknown, FolderUnknown, ParameterMissing, TaskUnknown, UploadRefused
from gesso.domain.file import ROOT, Folder, public_id
from gesso.domain.limits import BODY_MAX_BYTES, FILE_MAX_BYTES, MIB
from gesso.ports import FolderCounts

_ROOT_ID = "0"
_PARTS = ("file", "file[]")
_FOLDER_KEYS = ("folderid", "folderId", "parentid", "parentId")
_PARENT_KEYS = ("parentid", "parentId")
_NAME_KEYS = ("id", "accesskey", "fileid", "folderid")
_ID = re.compile(r"[0-9a-fA-F]{32}")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{26,31}")


class FileCalls:
    def __init__(self, services: Services, calls: Calls, owners: Owners) -> None:
        self._services = services
        self._calls = calls
        self._owners = owners

    @property
    def routes(self) -> Mapping[tuple[str, ...], Route]:
        return {
            ("File", "FolderCreate"): self._create_folder,
            ("File", "Upload"): self._upload,
            ("File", "List"): self._page,
            ("File", "Delete"): self._delete,
            ("Task", "InputOutputDelete"): self._delete_of_task,
        }

    async def _create_folder(self, request: Request) -> Answer:
        project = await self._calls.project(request)
        fields = await self._calls.fields(request)
        name = plain_word(fields.get("name"))
        if not name:
            raise ParameterMissing("name")
        created = await self._services.folders.create(project, name, _place(fields, _PARENT_KEYS))
        viewer = self._owners.viewer(request, project)
        return told({"result": True, "errors": [], "list": [folder(created, FolderCounts(0, 0), viewer)]})

    async def _upload(self, request: Request) -> Answer:
        project = await self._calls.project(request)
        try:
            body = await self._calls.body(request, BODY_MAX_BYTES)
        except BodyTooLarge as error:
            if error.limit_bytes != FILE_MAX_BYTES:
                raise
            raise UploadRefused("that was sent", f"it is larger than the limit of {FILE_MAX_BYTES // MIB} MB") from error
        received = tuple(one for name, one in body.files if name in _PARTS)
        await self._calls.forget(Body([], [(name, one) for name, one in body.files if name not in _PARTS], is_json=False))
        if not received:
            raise FileMissing("file")
        try:
            place = _place(body.as_mapping(), _FOLDER_KEYS)
        except FolderUnknown:
            await self._calls.forget(body)
            raise
        kept = await self._services.folders.upload(project, place, received)
        viewer = self._owners.viewer(request, project)
        listed = [output(one.file, one.folder_id or _ROOT_ID, viewer) for one in kept.uploads]
        skipped = [{"name": name, "reason": reason} for name, reason in kept.skipped]
        return told({"result": True, "errors": [], "list": listed, **({"skipped": skipped} if skipped else {})})

    async def _page(self, request: Request) -> Answer:
        project = await self._calls.project(request)
        fields = await self._calls.fields(request)
        asked = asking.page(fields)
        page = await self._services.folders.page(project, _place(fields, _FOLDER_KEYS), asked.start, asked.limit)
        viewer = self._owners.viewer(request, project)
        folders = [folder(one, counts, viewer) for one, counts in zip(page.folders, page.counts, strict=True)]
        files = [output(one.file, one.folder_id or _ROOT_ID, viewer) for one in page.uploads]
        return told({"result": True, "errors": [], "total": str(page.total), "list": folders + files})

    async def _delete(self, request: Request) -> Answer:
        project = await self._calls.project(request)
        fields = await self._calls.fields(request)
        given = next((text for key in _NAME_KEYS if (text := plain_word(fields.get(key)))), "")
        if not given:
            raise ParameterMissing("id")
        if _ID.fullmatch(given):
            await self._services.folders.delete(project, given.lower())
        elif _ACCESS_KEY.fullmatch(given):
            await self._services.folders.delete(project, public_id(given))
        else:
            raise FileUnknown
        return told({"result": True, "errors": []})

    async def _delete_of_task(self, request: Request) -> Answer:
        """Task/InputOutputDelete."""
        project = await self._calls.project(request)
        task_id, token = task_reference(await self._calls.fields(request))
        try:
            task = await self._services.tasks.find(project, task_id, token)
            await self._services.retention.delete_files(task.id)
        except TaskUnknown:
            return refusal(200, 1, "task-not-exist")
        return told({"result": True, "errors": []})


def folder(shown: Folder, counts: FolderCounts, viewer: Viewer) -> dict[str, Any]:
    """A folder. It has the keys of a file but `url`, which clients check to be one, and `accesskey`."""
    added = seconds(shown.created_at)
    return {
        "id": shown.id,
        "name": shown.name,
        "contenttype": "",
        "parentid": shown.parent_id or _ROOT_ID,
        "uuid": viewer.uuid,
        "size": "0",
        "addedtime": added,
        "modifiedtime": added,
        "foldercount": str(counts.folders),
        "filecount": str(counts.files),
        "ispublic": 0,
        "expiretime": None,
    }


def _place(fields: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The id of the folder that a call names. Errors: FolderUnknown for what cannot be one."""
    given = next((text for key in keys if (text := plain_word(fields.get(key)))), _ROOT_ID)
    if given == _ROOT_ID:
        return ROOT
    if not _ID.fullmatch(given):
        raise FolderUnknown
    return given.lower()
