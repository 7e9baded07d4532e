"""Who may ask, and the time at which they do."""

from __future__ import annotations

from typing import Protocol

from gesso.domain.project import AuthMethod, Key, Project


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never steps."""
        ...


class AccountStore(Protocol):
    async def create_project(self, name: str, auth_method: AuthMethod) -> Key: ...

    async def key(self, api_key: str) -> Key | None: ...

    async def project(self, project_id: int) -> Project | None: ...
