"""The account services on a real SQLite file, with a clock that tests move and hashes that cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from argon2 import PasswordHasher

from gesso.domain.user import User
from gesso.services.accounts import Accounts, Sender, SignedIn
from gesso.services.identity import Identity, Proof
from gesso.services.passwords import Passwords
from gesso.services.projects import Projects
from gesso.services.sessions import Sessions
from gesso.store.accounts import SqlAccounts
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.projects import SqlProjects
from gesso.store.schema import metadata
from gesso.store.sessions import SqlSessions
from gesso.store.tasks import write_changes
from gesso.store.users import SqlUsers
from gesso.store.vault import Vault
from gesso.testing import FakeClock

PASSWORD = "correct horse"
HOME, AWAY = Sender("192.0.2.1", "a program"), Sender("198.51.100.7")


class AccountsHouse:
    def __init__(self, data: Path, signup: str = "open") -> None:
        self.path = data / "gesso.db"
        engine = make_engine(sqlite_url(self.path))
        metadata.create_all(engine)
        self.clock = FakeClock()
        self.database = Database(engine, write_changes)
        self.vault = Vault(bytes(range(32)))
        self.accounts_store = SqlAccounts(self.database, self.vault, self.clock)
        self.projects_store = SqlProjects(self.database, self.vault, self.clock)
        self.users_store = SqlUsers(self.database, self.vault, self.clock)
        self.sessions_store = SqlSessions(self.database, self.vault)
        self.identity = Identity(self.accounts_store, self.clock)
        self.sessions = Sessions(self.sessions_store, self.clock)
        self.deleted: list[int] = []
        self.projects = Projects(self.projects_store, self.identity, self._note_deleted)
        self.open_door(signup)

    def open_door(self, signup: str) -> None:
        """New Accounts, which have counted no attempt."""
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.users = Accounts(self.users_store, self.sessions, self.clock, signup, passwords)

    async def person(self, name: str) -> User:
        return (await self.users.sign_up(f"{name}@example.org", PASSWORD, HOME)).user

    async def sign_in(self, name: str = "ada", password: str = PASSWORD, sender: Sender = HOME) -> SignedIn:
        return await self.users.sign_in(f"{name}@example.org", password, sender)

    async def knows(self, api_key: str) -> bool:
        """Whether a request with that key would be let in."""
        try:
            await self.identity.project(Proof(api_key, "", "", HOME.address))
        except Exception:
            return False
        return True

    def close(self) -> None:
        self.users.close()
        self.database.close()

    async def _note_deleted(self, project_id: int) -> None:
        self.deleted.append(project_id)
        self.identity.forget(project_id)


def play(data: Path, scenario: Callable[[AccountsHouse], Awaitable[None]], signup: str = "open") -> None:
    async def run() -> None:
        house = AccountsHouse(data, signup)
        try:
            await scenario(house)
        finally:
            house.close()

    asyncio.run(run())
