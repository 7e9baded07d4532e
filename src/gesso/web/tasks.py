"""Task history: the list with what runs now above the days, and one Task beside it or on a page of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import ProjectUnknown
from gesso.domain.ledger import Statistics
from gesso.domain.limits import TASKS_PAGE_MAX_COUNT
from gesso.domain.project import Project
from gesso.domain.task import Task
from gesso.domain.task_search import TaskFinds
from gesso.services.history import HistoryQuery, Kind
from gesso.web import task_query
from gesso.web.models import ModelFrame
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.task_curl import curl
from gesso.web.task_panel import Panel, panel
from gesso.web.task_query import AGES, STATUSES, TaskQuery
from gesso.web.task_rows import ZONE_COOKIE, Day, Row, Rows, days, open_first, zone
from gesso.web.visitor import Visitor

_OPEN_MAX_COUNT = 100
_OPEN_BESIDE_MAX_COUNT = 20
_RENEWED_MAX_COUNT = 300
_US = 1_000_000
_STATUS_WORDS = {"": "All", "done": "Done", "failed": "Failed", "cancelled": "Cancelled"}


@dataclass(frozen=True, slots=True)
class TaskList:
    """What a list shows. `open_total`: how many Tasks have not ended, of which `open` are the first. `finds`: None where only those are
    wanted. `days` are what it found. `counts`: of the Project, and of the Model that is chosen."""

    query: TaskQuery
    open: tuple[Row, ...]
    open_total: int
    days: tuple[Day, ...]
    finds: TaskFinds | None
    counts: Statistics
    by_model: Mapping[str, Statistics]

    @property
    def running(self) -> int:
        return sum(not row.is_waiting for row in self.open)

    @property
    def oldest(self) -> int:
        """The lowest id among its rows; 0 when it has none."""
        return min((row.task.id for day in self.days for row in day.rows), default=0)


class TaskPages:
    def __init__(self, site: Site, frame: ModelFrame) -> None:
        self._site = site
        self._frame = frame
        self._rows = Rows(site.services.catalog)

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        history = "/models/{owner}/{slug}/history"
        return [
            route("/tasks", self._list),
            route("/tasks/rows", self._list_rows),
            route("/tasks/{task:int}", self._task),
            route("/tasks/{task:int}/peek", self._peek),
            route("/tasks/{task:int}/place", self._place),
            route(history, self._history),
            route(f"{history}/rows", self._history_rows),
        ]

    async def _list(self, request: Request) -> Response:
        query = task_query.read(request.query_params)
        visitor = await self._visitor(request, query)
        if visitor.project is None:
            return self._site.page(request, visitor, "tasks/no_project.html", nav="tasks")
        context = await self._context(request, visitor, query)
        return self._site.page(request, visitor, "tasks/list.html", nav="tasks", **context)

    async def _list_rows(self, request: Request) -> Response:
        query = task_query.read(request.query_params)
        visitor = await self._visitor(request, query)
        return await self._rows_part(request, visitor, query)

    async def _history(self, request: Request) -> Response:
        model = self._frame.model(request)
        visitor = await self._site.visitor(request)
        query = task_query.read(request.query_params, f"/models/{model.clean_name}/history", model.name)
        context: dict[str, Any] = {"shown": None}
        if visitor.project is not None:
            visitor = within(visitor, query.project)
            context = await self._context(request, visitor, query)
        return await self._frame.page(request, visitor, model, "history", "models/history.html", **context)

    async def _history_rows(self, request: Request) -> Response:
        model = self._frame.model(request)
        query = task_query.read(request.query_params, f"/models/{model.clean_name}/history", model.name)
        return await self._rows_part(request, await self._visitor(request, query), query)

    async def _rows_part(self, request: Request, visitor: Visitor, query: TaskQuery) -> Response:
        if visitor.project is None:
            raise ProjectUnknown
        shown = await self._shown(request, visitor, query)
        return self._site.part(request, visitor, "tasks/rows.html", shown=shown, is_part=True)

    async def _task(self, request: Request) -> Response:
        visitor, task = await self.find(request)
        shown = await self._panel(request, visitor, task)
        return self._site.page(request, visitor, "tasks/task.html", nav="tasks", panel=shown, query=task_query.read({}))

    async def _peek(self, request: Request) -> Response:
        visitor, task = await self.find(request)
        shown = await self._panel(request, visitor, task)
        return self._site.part(request, visitor, "tasks/peek.html", panel=shown)

    async def _place(self, request: Request) -> Response:
        """The place in line as a number, for a script; nothing for a Task that has none."""
        _, task = await self.find(request)
        place = (await self._site.services.records.waiting.places((task,))).get(task.id)
        return PlainTextResponse(str(place.number) if place else "", 200, HEADERS)

    async def find(self, request: Request) -> tuple[Visitor, Task]:
        """A Task of any Project of the visitor, who works in that one here. Errors: SignInNeeded, TaskUnknown."""
        visitor = await self._site.member(request)
        listings = {listing.project.id: listing for listing in visitor.listings}
        task = await self._site.services.tasks.among(listings, request.path_params["task"])
        return replace(visitor, listing=listings[task.project_id]), task

    async def _visitor(self, request: Request, query: TaskQuery) -> Visitor:
        return within(await self._site.member(request), query.project)

    async def _context(self, request: Request, visitor: Visitor, query: TaskQuery) -> dict[str, Any]:
        shown = await self._shown(request, visitor, query)
        beside = await self._beside(request, visitor, query)
        known = {model.name: model.title for model in self._site.services.catalog.all()}
        names: set[str] = {*shown.by_model, *([query.model] if query.model else ())}
        return {
            "shown": shown,
            "query": query,
            "panel": beside,
            "chips": self._chips(shown),
            "models": [(name, known.get(name, name)) for name in sorted(names)],
            "ages": AGES,
            "is_part": False,
        }

    async def _beside(self, request: Request, visitor: Visitor, query: TaskQuery) -> Panel | None:
        if not query.task:
            return None
        return await self._panel(request, visitor, await self._site.services.tasks.among((_project(visitor).id,), query.task))

    def _chips(self, shown: TaskList) -> list[tuple[str, str, bool, int | None]]:
        """Address, word, whether it is chosen, and how many there are where that is known."""
        counts, query = shown.counts, shown.query
        numbers = {"": counts.submitted, "done": counts.succeeded, "failed": counts.failed, "cancelled": counts.cancelled}
        return [
            (query.with_(status=status), _STATUS_WORDS[status], query.status == status, numbers[status] if query.has_counts else None)
            for status in STATUSES
        ]

    async def _shown(self, request: Request, visitor: Visitor, query: TaskQuery) -> TaskList:
        services, now, project = self._site.services, _now(), _project(visitor)
        is_older_page = bool(query.before)
        by_model, opened, finds = await asyncio.gather(
            services.records.searches.statistics(project),
            self._open(project, query) if not is_older_page else _nothing(),
            self._finds(project, query, now),
        )
        name = query.fixed_model or query.model
        counts = by_model.get(name, Statistics()) if name else sum(by_model.values(), Statistics())
        found = finds.tasks if finds else ()
        places, people = await services.records.waiting.places(opened), await self._people(visitor, (*opened, *found))
        rows = [self._rows.row(task, now, places, people) for task in found]
        minutes = zone(request.cookies.get(ZONE_COOKIE, ""))
        return TaskList(
            query=query,
            open=tuple(self._rows.row(task, now, places, people) for task in opened),
            open_total=counts.active if query.tab != "running" else max(counts.active, len(opened)),
            # Below a bound there may be more of its day.
            days=tuple(days(rows, now, minutes, finds is None or (finds.is_end and not query.after))),
            finds=finds,
            counts=counts,
            by_model=by_model,
        )

    async def _finds(self, project: Project, query: TaskQuery, now: int) -> TaskFinds | None:
        if query.tab != "models":
            return None
        limit = _RENEWED_MAX_COUNT if query.after else TASKS_PAGE_MAX_COUNT
        return await self._site.services.records.searches.find(query.search(project.id, now), limit)

    async def _open(self, project: Project, query: TaskQuery) -> Sequence[Task]:
        """What runs and waits, where nothing is asked that only an end can answer."""
        if query.tab == "trains" or query.status:
            return ()
        wanted = HistoryQuery(Kind.OPEN, limit=_OPEN_MAX_COUNT if query.tab == "running" else _OPEN_BESIDE_MAX_COUNT, is_newest_first=False)
        _, found = await self._site.services.history.page(project, wanted)
        searched = query.search(project.id, 0)
        return open_first([task for task in found if (not searched.model or task.model == searched.model) and searched.means(task)])

    async def _people(self, visitor: Visitor, tasks: Sequence[Task]) -> Mapping[str, str]:
        """What is said of who ordered these Tasks. Most Projects have one member, of whom nothing has to be asked."""
        me = visitor.signed_in
        if all(task.author in ("", me.uuid) for task in tasks):
            return {me.uuid: "from the web"}
        members = await self._site.services.projects.members(me, _project(visitor).uuid)
        return {member.user_uuid: f"by {member.email.partition('@')[0]}" for member in members} | {me.uuid: "from the web"}

    async def _panel(self, request: Request, visitor: Visitor, task: Task) -> Panel:
        services = self._site.services
        places, people = await services.records.waiting.places((task,)), await self._people(visitor, (task,))
        model = services.catalog.named(task.model)
        deliveries = await services.records.deliveries.log(task.id) if task.callback_url else []
        command = curl(task, model, _project(visitor), self._site.origin(request))
        return panel(self._rows.row(task, _now(), places, people), model, command, deliveries)


def within(visitor: Visitor, uuid: str) -> Visitor:
    """The visitor in the Project that an address names. Errors: ProjectUnknown."""
    if not uuid or (visitor.project is not None and visitor.project.uuid == uuid):
        return visitor
    listing = next((one for one in visitor.listings if one.project.uuid == uuid), None)
    if listing is None:
        raise ProjectUnknown
    return replace(visitor, listing=listing)


def _project(visitor: Visitor) -> Project:
    assert visitor.project is not None, "it has been found in one"
    return visitor.project


async def _nothing() -> Sequence[Task]:
    return ()


def _now() -> int:
    return time.time_ns() // 1_000
