"""A filtered list of Tasks as a file, sent as it is read: CSV for tables, JSON for programs."""

from __future__ import annotations

import csv
import datetime
import io
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from gesso.domain.errors import ProjectUnknown
from gesso.domain.task import Task
from gesso.domain.task_search import TaskSearch
from gesso.web import task_query
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.task_rows import ended_at, title
from gesso.web.tasks import within

_COLUMNS = ("id", "model", "status", "prompt", "created", "started", "ended", "seconds", "credits", "error", "parameters", "outputs")
# A table program takes what begins so for a formula, whoever wrote it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHUNK_BYTES = 64_000


class TaskExport:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        return [self._site.route("/tasks/export", self._export)]

    async def _export(self, request: Request) -> Response:
        query = task_query.read(request.query_params)
        visitor = within(await self._site.member(request), query.project)
        if visitor.project is None:
            raise ProjectUnknown
        is_json = request.query_params.get("format") == "json"
        now = time.time_ns() // 1_000
        kind, content = ("json", self._json) if is_json else ("csv", self._csv)
        name = f"gesso-tasks-{datetime.datetime.fromtimestamp(now / 1_000_000, datetime.UTC):%Y-%m-%d}.{kind}"
        return StreamingResponse(
            _gathered(content(query.search(visitor.project.id, now))),
            media_type="application/json" if is_json else "text/csv; charset=utf-8",
            headers={**HEADERS, "content-disposition": f'attachment; filename="{name}"'},
        )

    async def _csv(self, wanted: TaskSearch) -> AsyncIterator[bytes]:
        yield _line(_COLUMNS)
        async for task in self._site.services.records.searches.all(wanted):
            record = self._record(task)
            yield _line([_cell(record[name]) for name in _COLUMNS])

    async def _json(self, wanted: TaskSearch) -> AsyncIterator[bytes]:
        yield b"["
        before = b"\n"
        async for task in self._site.services.records.searches.all(wanted):
            yield before + orjson.dumps(self._record(task), default=str)
            before = b",\n"
        yield b"\n]\n"

    def _record(self, task: Task) -> Mapping[str, Any]:
        end = ended_at(task)
        files = {name: [one.name for one in given] for name, given in task.files.items() if given}
        return {
            "id": task.id,
            "model": task.model,
            "status": task.state.value,
            "prompt": title(task, self._site.services.catalog.named(task.model)),
            "created": _moment(task.created_at),
            "started": _moment(task.started_at),
            "ended": _moment(end),
            "seconds": (end - task.created_at) / 1_000_000 if end else None,
            "credits": f"{task.cost:f}",
            "error": task.error,
            "parameters": {**task.values, **files},
            "outputs": [file.name for file in task.outputs],
        }


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer pieces."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= _CHUNK_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _line(cells: Any) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return f"'{text}" if text.startswith(_FORMULA) else text


def _moment(at_us: int) -> str | None:
    return datetime.datetime.fromtimestamp(at_us / 1_000_000, datetime.UTC).isoformat() if at_us else None
