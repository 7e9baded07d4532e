"""Comments on Models, and reports of them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, insert, select, update

from gesso.domain.comment import Comment, Report
from gesso.store.database import Database
from gesso.store.schema import comments, reports, users


class SqlComments:
    """The CommentStore on SQLAlchemy Core."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, model: str, user_id: int, text: str, now: int) -> None:
        statement = insert(comments).values(model=model, user_id=user_id, text=text, created_at=now)
        await self._database.call(lambda connection: connection.execute(statement) and None)

    async def of_model(self, model: str, limit: int) -> list[Comment]:
        """Newest first."""
        statement = (
            select(comments, func.coalesce(users.c.email, "").label("author"))
            .outerjoin(users, users.c.id == comments.c.user_id)
            .where(comments.c.model == model)
            .order_by(comments.c.id.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [Comment(row.id, row.model, row.user_id, row.author, row.text, row.created_at) for row in rows]

    async def counts(self) -> Mapping[str, int]:
        statement = select(comments.c.model, func.count()).group_by(comments.c.model)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return {row[0]: row[1] for row in rows}

    async def remove(self, comment_id: int, user_id: int | None) -> bool:
        """Remove one, of that User where one is named; whether there was one."""
        statement = delete(comments).where(comments.c.id == comment_id)
        if user_id is not None:
            statement = statement.where(comments.c.user_id == user_id)
        return await self._database.call(lambda connection: connection.execute(statement).rowcount) > 0

    async def report(self, model: str, user_id: int, text: str, now: int) -> None:
        statement = insert(reports).values(model=model, user_id=user_id, text=text, created_at=now)
        await self._database.call(lambda connection: connection.execute(statement) and None)

    async def open_reports(self) -> list[Report]:
        """Oldest first."""
        statement = (
            select(reports, func.coalesce(users.c.email, "").label("author"))
            .outerjoin(users, users.c.id == reports.c.user_id)
            .where(reports.c.closed_at == 0)
            .order_by(reports.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [Report(row.id, row.model, row.user_id, row.author, row.text, row.created_at) for row in rows]

    async def close_report(self, report_id: int, now: int) -> None:
        statement = update(reports).where(reports.c.id == report_id).values(closed_at=now)
        await self._database.call(lambda connection: connection.execute(statement) and None)
