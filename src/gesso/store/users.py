"""People and what proves who they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from gesso.domain.errors import ParameterNotAllowed, SignupClosed, UserUnknown
from gesso.domain.ids import new_uuid
from gesso.domain.user import Credentials, User
from gesso.ports import Clock
from gesso.store.database import Database
from gesso.store.schema import memberships, sessions, users
from gesso.store.vault import Vault


def user_of(row: Any) -> User:
    return User(row.id, row.uuid, row.email, row.is_admin, row.created_at, row.second_factor_sealed is not None)


class SqlUsers:
    """The UserStore on SQLAlchemy Core."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def create(self, email: str, password_hash: str, is_admin: bool, is_first_only: bool = False) -> User:
        """A new User; the first one of all is an administrator. `is_first_only`: whether there may be no other one.

        Errors: ParameterNotAllowed when the address is taken, SignupClosed.
        """
        values = {"uuid": new_uuid(), "email": email, "password_hash": password_hash, "created_at": self._clock.now()}

        def write(connection: Connection) -> User:
            # Counted in the transaction that writes, so that of two first visitors one is the owner.
            is_first = not connection.execute(select(func.count()).select_from(users)).scalar()
            if is_first_only and not is_first:
                raise SignupClosed
            if connection.execute(select(users.c.id).where(users.c.email == email)).first() is not None:
                raise ParameterNotAllowed("email", f"there is a user {email} already")
            made = connection.execute(insert(users).values(**values, is_admin=is_admin or is_first))
            return user_of(connection.execute(select(users).where(users.c.id == made.inserted_primary_key[0])).one())  # type: ignore[index]

        return await self._database.call(write)

    async def is_empty(self) -> bool:
        return await self._database.read(lambda connection: connection.execute(select(users.c.id).limit(1)).first()) is None

    async def all(self) -> list[User]:
        rows = await self._database.read(lambda connection: connection.execute(select(users).order_by(users.c.id)).all())
        return [user_of(row) for row in rows]

    async def by_email(self, email: str) -> Credentials | None:
        return await self._one(select(users).where(users.c.email == email))

    async def by_id(self, user_id: int) -> Credentials | None:
        return await self._one(select(users).where(users.c.id == user_id))

    async def _one(self, statement: Any) -> Credentials | None:
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        if row is None:
            return None
        secret = self._vault.open(row.second_factor_sealed) if row.second_factor_sealed is not None else ""
        return Credentials(user_of(row), row.password_hash, secret, row.second_factor_step)

    async def set_password(self, user_id: int, password_hash: str) -> None:
        await self._change(user_id, {"password_hash": password_hash})

    async def set_second_factor(self, user_id: int, secret: str) -> None:
        """An empty secret takes the second factor away."""
        await self._change(user_id, {"second_factor_sealed": self._vault.seal(secret) if secret else None, "second_factor_step": 0})

    async def set_admin(self, user_id: int, is_admin: bool) -> None:
        await self._change(user_id, {"is_admin": is_admin})

    async def use_step(self, user_id: int, step: int) -> bool:
        """Use a code up. False when it, or a later one, has been used already."""
        statement = update(users).where(users.c.id == user_id, users.c.second_factor_step < step).values(second_factor_step=step)
        return await self._database.call(lambda connection: connection.execute(statement).rowcount) == 1

    async def delete(self, email: str) -> None:
        """The User with its sessions and memberships; its Projects stay. Errors: UserUnknown."""

        def write(connection: Connection) -> None:
            user_id = connection.execute(select(users.c.id).where(users.c.email == email)).scalar()
            if user_id is None:
                raise UserUnknown(email)
            connection.execute(delete(memberships).where(memberships.c.user_id == user_id))
            connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
            connection.execute(delete(users).where(users.c.id == user_id))

        await self._database.call(write)

    async def _change(self, user_id: int, values: dict[str, Any]) -> None:
        statement = update(users).where(users.c.id == user_id).values(values)
        await self._database.call(lambda connection: connection.execute(statement) and None)
