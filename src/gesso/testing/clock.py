"""Clocks that tests move."""

from __future__ import annotations

import asyncio

EPOCH_US = 1_700_000_000_000_000


class FakeClock:
    """A Clock that stands still until it is told to move."""

    def __init__(self, now_us: int = EPOCH_US) -> None:
        self._now_us = now_us
        self._monotonic_s = 0.0

    def now(self) -> int:
        return self._now_us

    def monotonic(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        self._now_us += round(seconds * 1_000_000)
        self._monotonic_s += seconds

    def step(self, seconds: float) -> None:
        """Set the time of day, as an operator or a time server does; what is monotonic goes on."""
        self._now_us += round(seconds * 1_000_000)


class LoopClock:
    """A Clock that shows the time of the event loop that runs, which a SimulatedLoop decides."""

    def now(self) -> int:
        return EPOCH_US + round(self.monotonic() * 1_000_000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
