"""Names of stored bytes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from gesso.domain.file import File
from gesso.store.database import Database
from gesso.store.schema import files
from gesso.store.tasks import file_of, file_row


class SqlFiles:
    """The FileStore on SQLAlchemy Core."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: File) -> None:
        await self._database.call(lambda connection: connection.execute(insert(files), file_row(file)) and None)

    async def by_access_key(self, access_key: str) -> File | None:
        statement = select(files).where(files.c.access_key == access_key)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return file_of(row) if row is not None else None

    async def unknown(self, access_keys: Sequence[str]) -> set[str]:
        statement = select(files.c.access_key).where(files.c.access_key.in_(access_keys))
        known = await self._database.read(lambda connection: set(connection.execute(statement).scalars()))
        return set(access_keys) - known
