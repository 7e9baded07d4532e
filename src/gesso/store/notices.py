"""The outbox of webhooks, the log of their tries, and what each Project signs them with. What fills the outbox is in `tasks`."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from gesso.domain.limits import WEBHOOK_LOG_MAX_COUNT
from gesso.domain.notice import Delivery, Notice, webhook_secret
from gesso.ports import Busy, Clock
from gesso.store.database import Call, Database
from gesso.store.schema import deliveries, notices, projects, webhook_secrets
from gesso.store.vault import Vault

_KEY_BYTES = 32
# A bound value would hide from the database that the index over due rows can serve.
_IS_DUE = notices.c.due_at > literal_column("0")
_NOTICE = tuple(notices.c[name] for name in ("task_id", "project_id", "url", "host", "due_at", "tries"))
# Made once: making them takes longer than carrying them out.
_DUE = (
    select(*_NOTICE)
    .where(_IS_DUE, notices.c.due_at <= bindparam("now"))
    .where(notices.c.task_id.not_in(bindparam("task_ids", expanding=True)))
    .where(notices.c.host.not_in(bindparam("hosts", expanding=True)))
    .where(notices.c.project_id.not_in(bindparam("project_ids", expanding=True)))
    .order_by(notices.c.due_at)
    .limit(bindparam("limit"))
)
_NEXT_DUE = select(func.min(notices.c.due_at)).where(_IS_DUE, notices.c.due_at > bindparam("now"))
_KEPT = (
    select(deliveries.c.id)
    .where(deliveries.c.task_id == bindparam("of_task"))
    .order_by(deliveries.c.id.desc())
    .limit(WEBHOOK_LOG_MAX_COUNT)
)
_PRUNE = delete(deliveries).where(deliveries.c.task_id == bindparam("of_task"), deliveries.c.id.not_in(_KEPT))
_SECRET = select(webhook_secrets.c.sealed).where(webhook_secrets.c.project_id == bindparam("project_id"))
_DELIVERY = tuple(deliveries.c[name] for name in ("at", "duration_us", "status", "error", "answer"))


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """A notice as people are shown it. `last_error`: of its last try, empty when that was a success."""

    notice: Notice
    delivered_at: int
    last_error: str

    @property
    def state(self) -> str:
        if self.notice.due_at:
            return "waiting"
        return "failed" if self.last_error else "delivered"


class SqlNotices:
    """The NoticeStore on SQLAlchemy Core, with what commands need besides."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def due(self, now: int, limit: int, busy: Busy) -> tuple[list[Notice], int]:
        named = {"now": now, "limit": limit, "task_ids": busy.task_ids, "hosts": busy.hosts, "project_ids": busy.project_ids}

        def read(connection: Connection) -> tuple[list[Notice], int]:
            found = [Notice(*row) for row in connection.execute(_DUE, named)]
            return found, connection.execute(_NEXT_DUE, {"now": now}).scalar() or 0

        return await self._database.read(read)

    def record(self, notice: Notice, delivery: Delivery, due_at: int) -> Awaitable[None]:
        is_success = not delivery.error
        values = {"due_at": due_at, "tries": notice.tries + (not is_success), "last_error": delivery.error}
        if is_success:
            values["delivered_at"] = delivery.at

        def write(connection: Connection) -> None:
            row = {column.name: getattr(delivery, column.name) for column in _DELIVERY}
            connection.execute(insert(deliveries).values(task_id=notice.task_id, **row))
            connection.execute(_PRUNE, {"of_task": notice.task_id})
            # The due time is the fence: who asked for the notice anew meanwhile has set another.
            connection.execute(
                update(notices).where(notices.c.task_id == notice.task_id, notices.c.due_at == notice.due_at).values(**values)
            )

        # Refusing it would send the notice again at once, for as long as the disk is full.
        return self._database.put(Call(write, is_refusable=False))

    async def secret(self, project_id: int) -> str:
        return self._vault.open(await self._sealed(project_id) or await self._make_secret(project_id))

    async def renew_secret(self, project_id: int) -> str:
        """A new secret, which signs all that is sent from now on."""

        def forget(connection: Connection) -> None:
            connection.execute(delete(webhook_secrets).where(webhook_secrets.c.project_id == project_id))

        await self._database.call(forget)
        return await self.secret(project_id)

    async def _sealed(self, project_id: int) -> bytes | None:
        named = {"project_id": project_id}
        return await self._database.read(lambda connection: connection.execute(_SECRET, named).scalar_one_or_none())

    async def _make_secret(self, project_id: int) -> bytes:
        sealed, now = self._vault.seal(webhook_secret(os.urandom(_KEY_BYTES))), self._clock.now()

        def write(connection: Connection) -> None:
            connection.execute(insert(webhook_secrets).values(project_id=project_id, sealed=sealed, created_at=now))

        try:
            await self._database.call(write)
        except IntegrityError:
            # Another delivery, or a command beside the server, was first; where that is not so, there is no such Project.
            first = await self._sealed(project_id)
            if first is None:
                raise
            return first
        return sealed

    async def has_project(self, project_id: int) -> bool:
        statement = select(projects.c.id).where(projects.c.id == project_id)
        return await self._database.read(lambda connection: connection.execute(statement).first()) is not None

    async def redeliver(self, task_id: int) -> bool:
        """Make the notice of a Task due now, whatever became of it, with all its tries before it. False when there is none."""
        now = self._clock.now()

        def write(connection: Connection) -> bool:
            again = update(notices).where(notices.c.task_id == task_id).values(due_at=now, tries=0)
            return connection.execute(again).rowcount > 0

        return await self._database.call(write)

    async def latest(self, limit: int) -> list[NoticeRecord]:
        """The notices of the newest Tasks, newest first."""
        statement = select(notices).order_by(notices.c.task_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [_record_of(row) for row in rows]

    async def find(self, task_id: int) -> NoticeRecord | None:
        statement = select(notices).where(notices.c.task_id == task_id)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return _record_of(row) if row is not None else None

    async def log(self, task_id: int) -> list[Delivery]:
        """The latest tries for a Task, oldest first."""
        statement = select(*_DELIVERY).where(deliveries.c.task_id == task_id).order_by(deliveries.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [Delivery(*row) for row in rows]


def _record_of(row: Any) -> NoticeRecord:
    return NoticeRecord(Notice(*(getattr(row, column.name) for column in _NOTICE)), row.delivered_at, row.last_error)
