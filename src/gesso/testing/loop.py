"""An event loop without real time: where others would wait, it moves its clock to the next timer. So a day of timers passes in a blink,
and in the same order each time. It serves no sockets, and runs in line what would go to a thread."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class NothingLeftToHappen(Exception):
    """Everybody waits, and no timer is set: what is awaited will never come."""


class _TimeMachine(selectors.DefaultSelector):
    """A selector that passes the time by moving the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise NothingLeftToHappen
        self.now_s += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self, start_s: float = 0.0) -> None:
        self._machine = _TimeMachine()
        self._machine.now_s = start_s
        super().__init__(self._machine)

    def time(self) -> float:
        return self._machine.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def simulate(main: Coroutine[Any, Any, T], start_s: float = 0.0) -> T:
    """Run `main` in simulated time. Errors: NothingLeftToHappen when it waits for what cannot come, and its own."""
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(start_s)) as runner:
        return runner.run(main)
