"""What every AccountStore promises, on the real one and on its double."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from accounts_house import AccountsHouse

from gesso.domain.project import AuthMethod
from gesso.ports import AccountStore
from gesso.testing import MemoryAccounts

Scenario = Callable[[AccountStore], Awaitable[None]]
Player = Callable[[Scenario], None]


@pytest.fixture(params=["sql", "memory"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Player:
    async def run(scenario: Scenario) -> None:
        if request.param == "memory":
            await scenario(MemoryAccounts())
            return
        house = AccountsHouse(tmp_path)
        try:
            await scenario(house.accounts_store)
        finally:
            house.close()

    return lambda scenario: asyncio.run(run(scenario))


def test_a_project_is_found_by_its_key_with_its_secret(play: Player) -> None:
    async def scenario(store: AccountStore) -> None:
        made = await store.create_project("one", AuthMethod.SIGNATURE)
        assert await store.key(made.api_key) == made
        assert await store.project(made.project.id) == made.project
        assert (made.project.name, made.project.auth_method, made.project.allowed_addresses) == ("one", AuthMethod.SIGNATURE, ())

    play(scenario)


def test_what_nobody_has_is_none(play: Player) -> None:
    async def scenario(store: AccountStore) -> None:
        made = await store.create_project("one", AuthMethod.KEY)
        for api_key in ("", "x", made.api_key[:-1], made.api_key.swapcase(), made.api_secret, "\ufffd"):
            assert await store.key(api_key) is None
        assert await store.project(77) is None

    play(scenario)


def test_projects_differ_in_all_that_names_them(play: Player) -> None:
    async def scenario(store: AccountStore) -> None:
        made = [await store.create_project("same", AuthMethod.KEY) for _ in range(3)]
        for names in ({key.api_key for key in made}, {key.api_secret for key in made}, {key.project.uuid for key in made}):
            assert len(names) == 3
        assert min(len(made[0].api_key), len(made[0].api_secret)) >= 32

    play(scenario)
