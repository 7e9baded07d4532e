"""What a Project signs its webhooks with: shown to its owners, and replaced by them."""

from __future__ import annotations

from typing import Protocol

from gesso.domain.user import User
from gesso.services.projects import Projects


class SecretStore(Protocol):
    async def secret(self, project_id: int) -> str:
        """Made at the first call. Errors: Unavailable."""
        ...

    async def renew_secret(self, project_id: int) -> str:
        """A new one, which signs all that is sent from now on. Errors: Unavailable."""
        ...


class Signing:
    def __init__(self, store: SecretStore, projects: Projects) -> None:
        self._store = store
        self._projects = projects

    async def secret(self, user: User, reference: str) -> str:
        """Errors: ProjectUnknown, RoleTooLow, Unavailable."""
        return await self._store.secret((await self._projects.owned(user, reference)).id)

    async def renew(self, user: User, reference: str) -> str:
        """Errors: those of `secret`."""
        return await self._store.renew_secret((await self._projects.owned(user, reference)).id)
