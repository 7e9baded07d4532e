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


class Signins:
    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._networks = Throttle(clock, SIGNINS_PER_NETWORK_BURST_COUNT, SIGNINS_PER_NETWORK_REFILL_S)
        self._accounts = Throttle(clock, SIGNINS_PER_ACCOUNT_BURST_COUNT, SIGNINS_PER_ACCOUNT_REFILL_S)
        self._pairs = Throttle(clock, SIGNINS_PER_PAIR_BURST_COUNT, SIGNINS_PER_PAIR_REFILL_S)

    def take_network(self, address: str) -> None:
        """Count one attempt that has no account yet. Errors: TooManyAttempts."""
        self._networks.take(network_of(address))

    async def admit(self, email: str, address: str) -> None:
        """Count one attempt, whether there is such an account or not. Errors: TooManyAttempts."""
        network = network_of(address)
        self._networks.take(network)
        self._pairs.take(_pair(email, network))
        try:
            self._accounts.take(email)
        except TooManyAttempts:
            if not await self._sessions.is_familiar(email, address):
                raise

    def forgive(self, email: str, address: str) -> None:
        """The last attempt was right and does not count."""
        network = network_of(address)
        self._networks.give_back(network)
        self._pairs.give_back(_pair(email, network))
        self._accounts.give_back(email)


def _pair(email: str, network: str) -> str:
    return f"{network} {email}"
