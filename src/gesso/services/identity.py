"""Who is asking: from the proofs of a request to its Project."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gesso.domain.errors import KeyUnknown
from gesso.domain.limits import (
    API_KEY_MAX_CHARACTERS,
    CREDENTIAL_CACHE_MAX_COUNT,
    CREDENTIAL_CACHE_S,
    UNKNOWN_KEY_CACHE_MAX_COUNT,
    UNKNOWN_KEY_CACHE_S,
    UNKNOWN_KEYS_BURST_COUNT,
    UNKNOWN_KEYS_REFILL_S,
)
from gesso.domain.project import Key, Project, verify
from gesso.ports import AccountStore, Clock
from gesso.services.throttle import Throttle, network_of


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request shows of its sender. `signature`: lower-case hex, or empty; `address`: the client's IP address."""

    api_key: str
    nonce: str
    signature: str
    address: str


class Identity:
    """Finds Projects by their Keys, and counts their requests.

    A known Key is remembered for CREDENTIAL_CACHE_S, so one that is revoked beside this server works that much longer at most. An unknown
    one is remembered too, and a network that tries many of them is refused without asking the store, which would be a cheap way to keep
    it busy. A Key that was good lately is looked up again whatever its network has tried.
    """

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._known: dict[str, tuple[float, Key]] = {}
        self._unknown: dict[str, float] = {}
        self._guesses = Throttle(clock, UNKNOWN_KEYS_BURST_COUNT, UNKNOWN_KEYS_REFILL_S)
        self._readings: dict[str, asyncio.Future[Key | None]] = {}
        self._requests: dict[int, int] = {}

    async def project(self, proof: Proof) -> Project:
        """Errors: KeyUnknown, SignatureMissing, SignatureInvalid, AddressNotAllowed, TooManyAttempts."""
        remembered = self._known.get(proof.api_key)
        if remembered is not None and self._clock.monotonic() < remembered[0]:
            key = remembered[1]
        else:
            key = await self._look_up(proof, was_known=remembered is not None)
        verify(key, proof.nonce, proof.signature, proof.address)
        project = key.project
        self._requests[project.id] = self._requests.get(project.id, 0) + 1
        return project

    def forget(self, project_id: int) -> None:
        """The Keys of the Project have changed: none of them works before it was looked up anew."""
        for api_key in [api_key for api_key, (_, key) in self._known.items() if key.project.id == project_id]:
            del self._known[api_key]
        # What is being read now may be from before the change: it serves those who wait for it and is not remembered.
        self._readings.clear()

    def requests(self, project_id: int) -> int:
        """How many requests of the Project were counted since the last `take_requests`."""
        return self._requests.get(project_id, 0)

    def take_requests(self) -> Mapping[int, int]:
        """The requests since the last call, by Project, for the store."""
        taken, self._requests = self._requests, {}
        return taken

    def return_requests(self, taken: Mapping[int, int]) -> None:
        """What was taken could not be stored."""
        for project_id, count in taken.items():
            self._requests[project_id] = self._requests.get(project_id, 0) + count

    async def _look_up(self, proof: Proof, was_known: bool) -> Key:
        api_key, now = proof.api_key, self._clock.monotonic()
        if not api_key or len(api_key) > API_KEY_MAX_CHARACTERS or now < self._unknown.get(api_key, now):
            raise KeyUnknown
        reading = self._readings.get(api_key)
        if reading is None:
            network = network_of(proof.address)
            if not was_known:
                self._guesses.take(network)
            # One reading for all who ask meanwhile.
            reading = self._readings[api_key] = asyncio.ensure_future(self._read(api_key, network, was_known))
            # Where all who asked are cancelled, nobody else looks at its error.
            reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        key = await asyncio.shield(reading)
        if key is None:
            raise KeyUnknown
        return key

    async def _read(self, api_key: str, network: str, was_known: bool) -> Key | None:
        here = asyncio.current_task()
        try:
            key = await self._accounts.key(api_key)
        except BaseException:
            if self._readings.get(api_key) is here:
                del self._readings[api_key]
            raise
        if key is not None and not was_known:
            self._guesses.give_back(network)
        if self._readings.get(api_key) is here:
            del self._readings[api_key]
            self._remember(api_key, key)
        return key

    def _remember(self, api_key: str, key: Key | None) -> None:
        now = self._clock.monotonic()
        # Put in again, so that the first of each is the one that was looked up longest ago.
        self._known.pop(api_key, None)
        self._unknown.pop(api_key, None)
        if key is None:
            _make_room(self._unknown, UNKNOWN_KEY_CACHE_MAX_COUNT)
            self._unknown[api_key] = now + UNKNOWN_KEY_CACHE_S
        else:
            _make_room(self._known, CREDENTIAL_CACHE_MAX_COUNT)
            self._known[api_key] = (now + CREDENTIAL_CACHE_S, key)


def _make_room(remembered: dict[str, float] | dict[str, tuple[float, Key]], max_count: int) -> None:
    if len(remembered) >= max_count:
        del remembered[next(iter(remembered))]
