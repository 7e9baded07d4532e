"""How somebody leaves for good: what goes with them, and what has to be handed over before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gesso.domain.errors import LastOwner
from gesso.domain.project import Project, Role
from gesso.domain.user import User
from gesso.services.accounts import Accounts, Sender
from gesso.services.projects import Projects


@dataclass(frozen=True, slots=True)
class Departure:
    """`goes`: Projects of nobody else, which are deleted with the User. `stays`: those with other members and no other owner, which
    need one first. `is_last_administrator`: whoever signs up next would own the server."""

    goes: tuple[Project, ...]
    stays: tuple[Project, ...]
    is_last_administrator: bool

    @property
    def is_possible(self) -> bool:
        return not self.stays and not self.is_last_administrator


class Departures:
    def __init__(self, users: Accounts, projects: Projects) -> None:
        self._users = users
        self._projects = projects

    async def plan(self, user: User) -> Departure:
        goes: list[Project] = []
        stays: list[Project] = []
        for project in await self._owned(user):
            others = [each for each in await self._projects.members(user, str(project.id)) if each.user_uuid != user.uuid]
            if not others:
                goes.append(project)
            elif all(each.role is not Role.OWNER for each in others):
                stays.append(project)
        administrators = [each for each in await self._users.all() if each.is_admin]
        return Departure(tuple(goes), tuple(stays), administrators == [user])

    async def leave(self, user: User, password: str, sender: Sender) -> None:
        """Delete the User with its sessions, places and own Projects. Errors: SigninRefused, TooManyAttempts; LastOwner while something has
        to be handed over."""
        await self._users.demand_password(user, password, sender)
        plan = await self.plan(user)
        if not plan.is_possible:
            raise LastOwner
        for project in plan.goes:
            await self._projects.delete(user, str(project.id))
        await self._users.delete(user.email)

    async def _owned(self, user: User) -> Sequence[Project]:
        return [listing.project for listing in await self._projects.all(user) if listing.role is Role.OWNER]
