"""An AccountStore in memory."""

from __future__ import annotations

from gesso.domain.ids import new_secret, new_uuid
from gesso.domain.project import AuthMethod, Key, Project
from gesso.ports import Clock
from gesso.testing.clock import FakeClock


class MemoryAccounts:
    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self._keys: dict[str, Key] = {}

    async def create_project(self, name: str, auth_method: AuthMethod) -> Key:
        project = Project(len(self._keys) + 1, new_uuid(), name, auth_method, self._clock.now())
        return self.put(Key(new_secret(), new_secret(), project))

    async def key(self, api_key: str) -> Key | None:
        return self._keys.get(api_key)

    async def project(self, project_id: int) -> Project | None:
        return next((key.project for key in self._keys.values() if key.project.id == project_id), None)

    def put(self, key: Key) -> Key:
        """Add a Key as it is, or replace it."""
        self._keys[key.api_key] = key
        return key

    def revoke(self, api_key: str) -> None:
        del self._keys[api_key]
