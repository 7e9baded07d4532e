"""How often somebody may fail: a burst at once, then one more after each interval. Memory is bounded, and nothing is stored."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict

from gesso.domain.errors import TooManyAttempts
from gesso.domain.limits import THROTTLE_MAX_COUNT
from gesso.ports import Clock

_IPV6_NETWORK_BITS = 64


class Throttle:
    """Counts attempts by name. Of each name one number is kept: when all of its attempts will be forgotten.

    `burst_count`: attempts that may be made at once; `refill_s`: seconds until one more. Whoever fills the memory with names makes the
    oldest of them be forgotten.
    """

    def __init__(self, clock: Clock, burst_count: int, refill_s: float, max_count: int = THROTTLE_MAX_COUNT) -> None:
        self._clock = clock
        self._refill_s = refill_s
        self._slack_s = (burst_count - 1) * refill_s
        self._max_count = max_count
        self._forgotten_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """Seconds until `name` may try again; 0.0 for now."""
        now = self._clock.monotonic()
        return max(0.0, self._forgotten_at.get(name, now) - now - self._slack_s)

    def take(self, name: str) -> None:
        """Count one attempt. Errors: TooManyAttempts, which counts none: who tries too often waits no longer for that."""
        wait_s = self.wait_s(name)
        if wait_s > 0:
            raise TooManyAttempts(math.ceil(wait_s))
        now = self._clock.monotonic()
        self._forgotten_at[name] = max(now, self._forgotten_at.get(name, now)) + self._refill_s
        self._forgotten_at.move_to_end(name)
        if len(self._forgotten_at) > self._max_count:
            self._forgotten_at.popitem(last=False)

    def give_back(self, name: str) -> None:
        """The last attempt of `name` was a good one and does not count."""
        if name in self._forgotten_at:
            self._forgotten_at[name] -= self._refill_s


def network_of(address: str) -> str:
    """What one sender controls: an IPv4 address, or the 64 bits of an IPv6 network, in which anybody can take any address."""
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return address[:_ADDRESS_MAX_CHARACTERS]
    if isinstance(here, ipaddress.IPv6Address):
        if here.ipv4_mapped:
            return str(here.ipv4_mapped)
        return str(ipaddress.ip_network((int(here), _IPV6_NETWORK_BITS), strict=False))
    return str(here)


_ADDRESS_MAX_CHARACTERS = 64
