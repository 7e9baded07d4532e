"""Projects as people manage them: who may see and change which, and what a change does to Keys that are in use."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gesso.domain.errors import ProjectUnknown, RoleTooLow
from gesso.domain.project import AuthMethod, Key, Listing, Member, Project, Role, check_addresses, check_description, check_name
from gesso.domain.user import User, normal_email
from gesso.services.identity import Identity


class ProjectStore(Protocol):
    async def create(self, name: str, auth_method: AuthMethod, owner: User) -> Key: ...

    async def listing(self, project_id: int) -> Listing | None: ...

    async def listings(self, user: User) -> list[Listing]: ...

    async def standing(self, reference: str, user: User) -> tuple[Project, Role | None] | None: ...

    async def update(self, project: Project) -> None: ...

    async def replace_key(self, project: Project) -> Key: ...

    async def delete(self, project_id: int) -> None: ...

    async def members(self, project_id: int) -> list[Member]: ...

    async def set_member(self, project_id: int, email: str, role: Role) -> None: ...

    async def remove_member(self, project_id: int, email: str) -> None: ...


class Projects:
    """Members see a Project and use it, owners change it, administrators of the server do both with all. To everybody else it does not
    exist. `reference`: a Project's id, uuid or API key."""

    def __init__(self, store: ProjectStore, identity: Identity, on_deleted: Callable[[int], Awaitable[None]]) -> None:
        """`on_deleted`: hides the Tasks and Files of a Project, and withdraws what is under way."""
        self._store = store
        self._identity = identity
        self._on_deleted = on_deleted

    async def create(self, user: User, name: str, auth_method: AuthMethod, description: str = "") -> Key:
        """A new Project that `user` owns. The secret can be read here only. Errors: ParameterNotAllowed, LimitReached."""
        name, description = check_name(name), check_description(description)
        key = await self._store.create(name, auth_method, user)
        if description:
            await self._store.update(dataclasses.replace(key.project, description=description))
        return key

    async def all(self, user: User) -> list[Listing]:
        return [self._counted(listing) for listing in await self._store.listings(user)]

    async def own(self, project: Project) -> Listing:
        """The Project for who came with its Key. Errors: ProjectUnknown."""
        listing = await self._store.listing(project.id)
        if listing is None:
            raise ProjectUnknown
        return self._counted(listing)

    async def find(self, user: User, reference: str) -> Project:
        """A Project that the User may use. Errors: ProjectUnknown."""
        return (await self._standing(user, reference))[0]

    async def change(
        self,
        user: User,
        reference: str,
        name: str | None = None,
        description: str | None = None,
        addresses: Sequence[str] | None = None,
    ) -> Project:
        """Change what is given. Errors: ProjectUnknown, RoleTooLow, ParameterNotAllowed."""
        project = await self.owned(user, reference)
        changed = dataclasses.replace(
            project,
            name=project.name if name is None else check_name(name),
            description=project.description if description is None else check_description(description),
            allowed_addresses=project.allowed_addresses if addresses is None else check_addresses(addresses),
        )
        await self._store.update(changed)
        self._identity.forget(project.id)
        return changed

    async def regenerate(self, user: User, reference: str) -> Key:
        """A new Key. The old one is refused when this returns. Errors: ProjectUnknown, RoleTooLow."""
        key = await self._store.replace_key(await self.owned(user, reference))
        self._identity.forget(key.project.id)
        return key

    async def delete(self, user: User, reference: str) -> None:
        """Delete the Project: its Key is refused, its Tasks and Files are read by nobody, and what is under way is withdrawn.

        Errors: ProjectUnknown, RoleTooLow.
        """
        project = await self.owned(user, reference)
        await self._store.delete(project.id)
        await self._on_deleted(project.id)

    async def members(self, user: User, reference: str) -> list[Member]:
        """Errors: ProjectUnknown."""
        return await self._store.members((await self._standing(user, reference))[0].id)

    async def set_member(self, user: User, reference: str, email: str, role: Role) -> list[Member]:
        """Add somebody, or change a Role; all members. Errors: ProjectUnknown, RoleTooLow, UserUnknown, LastOwner, LimitReached,
        ParameterNotAllowed."""
        project = await self.owned(user, reference)
        await self._store.set_member(project.id, normal_email(email), role)
        return await self._store.members(project.id)

    async def remove_member(self, user: User, reference: str, email: str) -> list[Member]:
        """Remove somebody; members may remove themselves. All that stay. Errors: as for `set_member`."""
        address = normal_email(email)
        project, role = await self._standing(user, reference)
        if address != user.email:
            _demand_owner(user, role)
        await self._store.remove_member(project.id, address)
        return await self._store.members(project.id)

    async def owned(self, user: User, reference: str) -> Project:
        """A Project that the User may change. Errors: ProjectUnknown, RoleTooLow."""
        project, role = await self._standing(user, reference)
        _demand_owner(user, role)
        return project

    async def _standing(self, user: User, reference: str) -> tuple[Project, Role | None]:
        found = await self._store.standing(reference, user) if reference else None
        # Told as one that is not there, so that numbers cannot be tried.
        if found is None or (found[1] is None and not user.is_admin):
            raise ProjectUnknown
        return found

    def _counted(self, listing: Listing) -> Listing:
        """With the requests that are not in the store yet."""
        waiting_count = self._identity.requests(listing.project.id)
        return dataclasses.replace(listing, request_count=listing.request_count + waiting_count)


def _demand_owner(user: User, role: Role | None) -> None:
    if role is not Role.OWNER and not user.is_admin:
        raise RoleTooLow
