"""Projects and their Keys, as requests find them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from gesso.domain.ids import new_secret, new_uuid
from gesso.domain.price import FREE
from gesso.domain.project import AuthMethod, Key, Project
from gesso.ports import Clock
from gesso.store.billing import open_account
from gesso.store.database import Database
from gesso.store.schema import keys, projects
from gesso.store.vault import Vault


def project_of(row: Any) -> Project:
    return Project(
        id=row.id,
        uuid=row.uuid,
        name=row.name,
        auth_method=AuthMethod(row.auth_method),
        created_at=row.created_at,
        allowed_addresses=tuple(orjson.loads(row.allowed_addresses)),
        description=row.description,
    )


def insert_project(connection: Connection, name: str, auth_method: AuthMethod, now: int, opening_credit: Decimal) -> Project:
    values = {"uuid": new_uuid(), "name": name, "auth_method": auth_method.value, "created_at": now}
    project_id = connection.execute(insert(projects).values(values)).inserted_primary_key[0]  # type: ignore[index]
    open_account(connection, project_id, opening_credit, now)
    return project_of(connection.execute(select(projects).where(projects.c.id == project_id)).one())


def insert_key(connection: Connection, vault: Vault, project_id: int, api_key: str, api_secret: str, now: int) -> None:
    connection.execute(
        insert(keys).values(
            project_id=project_id,
            digest=vault.digest(api_key),
            api_key_sealed=vault.seal(api_key),
            api_secret_sealed=vault.seal(api_secret),
            created_at=now,
        )
    )


class SqlAccounts:
    """The AccountStore on SQLAlchemy Core."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, opening_credit: Decimal = FREE) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._opening_credit = opening_credit

    async def create_project(self, name: str, auth_method: AuthMethod) -> Key:
        """A new Project with its first Key. The secret can be read here only."""
        api_key, api_secret, now = new_secret(), new_secret(), self._clock.now()

        def write(connection: Connection) -> Project:
            project = insert_project(connection, name, auth_method, now, self._opening_credit)
            insert_key(connection, self._vault, project.id, api_key, api_secret, now)
            return project

        return Key(api_key, api_secret, await self._database.call(write))

    async def key(self, api_key: str) -> Key | None:
        statement = (
            select(projects, keys.c.api_secret_sealed)
            .join(keys, keys.c.project_id == projects.c.id)
            .where(keys.c.digest == self._vault.digest(api_key), keys.c.revoked_at == 0, projects.c.deleted_at == 0)
        )
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return Key(api_key, self._vault.open(row.api_secret_sealed), project_of(row)) if row is not None else None

    async def project(self, project_id: int) -> Project | None:
        statement = select(projects).where(projects.c.id == project_id)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return project_of(row) if row is not None else None
