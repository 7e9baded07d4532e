"""How often a sign-in may be tried: by network, by account, and by both together.

A limit by account alone would let anybody shut its owner out. So it holds for networks from which nobody has signed in to the account yet;
one that the owner has used before has only a limit of its own. No limit lasts: each gives one more attempt after some seconds.
"""

from __future__ import annotations

from gesso.domain.errors import TooManyAttempts
from gesso.domain.limits import (
    SIGNINS_PER_ACCOUNT_BURST_COUNT,
    SIGNINS_PER_ACCOUNT_REFILL_S,
    SIGNINS_PER_NETWORK_BURST_COUNT,
    SIGNINS_PER_NETWORK_REFILL_S,
    SIGNINS_PER_PAIR_BURST_COUNT,
    SIGNINS_PER_PAIR_REFILL_S,
)
from gesso.ports import Clock
from gesso.services.sessions import Sessions
from gesso.services.throttle import Throttle, network_of


class Attempt:
    """What one attempt was counted as."""

    def __init__(self) -> None:
        self._counted: list[tuple[Throttle, str]] = []

    def count(self, throttle: Throttle, name: str) -> None:
        """Errors: TooManyAttempts."""
        throttle.take(name)
        self._counted.append((throttle, name))

    def forgive(self) -> None:
        """It was right, and does not count."""
        for throttle, name in self._counted:
            throttle.give_back(name)


class Signins:
    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._networks = Throttle(clock, SIGNINS_PER_NETWORK_BURST_COUNT, SIGNINS_PER_NETWORK_REFILL_S)
        self._accounts = Throttle(clock, SIGNINS_PER_ACCOUNT_BURST_COUNT, SIGNINS_PER_ACCOUNT_REFILL_S)
        self._pairs = Throttle(clock, SIGNINS_PER_PAIR_BURST_COUNT, SIGNINS_PER_PAIR_REFILL_S)

    def take_network(self, address: str) -> None:
        """Count one attempt that has no account yet. Errors: TooManyAttempts."""
        self._networks.take(network_of(address))

    async def admit(self, email: str, address: str) -> Attempt:
        """Count one attempt, whether there is such an account or not. Errors: TooManyAttempts."""
        network = network_of(address)
        attempt = Attempt()
        attempt.count(self._networks, network)
        attempt.count(self._pairs, f"{network} {email}")
        try:
            attempt.count(self._accounts, email)
        except TooManyAttempts:
            if not await self._sessions.is_familiar(email, address):
                raise
        return attempt
