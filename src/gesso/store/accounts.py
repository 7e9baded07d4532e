"""Projects, Keys and users."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from gesso.domain.ids import new_secret, new_uuid
from gesso.domain.project import AuthMethod, Key, Project
from gesso.ports import Clock
from gesso.store.database import Database
from gesso.store.schema import keys, projects, users
from gesso.store.vault import Vault


def _project_of(row: Any) -> Project:
    return Project(
        id=row.id,
        uuid=row.uuid,
        name=row.name,
        auth_method=AuthMethod(row.auth_method),
        created_at=row.created_at,
        allowed_addresses=tuple(orjson.loads(row.allowed_addresses)),
    )


class SqlAccounts:
    """The AccountStore on SQLAlchemy Core."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def create_project(self, name: str, auth_method: AuthMethod) -> Key:
        """A new Project with its first Key. The secret can be read here only."""
        api_key, api_secret, now = new_secret(), new_secret(), self._clock.now()

        def write(connection: Connection) -> Project:
            values = {
                "uuid": new_uuid(),
                "name": name,
                "auth_method": auth_method.value,
                "allowed_addresses": "[]",
                "created_at": now,
            }
            project_id = connection.execute(insert(projects).values(values)).inserted_primary_key[0]  # type: ignore[index]
            connection.execute(
                insert(keys).values(
                    project_id=project_id,
                    digest=self._vault.digest(api_key),
                    api_key_sealed=self._vault.seal(api_key),
                    api_secret_sealed=self._vault.seal(api_secret),
                    created_at=now,
                )
            )
            return _project_of(connection.execute(select(projects).where(projects.c.id == project_id)).one())

        return Key(api_key, api_secret, await self._database.call(write))

    async def key(self, api_key: str) -> Key | None:
        statement = (
            select(projects, keys.c.api_secret_sealed)
            .join(keys, keys.c.project_id == projects.c.id)
            .where(keys.c.digest == self._vault.digest(api_key), keys.c.revoked_at == 0)
        )
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return Key(api_key, self._vault.open(row.api_secret_sealed), _project_of(row)) if row is not None else None

    async def project(self, project_id: int) -> Project | None:
        statement = select(projects).where(projects.c.id == project_id)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return _project_of(row) if row is not None else None

    async def create_user(self, email: str, password_hash: str, is_admin: bool) -> str:
        """The uuid of a new user. Errors: sqlalchemy's IntegrityError when the address is taken."""
        uuid, now = new_uuid(), self._clock.now()
        values = {
            "uuid": uuid,
            "email": email,
            "password_hash": password_hash,
            "is_admin": is_admin,
            "created_at": now,
        }
        await self._database.call(lambda connection: connection.execute(insert(users).values(values)) and None)
        return uuid

    async def has_user(self, email: str) -> bool:
        statement = select(users.c.id).where(users.c.email == email)
        return await self._database.read(lambda connection: connection.execute(statement).first()) is not None
