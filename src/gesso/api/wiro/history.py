"""The call Task/List: the tasks of the project that asks, in pages. Source: protocol, section 2.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gesso.api.dialect import Answer, Services
from gesso.api.request import Request
from gesso.api.wiro import asking
from gesso.api.wiro.calls import Calls, Route, told
from gesso.api.wiro.encode import Encoder
from gesso.api.wiro.owners import Owners
from gesso.domain.limits import KIB
from gesso.services.history import HistoryQuery, Kind

_KINDS = {"model": Kind.RUNS, "train": Kind.TRAININGS, "running": Kind.OPEN}
# A hundred whole logs would make an answer of fifty megabytes; Task/Detail has them whole.
_LOG_MAX_CHARACTERS = 4 * KIB
_LOGS = ("debugoutput", "debugerror")


class TaskLists:
    def __init__(self, services: Services, calls: Calls, owners: Owners, encoder: Encoder) -> None:
        self._services = services
        self._calls = calls
        self._owners = owners
        self._encoder = encoder

    @property
    def routes(self) -> Mapping[tuple[str, ...], Route]:
        return {("Task", "List"): self._list}

    async def _list(self, request: Request) -> Answer:
        project = await self._calls.project(request)
        wanted = query(await self._calls.fields(request))
        total, tasks = await self._services.history.page(project, wanted)
        viewer = self._owners.viewer(request, project)
        records = [shortened(self._encoder.record(task, viewer)) for task in tasks]
        return told({"result": True, "errors": [], "total": str(total), "tasklist": records})


def query(fields: Mapping[str, Any]) -> HistoryQuery:
    """Errors: ParameterNotNumber, ParameterOutOfRange, ParameterNotAllowed."""
    page = asking.page(fields)
    # There is one order, that of the ids, which is also that of time.
    asking.choice(fields, "sort", ("id", "time"), "id")
    return HistoryQuery(
        kind=_KINDS[asking.choice(fields, "type", tuple(_KINDS), "model")],
        model=asking.word(fields, "modelName"),
        start=page.start,
        limit=page.limit,
        is_newest_first=asking.order(fields) != "ASC",
    )


def shortened(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the ends of its logs only."""
    for name in _LOGS:
        if len(record[name]) > _LOG_MAX_CHARACTERS:
            record[name] = f"...{record[name][-_LOG_MAX_CHARACTERS:]}"
    return record
