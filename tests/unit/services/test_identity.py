"""Keys to Projects: what is remembered and for how long, what guessing costs, what a change of Keys does, how requests are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gesso.domain.errors import AddressNotAllowed, KeyUnknown, SignatureInvalid, SignatureMissing, TooManyAttempts, Unavailable
from gesso.domain.limits import (
    API_KEY_MAX_CHARACTERS,
    CREDENTIAL_CACHE_MAX_COUNT,
    CREDENTIAL_CACHE_S,
    UNKNOWN_KEY_CACHE_S,
    UNKNOWN_KEYS_BURST_COUNT,
    UNKNOWN_KEYS_REFILL_S,
)
from gesso.domain.project import AuthMethod, Key, signature
from gesso.services.identity import Identity, Proof
from gesso.testing import FakeClock, MemoryAccounts, make_key, make_project

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class CountingAccounts(MemoryAccounts):
    """Counts what the store is asked, and holds an answer back when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    async def key(self, api_key: str) -> Key | None:
        self.asked.append(api_key)
        if self.error is not None:
            raise self.error
        found = await super().key(api_key)
        if self.gate is not None:
            await self.gate.wait()
        return found


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = CountingAccounts()
        self.identity = Identity(self.store, self.clock)
        self.key = self.store.put(make_key())

    async def ask(self, api_key: str = "", address: str = HERE) -> str:
        """The name of the project that is let in, or of the error."""
        try:
            project = await self.identity.project(Proof(api_key or self.key.api_key, "", "", address))
        except (KeyUnknown, TooManyAttempts, AddressNotAllowed, Unavailable) as error:
            return type(error).__name__
        return project.name


def run(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def play() -> None:
        await scenario(World())

    asyncio.run(play())


def test_a_known_key_is_looked_up_once_in_its_time() -> None:
    async def scenario(world: World) -> None:
        for _ in range(5):
            assert await world.ask() == "project 1"
        assert len(world.store.asked) == 1
        world.clock.advance(CREDENTIAL_CACHE_S)
        assert await world.ask() == "project 1"
        assert len(world.store.asked) == 2

    run(scenario)


def test_a_key_that_is_revoked_beside_this_server_stops_after_the_time_it_is_remembered() -> None:
    async def scenario(world: World) -> None:
        await world.ask()
        world.store.revoke(world.key.api_key)
        assert await world.ask() == "project 1"
        world.clock.advance(CREDENTIAL_CACHE_S)
        assert await world.ask() == "KeyUnknown"

    run(scenario)


def test_a_key_that_is_revoked_here_stops_at_once() -> None:
    async def scenario(world: World) -> None:
        await world.ask()
        world.store.revoke(world.key.api_key)
        world.identity.forget(world.key.project.id)
        assert await world.ask() == "KeyUnknown"

    run(scenario)


def test_a_lookup_from_before_a_change_is_not_remembered_after_it() -> None:
    async def scenario(world: World) -> None:
        world.store.gate = asyncio.Event()
        early = asyncio.ensure_future(world.ask())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert world.store.asked
        world.store.revoke(world.key.api_key)
        world.identity.forget(world.key.project.id)
        late = asyncio.ensure_future(world.ask())
        world.store.gate.set()
        # Who came before the change may have been let in; who comes after it is not.
        await early
        assert await late == "KeyUnknown"
        assert await world.ask() == "KeyUnknown"

    run(scenario)


def test_forgetting_one_project_leaves_the_others() -> None:
    async def scenario(world: World) -> None:
        other = world.store.put(make_key(make_project(2)))
        await world.ask()
        await world.ask(other.api_key)
        world.identity.forget(1)
        await world.ask(other.api_key)
        assert world.store.asked.count(other.api_key) == 1

    run(scenario)


def test_many_who_ask_at_once_cost_one_lookup() -> None:
    async def scenario(world: World) -> None:
        assert set(await asyncio.gather(*(world.ask() for _ in range(50)))) == {"project 1"}
        assert set(await asyncio.gather(*(world.ask("stranger") for _ in range(50)))) == {"KeyUnknown"}
        assert len(world.store.asked) == 2

    run(scenario)


def test_who_goes_away_while_asking_disturbs_nobody_else() -> None:
    async def scenario(world: World) -> None:
        world.store.gate = asyncio.Event()
        gone, stays = asyncio.ensure_future(world.ask()), asyncio.ensure_future(world.ask())
        await asyncio.sleep(0)
        gone.cancel()
        world.store.gate.set()
        assert await stays == "project 1"

    run(scenario)


def test_an_unknown_key_is_remembered_as_such() -> None:
    async def scenario(world: World) -> None:
        for _ in range(1000):
            assert await world.ask("stranger") == "KeyUnknown"
        assert world.store.asked == ["stranger"]
        world.clock.advance(UNKNOWN_KEY_CACHE_S)
        await world.ask("stranger")
        assert len(world.store.asked) == 2

    run(scenario)


def test_a_network_that_guesses_keys_is_refused_without_asking_the_store() -> None:
    async def scenario(world: World) -> None:
        answers = [await world.ask(f"guess{number}") for number in range(UNKNOWN_KEYS_BURST_COUNT + 50)]
        assert answers == ["KeyUnknown"] * UNKNOWN_KEYS_BURST_COUNT + ["TooManyAttempts"] * 50
        assert len(world.store.asked) == UNKNOWN_KEYS_BURST_COUNT
        assert await world.ask("another", ELSEWHERE) == "KeyUnknown"
        world.clock.advance(UNKNOWN_KEYS_REFILL_S)
        assert await world.ask("onemore") == "KeyUnknown"
        assert await world.ask("two more") == "TooManyAttempts"

    run(scenario)


def test_a_key_that_was_good_lately_works_whatever_its_network_guesses() -> None:
    async def scenario(world: World) -> None:
        await world.ask()
        for number in range(UNKNOWN_KEYS_BURST_COUNT + 1):
            await world.ask(f"guess{number}")
        world.clock.advance(CREDENTIAL_CACHE_S / 2)
        world.clock.advance(CREDENTIAL_CACHE_S / 2)
        assert await world.ask() == "project 1"

    run(scenario)


def test_good_keys_that_are_new_here_count_as_no_guess() -> None:
    async def scenario(world: World) -> None:
        keys = [world.store.put(make_key(make_project(number + 2))) for number in range(UNKNOWN_KEYS_BURST_COUNT * 2)]
        assert all([(await world.ask(key.api_key)).startswith("project") for key in keys])

    run(scenario)


@pytest.mark.parametrize("api_key", ["x" * (API_KEY_MAX_CHARACTERS + 1), "x" * 60_000])
def test_a_key_of_no_possible_length_is_neither_looked_up_nor_kept(api_key: str) -> None:
    async def scenario(world: World) -> None:
        assert await world.ask(api_key) == "KeyUnknown"
        assert not world.store.asked

    run(scenario)


def test_memory_is_bounded() -> None:
    async def scenario(world: World) -> None:
        world.identity._known = {f"old{number}": (0.0, world.key) for number in range(CREDENTIAL_CACHE_MAX_COUNT)}
        await world.ask()
        assert len(world.identity._known) == CREDENTIAL_CACHE_MAX_COUNT
        assert "old0" not in world.identity._known

    run(scenario)


def test_a_store_that_fails_is_asked_again() -> None:
    async def scenario(world: World) -> None:
        world.store.error = Unavailable("the disk is full")
        assert await world.ask() == "Unavailable"
        world.store.error = None
        assert await world.ask() == "project 1"

    run(scenario)


def test_requests_that_were_let_in_are_counted_and_no_others() -> None:
    async def scenario(world: World) -> None:
        limited = world.store.put(make_key(make_project(2, allowed_addresses=("10.0.0.0/8",))))
        for _ in range(3):
            await world.ask()
        await world.ask("stranger")
        assert await world.ask(limited.api_key) == "AddressNotAllowed"
        assert world.identity.requests(1) == 3
        taken = world.identity.take_requests()
        assert dict(taken) == {1: 3}
        await world.ask()
        world.identity.return_requests(taken)
        assert dict(world.identity.take_requests()) == {1: 4}
        assert not world.identity.take_requests()

    run(scenario)


def test_a_signature_is_checked_against_the_remembered_secret() -> None:
    async def scenario(world: World) -> None:
        key = world.store.put(make_key(make_project(2, AuthMethod.SIGNATURE)))
        good = signature(key.api_key, key.api_secret, "7")
        for _ in range(2):
            assert (await world.identity.project(Proof(key.api_key, "7", good, HERE))).id == 2
            with pytest.raises(SignatureInvalid):
                await world.identity.project(Proof(key.api_key, "8", good, HERE))
            with pytest.raises(SignatureMissing):
                await world.identity.project(Proof(key.api_key, "", "", HERE))

    run(scenario)
