"""What a Project keeps: its folders, the uploads in them, and ways to add, look at, use and delete them."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import FileUnknown, FolderUnknown, GessoError, Unavailable
from gesso.domain.file import ROOT, Folder, Upload
from gesso.domain.limits import FILE_MAX_BYTES, MIB
from gesso.domain.model import Model
from gesso.domain.parameter import Role
from gesso.domain.project import Project
from gesso.ports import FolderCounts
from gesso.services.thumbnails import has_thumbnail
from gesso.web.forms import read_files, read_form
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.task_panel import file_path
from gesso.web.visitor import Visitor

VIEW_COOKIE = "gesso_files"
VIEWS = {"grid": "Grid", "list": "List"}
_PAGE_COUNT = 48
_KEPT_S = int(datetime.timedelta(days=365).total_seconds())
_ID_CHARACTERS = 32
# Categories whose Models do nothing with a file that anybody waits for.
_DULL = {"test"}
_ICONS = {"image": "picture", "video": "play", "audio": "play"}
# These have pages of their own; all else is told in the page of the folder.
_PAGES = (FileUnknown, FolderUnknown, Unavailable)


@dataclass(frozen=True, slots=True)
class Place:
    """A Model that takes a file of some kind. `parameter`: what takes it; `has_stage`: a picture that is painted on in the page."""

    model: Model
    parameter: str
    accepts: tuple[str, ...]
    has_stage: bool

    def takes(self, content_type: str) -> bool:
        return not self.accepts or content_type.startswith(self.accepts)


@dataclass(frozen=True, slots=True)
class Item:
    """One upload as the page shows it. `uses`: Models that take it, each with the address of its page that opens with it."""

    upload: Upload
    path: str
    url: str
    kind: str
    icon: str
    is_shown: bool
    uses: tuple[tuple[str, str], ...]


class FilePages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._places = tuple(place for model in site.services.catalog.all() if (place := _place_of(model)) is not None)

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/files", self._show),
            route("/files/upload", self._upload, ("POST",)),
            route("/files/folder", self._create_folder, ("POST",)),
            route("/files/delete", self._ask_delete),
            route("/files/delete", self._delete, ("POST",)),
            route("/files/{folder}", self._show),
        ]

    async def _show(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        if visitor.project is None:
            return self._site.page(request, visitor, "files/no_project.html", nav="files")
        answer = await self._page(request, visitor, visitor.project, request.path_params.get("folder", ROOT))
        chosen = request.query_params.get("view", "")
        if chosen in VIEWS:
            answer.set_cookie(VIEW_COOKIE, chosen, _KEPT_S, httponly=True, samesite="lax")
        return answer

    async def _page(
        self, request: Request, visitor: Visitor, project: Project, folder_id: str, problem: str = "", name: str = ""
    ) -> Response:
        folders = self._site.services.folders
        around = await folders.path(project, folder_id)
        number = request.query_params.get("page", "")
        page = max(1, int(number)) if number.isdecimal() and len(number) < 6 else 1
        listing = await folders.page(project, folder_id, (page - 1) * _PAGE_COUNT, _PAGE_COUNT, is_newest_first=True)
        pages = max(1, -(-listing.total // _PAGE_COUNT))
        view = next((one for one in (request.query_params.get("view"), request.cookies.get(VIEW_COOKIE)) if one in VIEWS), "grid")
        origin, places = self._site.origin(request), await asyncio.to_thread(self._ready)
        inner: Sequence[tuple[Folder, FolderCounts]] = tuple(zip(listing.folders, listing.counts, strict=True))
        return self._site.page(
            request,
            visitor,
            "files/folder.html",
            400 if problem else 200,
            nav="files",
            folder_id=folder_id,
            around=around,
            place=_address(folder_id),
            folders=inner,
            items=[_item(upload, origin, places) for upload in listing.uploads],
            total=listing.total,
            number=page,
            pages=pages,
            view=view,
            views=VIEWS,
            max_bytes=FILE_MAX_BYTES,
            max_mb=FILE_MAX_BYTES // MIB,
            problem=problem,
            given_name=name,
            uploaded=_count(request, "uploaded"),
            skipped=_count(request, "skipped"),
        )

    def _ready(self) -> tuple[Place, ...]:
        """Where files can be used now."""
        return tuple(place for place in self._places if self._site.services.catalog.readiness(place.model).is_ready)

    async def _upload(self, request: Request) -> Response:
        """What a form sends without scripts; with them, each file goes through the API and has its own progress."""
        visitor = await self._site.member(request)
        services = self._site.services
        form, received = await read_files(request, visitor, services.blobs)
        project, folder_id = _project(visitor), form.word("folder")
        if not received:
            return await self._page(request, visitor, project, folder_id, "Choose a file first.")
        try:
            kept = await services.folders.upload(project, folder_id, received)
        except GessoError as error:
            if isinstance(error, _PAGES):
                raise
            return await self._page(request, visitor, project, folder_id, str(error))
        told = {"uploaded": len(kept.uploads), **({"skipped": len(kept.skipped)} if kept.skipped else {})}
        return _go(f"{_address(folder_id)}?{urlencode(told)}")

    async def _create_folder(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        project, parent_id, name = _project(visitor), form.word("folder"), form.word("name")
        try:
            folder = await self._site.services.folders.create(project, name, parent_id)
        except GessoError as error:
            if isinstance(error, _PAGES):
                raise
            return await self._page(request, visitor, project, parent_id, str(error), name)
        return _go(_address(folder.id))

    async def _ask_delete(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        project, folder_id, given = _project(visitor), request.query_params.get("folder", ROOT), request.query_params.get("id", "")
        folders = self._site.services.folders
        around = await folders.path(project, folder_id)
        if around and given == folder_id:
            listing = await folders.page(project, folder_id, 0, 1)
            what = "It" if not listing.total else f"It, the {listing.total} files and folders in it, and whatever is below them,"
            heading, there = f"Delete the folder {around[-1].name}?", _address(around[-1].parent_id)
        else:
            heading, there, what = "Delete this file?", _address(folder_id), f"{request.query_params.get('name', 'It')[:120]}"
        return self._site.page(
            request,
            visitor,
            "sure.html",
            heading=heading,
            text=f"{what} will be gone, and addresses of what is deleted lead nowhere. Tasks that used it keep what they made.",
            fields=[("id", given[:_ID_CHARACTERS]), ("next", there)],
            word="Delete it",
            icon="trash",
            is_danger=True,
            there=_address(folder_id),
            typed="",
            asks_password=False,
            problem="",
        )

    async def _delete(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        there = form.word("next")
        await self._site.services.folders.delete(_project(visitor), form.word("id"))
        return _go(there if there.startswith("/files") and there.isprintable() else "/files")


def _item(upload: Upload, origin: str, places: Sequence[Place]) -> Item:
    file = upload.file
    path = file_path(file.access_key, file.name)
    uses = tuple((place.model.name, _use(place, path, origin)) for place in places if place.takes(file.content_type))
    kind = file.content_type.partition("/")[0]
    return Item(upload, path, origin + path, kind, _ICONS.get(kind, "document"), has_thumbnail(file.content_type), uses)


def _place_of(model: Model) -> Place | None:
    """Where a file goes in that Model: what is painted on before anything else, and never a mask."""
    takers = [parameter for parameter in model.parameters if parameter.kind.is_file and parameter.role is not Role.MASK]
    if not takers or _DULL & set(model.categories):
        return None
    first = next((parameter for parameter in takers if parameter.role is Role.PICTURE), takers[0])
    has_stage = first.role is Role.PICTURE and any(parameter.role is Role.MASK for parameter in model.parameters)
    accepts = first.accepts or (("image/",) if first.role is Role.PICTURE else ())
    return Place(model, first.id, accepts, has_stage)


def _use(place: Place, path: str, origin: str) -> str:
    """A picture to paint on is fetched by the page itself, every other file by the server."""
    return f"/models/{place.model.clean_name}?{urlencode({place.parameter: path if place.has_stage else origin + path})}"


def _address(folder_id: str) -> str:
    return f"/files/{quote(folder_id, safe='')}" if folder_id != ROOT else "/files"


def _project(visitor: Visitor) -> Project:
    """Errors: FolderUnknown for who has none yet."""
    if visitor.project is None:
        raise FolderUnknown
    return visitor.project


def _count(request: Request, name: str) -> int:
    given = request.query_params.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 6 else 0


def _go(there: str) -> Response:
    return RedirectResponse(there, 303, HEADERS)
