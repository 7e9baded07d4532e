"""Names of stored bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from gesso.domain.file import File
from gesso.store.database import Database
from gesso.store.schema import files
from gesso.store.tasks import file_row


def _file_of(row: Any) -> File:
    return File(**row._mapping)


class SqlFiles:
    """The FileStore on SQLAlchemy Core."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: File) -> None:
        await self._database.call(lambda connection: connection.execute(insert(files), file_row(file)) and None)

    async def by_access_key(self, access_key: str) -> File | None:
        statement = select(files).where(files.c.access_key == access_key)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return _file_of(row) if row is not None else None
