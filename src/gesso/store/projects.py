"""Projects as people manage them: changes, new Keys, members, counts. Every statement leaves deleted Projects aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, and_, delete, func, insert, select, update

from gesso.domain.errors import LastOwner, LimitReached, ProjectUnknown, UserUnknown
from gesso.domain.ids import new_secret
from gesso.domain.limits import MEMBERS_PER_PROJECT_MAX_COUNT, PROJECTS_PER_USER_MAX_COUNT
from gesso.domain.price import FREE
from gesso.domain.project import AuthMethod, Key, Listing, Member, Project, Role
from gesso.domain.user import User
from gesso.ports import Clock
from gesso.store.accounts import insert_key, insert_project, project_of
from gesso.store.database import Database
from gesso.store.schema import IS_DELETED, keys, memberships, projects, users
from gesso.store.vault import Vault

_IS_LIVE = projects.c.deleted_at == 0


class SqlProjects:
    """The ProjectStore on SQLAlchemy Core. Times are taken from `clock`, Keys sealed by `vault`."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, opening_credit: Decimal = FREE) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._opening_credit = opening_credit

    async def create(self, name: str, auth_method: AuthMethod, owner: User) -> Key:
        """A new Project of `owner` with its first Key. Errors: LimitReached."""
        api_key, api_secret, now = new_secret(), new_secret(), self._clock.now()
        owned = (
            select(func.count())
            .select_from(memberships)
            .join(projects, projects.c.id == memberships.c.project_id)
            .where(memberships.c.user_id == owner.id, memberships.c.role == Role.OWNER.value, _IS_LIVE)
        )

        def write(connection: Connection) -> Project:
            if (connection.execute(owned).scalar() or 0) >= PROJECTS_PER_USER_MAX_COUNT:
                raise LimitReached("projects of one owner", PROJECTS_PER_USER_MAX_COUNT)
            project = insert_project(connection, name, auth_method, now, self._opening_credit)
            insert_key(connection, self._vault, project.id, api_key, api_secret, now)
            connection.execute(insert(memberships).values(project_id=project.id, user_id=owner.id, role=Role.OWNER.value, created_at=now))
            return project

        return Key(api_key, api_secret, await self._database.call(write))

    async def listing(self, project_id: int) -> Listing | None:
        found = await self._listings(and_(projects.c.id == project_id), user_id=0)
        return found[0] if found else None

    async def listings(self, user: User) -> list[Listing]:
        """The Projects that the User may see, oldest first: its own, or all for an administrator."""
        everything = projects.c.id > 0 if user.is_admin else memberships.c.role.is_not(None)
        return await self._listings(everything, user.id)

    async def all(self) -> list[Listing]:
        return await self._listings(projects.c.id > 0, user_id=0)

    async def _listings(self, condition: Any, user_id: int) -> list[Listing]:
        statement = (
            select(projects, keys.c.api_key_sealed, memberships.c.role)
            .join(keys, and_(keys.c.project_id == projects.c.id, keys.c.revoked_at == 0))
            .outerjoin(memberships, and_(memberships.c.project_id == projects.c.id, memberships.c.user_id == user_id))
            .where(condition, _IS_LIVE)
            .order_by(projects.c.id, keys.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        # A Project that ever has two valid Keys is shown with the newer one.
        found = {row.id: self._listing_of(row) for row in rows}
        return list(found.values())

    def _listing_of(self, row: Any) -> Listing:
        role = Role(row.role) if row.role is not None else None
        return Listing(project_of(row), self._vault.open(row.api_key_sealed), row.request_count, role)

    async def standing(self, reference: str, user: User) -> tuple[Project, Role | None] | None:
        """The Project with that id, uuid or API key, and the User's Role in it."""
        named = keys.c.digest == self._vault.digest(reference)
        same = projects.c.uuid == reference
        if reference.isascii() and reference.isdigit() and len(reference) <= _ID_MAX_DIGITS:
            same = projects.c.id == int(reference)
        owned = select(keys.c.project_id).where(named, keys.c.revoked_at == 0)
        statement = (
            select(projects, memberships.c.role)
            .outerjoin(memberships, and_(memberships.c.project_id == projects.c.id, memberships.c.user_id == user.id))
            .where(same | projects.c.id.in_(owned), _IS_LIVE)
            .limit(1)
        )
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return (project_of(row), Role(row.role) if row.role is not None else None) if row is not None else None

    async def update(self, project: Project) -> None:
        """Store name, description and addresses of `project`; the rest of it never changes. Errors: ProjectUnknown."""
        values = {name: asdict(project)[name] for name in ("name", "description")}
        values["allowed_addresses"] = orjson.dumps(project.allowed_addresses).decode()
        await self._touch(project.id, values)

    async def replace_key(self, project: Project) -> Key:
        """A new Key; all earlier ones are revoked in the same commit. Errors: ProjectUnknown."""
        api_key, api_secret, now = new_secret(), new_secret(), self._clock.now()

        def write(connection: Connection) -> None:
            _demand(connection, project.id)
            connection.execute(_revoke(project.id, now))
            insert_key(connection, self._vault, project.id, api_key, api_secret, now)

        await self._database.call(write)
        return Key(api_key, api_secret, project)

    async def delete(self, project_id: int) -> None:
        """Mark the Project deleted, and revoke its Keys. Its rows stay. Errors: ProjectUnknown."""
        now = self._clock.now()

        def write(connection: Connection) -> None:
            _demand(connection, project_id)
            connection.execute(update(projects).where(projects.c.id == project_id).values(deleted_at=now))
            connection.execute(_revoke(project_id, now))

        await self._database.call(write)

    async def deleted(self) -> set[int]:
        statement = select(projects.c.id).where(IS_DELETED)
        return set(await self._database.read(lambda connection: connection.execute(statement).scalars().all()))

    async def add_requests(self, counts: Mapping[int, int]) -> None:
        """Add to the counts of requests, of all Projects in one commit."""

        def write(connection: Connection) -> None:
            for project_id, count in counts.items():
                added = update(projects).where(projects.c.id == project_id)
                connection.execute(added.values(request_count=projects.c.request_count + count))

        await self._database.call(write)

    async def members(self, project_id: int) -> list[Member]:
        statement = (
            select(users.c.uuid, users.c.email, memberships.c.role, memberships.c.created_at)
            .join(users, users.c.id == memberships.c.user_id)
            .where(memberships.c.project_id == project_id)
            .order_by(memberships.c.created_at, users.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [Member(row.uuid, row.email, Role(row.role), row.created_at) for row in rows]

    async def set_member(self, project_id: int, email: str, role: Role) -> None:
        """Make the User a member, or change its Role. Errors: ProjectUnknown, UserUnknown, LastOwner, LimitReached."""
        now = self._clock.now()

        def write(connection: Connection) -> None:
            _demand(connection, project_id)
            user_id = _user_id(connection, email)
            before = connection.execute(select(memberships.c.role).where(_is_place(project_id, user_id))).scalar()
            if before is None:
                if len(_roles(connection, project_id)) >= MEMBERS_PER_PROJECT_MAX_COUNT:
                    raise LimitReached("members of one project", MEMBERS_PER_PROJECT_MAX_COUNT)
                values = {"project_id": project_id, "user_id": user_id, "role": role.value, "created_at": now}
                connection.execute(insert(memberships).values(values))
            else:
                connection.execute(update(memberships).where(_is_place(project_id, user_id)).values(role=role.value))
                _demand_owner(connection, project_id, before)

        await self._database.call(write)

    async def remove_member(self, project_id: int, email: str) -> None:
        """No-op for who is no member. Errors: UserUnknown, LastOwner."""

        def write(connection: Connection) -> None:
            user_id = _user_id(connection, email)
            before = connection.execute(select(memberships.c.role).where(_is_place(project_id, user_id))).scalar()
            connection.execute(delete(memberships).where(_is_place(project_id, user_id)))
            _demand_owner(connection, project_id, before)

        await self._database.call(write)

    async def _touch(self, project_id: int, values: dict[str, Any]) -> None:
        statement = update(projects).where(projects.c.id == project_id, _IS_LIVE).values(values)
        if await self._database.call(lambda connection: connection.execute(statement).rowcount) == 0:
            raise ProjectUnknown


_ID_MAX_DIGITS = 18


def _revoke(project_id: int, now: int) -> Any:
    return update(keys).where(keys.c.project_id == project_id, keys.c.revoked_at == 0).values(revoked_at=now)


def _is_place(project_id: int, user_id: int) -> Any:
    return and_(memberships.c.project_id == project_id, memberships.c.user_id == user_id)


def _roles(connection: Connection, project_id: int) -> list[str]:
    return list(connection.execute(select(memberships.c.role).where(memberships.c.project_id == project_id)).scalars())


def _user_id(connection: Connection, email: str) -> int:
    user_id = connection.execute(select(users.c.id).where(users.c.email == email)).scalar()
    if user_id is None:
        raise UserUnknown(email)
    return user_id


def _demand(connection: Connection, project_id: int) -> None:
    """Looked at in the transaction that writes: the Project may have been deleted since its owner was let in."""
    if connection.execute(select(projects.c.id).where(projects.c.id == project_id, _IS_LIVE)).first() is None:
        raise ProjectUnknown


def _demand_owner(connection: Connection, project_id: int, role_before: str | None) -> None:
    """A Project that had an owner before this change still has one. One made on the command line never had any."""
    if role_before == Role.OWNER.value and Role.OWNER.value not in _roles(connection, project_id):
        raise LastOwner
