"""Two pages on how things stand: the dashboard of who is signed in, and the status of the server for everybody."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.model import Model
from gesso.domain.parameter import Role
from gesso.services.history import HistoryQuery, Kind
from gesso.web.site import Site
from gesso.web.task_rows import Rows
from gesso.web.visitor import Visitor

_SHOWN_MAX_COUNT = 8
_DISK_LOW_SHARE = 0.05


class DashboardPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._rows = Rows(site.services.catalog)

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [route("/dashboard", self._dashboard), route("/status", self._status)]

    async def _dashboard(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        services = self._site.services
        if visitor.project is None:
            return self._site.page(request, visitor, "dashboard/none.html", nav="dashboard")
        project, now = visitor.project, time.time_ns() // 1000
        (open_count, running), (total, latest) = await asyncio.gather(
            services.history.page(project, HistoryQuery(Kind.OPEN, limit=_SHOWN_MAX_COUNT)),
            services.history.page(project, HistoryQuery(limit=_SHOWN_MAX_COUNT * 2)),
        )
        places = await services.records.waiting.places(running)
        account = await services.billing.account(project.id)
        ended = [task for task in latest if task.state.is_terminal][:_SHOWN_MAX_COUNT]
        return self._site.page(
            request,
            visitor,
            "dashboard/dashboard.html",
            nav="dashboard",
            open_count=open_count,
            running=[self._rows.row(task, now, places, {}) for task in running],
            latest=[self._rows.row(task, now, {}, {}) for task in ended],
            total=total,
            account=account,
            mode=services.billing.mode.value,
            devices=services.machine.station.devices(),
            todo=await self._todo(visitor, total),
        )

    async def _todo(self, visitor: Visitor, total: int) -> list[tuple[bool, str, str, str]]:
        """What a newcomer does, in order: whether it is done, what it is, where, and why. Empty once all is done."""
        requests = visitor.listing.request_count if visitor.listing else 0
        model = await self._filler()
        there = f"/models/{model.clean_name}" if model else "/models"
        todo = [
            (True, "Make a project", "/projects", "It owns tasks and files."),
            (total > 0, "Fill a picture", there, "Paint over something and run."),
            (
                requests > 0,
                "Make a key",
                f"/projects/{visitor.project.uuid}" if visitor.project else "/projects",
                "For programs; it is shown once.",
            ),
            (requests > 0, "Call the API", f"{there}/api", "The same run, from your own program, in nine languages."),
        ]
        return [] if all(one[0] for one in todo) else todo

    async def _filler(self) -> Model | None:
        catalog = self._site.services.catalog
        fillers = [model for model in catalog.all() if any(parameter.role is Role.MASK for parameter in model.parameters)]
        return await asyncio.to_thread(lambda: next((model for model in fillers if catalog.readiness(model).is_ready), None))

    async def _status(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        services = self._site.services
        machine = services.machine
        disk = await machine.disk()
        crews = await asyncio.to_thread(machine.station.crews)
        models = services.catalog.all()
        readiness = await asyncio.to_thread(lambda: {model.name: services.catalog.readiness(model) for model in models})
        is_low = disk.free_bytes < _DISK_LOW_SHARE * disk.total_bytes
        problems = []
        if not services.is_accepting():
            problems.append("It takes no new tasks now, because it is stopping.")
        if is_low:
            problems.append("The disk that holds its data is nearly full.")
        return self._site.page(
            request,
            visitor,
            "dashboard/status.html",
            problems=problems,
            crews={crew.model: crew for crew in crews},
            models=[(model, readiness[model.name]) for model in models],
            devices=machine.station.devices(),
            disk=disk,
            up_us=time.time_ns() // 1000 - machine.started_at,
            waiting=sum(crew.waiting for crew in crews),
            busy=sum(crew.busy for crew in crews),
            database=machine.database,
        )
