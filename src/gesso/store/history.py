"""Pages of a Project's Tasks, each read along an index to its end and no further: a long history costs no more than a short one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select, union_all

from gesso.domain.task import Task
from gesso.ports import TaskRange
from gesso.store.database import Database
from gesso.store.schema import IS_OPEN, tasks
from gesso.store.tasks import task_of

# SQLite joins 500 queries at most. Beyond these, rows of other Models are read and passed over.
_MERGED_MODELS_MAX_COUNT = 200


class SqlHistory:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: TaskRange, start: int, limit: int) -> list[Task]:
        """At most `limit` Tasks after the first `start`, as they are on disk. Errors: Unavailable."""
        if limit <= 0 or (wanted.models is not None and not wanted.models):
            return []
        statement = _numbers(wanted).limit(limit).offset(start)

        def read(connection: Connection) -> Sequence[Any]:
            # Numbers first, from the index alone: with the rows, those that are passed over would be read too.
            ids = connection.execute(statement).scalars().all()
            rows = {row.id: row for row in connection.execute(select(tasks).where(tasks.c.id.in_(ids)))}
            return [task_of(rows[task_id]) for task_id in ids if task_id in rows]

        return list(await self._database.read(read))


def _numbers(wanted: TaskRange) -> Any:
    own = select(tasks.c.id).where(tasks.c.project_id == wanted.project_id)
    if wanted.is_open:
        own = own.where(IS_OPEN)
    models = wanted.models
    if models is None:
        return _ordered(own, tasks.c.id, wanted)
    if len(models) == 1:
        return _ordered(own.where(tasks.c.model == models[0]), tasks.c.id, wanted)
    if wanted.is_open or len(models) > _MERGED_MODELS_MAX_COUNT:
        return _ordered(own.where(tasks.c.model.in_(models)), tasks.c.id, wanted)
    # Databases merge such a union along the index of each Model, and stop at the end of the page; `IN` would be sorted whole.
    merged = union_all(*(own.where(tasks.c.model == model) for model in models))
    return _ordered(merged, merged.selected_columns.id, wanted)


def _ordered(statement: Select[Any] | Any, number: Any, wanted: TaskRange) -> Any:
    return statement.order_by(number.desc() if wanted.is_newest_first else number)
