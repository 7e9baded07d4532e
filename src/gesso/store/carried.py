"""Bytes of small Outputs that are written with the end of their Task, until their files are flushed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from gesso.domain.file import Carried
from gesso.domain.limits import CARRIED_AT_ONCE_MAX_COUNT
from gesso.ports import TaskChange
from gesso.store.database import Database
from gesso.store.prepared import Prepared
from gesso.store.schema import carried, files

_INSERT = Prepared(insert(carried).inline(), "access_key", "data")


def write_carried(connection: Connection, changes: Sequence[TaskChange]) -> None:
    rows = [{"access_key": each.access_key, "data": each.data} for change in changes for each in change.carried]
    if rows:
        _INSERT.execute(connection, rows)


class SqlCarried:
    """The CarriedStore on SQLAlchemy Core."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: int) -> tuple[list[Carried], int]:
        # Deleted Files have no row any more, and their bytes must not come back.
        statement = (
            select(carried.c.id, carried.c.access_key, carried.c.data, files.c.access_key.is_not(None).label("is_wanted"))
            .outerjoin(files, files.c.access_key == carried.c.access_key)
            .where(carried.c.id > after)
            .order_by(carried.c.id)
            .limit(CARRIED_AT_ONCE_MAX_COUNT)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [Carried(row.access_key, row.data) for row in rows if row.is_wanted], rows[-1].id if rows else after

    async def last(self) -> int:
        return await self._database.read(lambda connection: connection.execute(select(func.max(carried.c.id))).scalar() or 0)

    async def drop(self, last: int) -> None:
        await self._database.call(lambda connection: connection.execute(delete(carried).where(carried.c.id <= last)))
