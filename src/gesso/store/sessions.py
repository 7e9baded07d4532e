"""Sign-ins. A token is stored as its digest, so that whoever reads the database cannot act for anybody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gesso.domain.user import Session, User
from gesso.store.database import Database
from gesso.store.schema import sessions, users
from gesso.store.users import user_of
from gesso.store.vault import Vault

_COLUMNS = ("id", "user_id", "created_at", "seen_at", "expires_at", "network", "agent")


def _session_of(row: Any) -> Session:
    return Session(*(getattr(row, name) for name in _COLUMNS))


class SqlSessions:
    """The SessionStore on SQLAlchemy Core."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def add(self, token: str, session: Session, is_pending: bool, keep_count: int, forget_before: int) -> None:
        """Store a new session; `session.id` is not looked at. Of the User's, the newest `keep_count` stay, and none that expired before
        `forget_before`, a time in microseconds."""
        values = {name: getattr(session, name) for name in _COLUMNS if name != "id"}
        mine = sessions.c.user_id == session.user_id
        kept = select(sessions.c.id).where(mine).order_by(sessions.c.id.desc()).limit(keep_count)

        def write(connection: Connection) -> None:
            connection.execute(insert(sessions).values(**values, digest=self._vault.digest(token), is_pending=is_pending))
            connection.execute(delete(sessions).where(sessions.c.expires_at < forget_before))
            kept_ids = connection.execute(kept).scalars().all()
            connection.execute(delete(sessions).where(mine, sessions.c.id < min(kept_ids, default=0)))

        await self._database.call(write)

    async def find(self, token: str, is_pending: bool) -> tuple[Session, User] | None:
        columns = [sessions.c[name].label(f"session_{name}") for name in _COLUMNS]
        statement = (
            select(users, *columns)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.digest == self._vault.digest(token), sessions.c.is_pending == is_pending)
        )
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        if row is None:
            return None
        return Session(*(getattr(row, f"session_{name}") for name in _COLUMNS)), user_of(row)

    async def of_user(self, user_id: int) -> list[Session]:
        """Those that were completed, newest first."""
        statement = select(sessions).where(sessions.c.user_id == user_id, sessions.c.is_pending.is_(False)).order_by(sessions.c.id.desc())
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [_session_of(row) for row in rows]

    async def has_network(self, email: str, network: str) -> bool:
        """Whether the User with that address is or was signed in from `network`."""
        statement = (
            select(sessions.c.id)
            .join(users, users.c.id == sessions.c.user_id)
            .where(users.c.email == email, sessions.c.network == network, sessions.c.is_pending.is_(False))
            .limit(1)
        )
        return await self._database.read(lambda connection: connection.execute(statement).first()) is not None

    async def see(self, session_id: int, now: int) -> None:
        await self._change(update(sessions).where(sessions.c.id == session_id).values(seen_at=now))

    async def count_try(self, session_id: int) -> int:
        """Count one more code that was given for a pending session; how many they are, 0 when it is gone."""

        def write(connection: Connection) -> int:
            mine = sessions.c.id == session_id
            connection.execute(update(sessions).where(mine).values(tries=sessions.c.tries + 1))
            return connection.execute(select(sessions.c.tries).where(mine)).scalar() or 0

        return await self._database.call(write)

    async def end(self, user_id: int, session_id: int) -> bool:
        """End one session of the User; whether there was one."""
        statement = delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == user_id)
        return await self._database.call(lambda connection: connection.execute(statement).rowcount) > 0

    async def end_all(self, user_id: int, but_id: int = 0) -> None:
        """End the User's sessions, pending ones too, but for one."""
        await self._change(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id != but_id))

    async def _change(self, statement: Any) -> None:
        await self._database.call(lambda connection: connection.execute(statement) and None)
