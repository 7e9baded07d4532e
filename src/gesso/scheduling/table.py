"""A Table: where the Attempts of a Batch meet. Each takes a Seat as if it were a Worker, comes in its own time and leaves when it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gesso.domain.event import LiveEvent
from gesso.ports import Executor, Member, RunKilled, RunOrder, RunResult, WorkerLost

_Outcome = RunResult | RunKilled | WorkerLost


class Table:
    """Of one claimed Worker, which `release` gives back when the last has left. Who sits at it runs once it is closed and all have ordered;
    one who is alone then, as if there were no Table."""

    def __init__(self, executor: Executor, release: Callable[[Executor], None]) -> None:
        self.executor = executor
        self._release: Callable[[Executor], None] | None = release
        self._seats: list[Seat] = []
        self._is_closed = False
        self._is_begun = False

    def seat(self) -> Seat:
        """A place for one more."""
        assert not self._is_closed
        seat = Seat(self)
        self._seats.append(seat)
        return seat

    def close(self) -> None:
        """Nobody else comes."""
        self._is_closed = True
        self.look()

    def leave(self, seat: Seat) -> None:
        if seat in self._seats:
            self._seats.remove(seat)
            self.look()

    def look(self) -> None:
        """Begin if all have ordered, and clear away if all have left."""
        if not self._is_closed:
            return
        if not self._seats:
            release, self._release = self._release, None
            if release is not None:
                release(self.executor)
        elif not self._is_begun and all(seat.member is not None for seat in self._seats):
            self._is_begun = True
            self._begin()

    def _begin(self) -> None:
        if len(self._seats) == 1:
            self._seats[0].begin(None, 1.0)
            return
        seats = list(self._seats)
        outcomes = self.executor.run_batch([seat.member for seat in seats if seat.member is not None])
        size = sum(seat.size for seat in seats)
        for seat, outcome in zip(seats, outcomes, strict=True):
            seat.begin(outcome, seat.size / size)


class Seat:
    """An Executor for one Attempt. `size`: what it takes of the Batch."""

    def __init__(self, table: Table) -> None:
        self.model = table.executor.model
        self.name = table.executor.name
        self.size = 1
        self.member: Member | None = None
        self._table = table
        self._is_killed = False
        self._share = 1.0
        # None for who runs alone.
        self._begun: asyncio.Future[asyncio.Future[_Outcome] | None] = asyncio.get_running_loop().create_future()

    async def run(self, order: RunOrder, on_started: Callable[[], None], on_live: Callable[[LiveEvent], None]) -> RunResult:
        """As Executor's, when everybody is there."""
        self.member = Member(order, on_started, on_live)
        loop = asyncio.get_running_loop()
        arrived_at = loop.time()
        self._table.look()
        running: asyncio.Future[_Outcome] | None = None
        try:
            running = await asyncio.shield(self._begun)
            waited_s = loop.time() - arrived_at
            if self._is_killed and running is None:
                raise RunKilled("The run was killed before it began.")
            outcome = await (self._table.executor.run(order, on_started, on_live) if running is None else asyncio.shield(running))
        except asyncio.CancelledError:
            await self._end()
            raise
        if isinstance(outcome, RunResult):
            return replace(outcome, share=self._share, waited_s=waited_s)
        raise outcome

    def begin(self, running: asyncio.Future[_Outcome] | None, share: float) -> None:
        self._share = share
        if not self._begun.done():
            self._begun.set_result(running)

    def kill(self) -> None:
        """As Executor's; of this Attempt's run alone."""
        if self._is_killed:
            return
        self._is_killed = True
        if not self._begun.done():
            self._begun.set_result(None)
            self._table.leave(self)
        elif self._begun.result() is None:
            self._table.executor.kill()
        elif self.member is not None:
            self._table.executor.kill(self.member.order)

    def leave(self) -> None:
        self._table.leave(self)

    async def _end(self) -> None:
        """The Attempt was cancelled: its run, if it is one of a Batch, ends first. Alone, the Executor has seen to it."""
        running = self._begun.result() if self._begun.done() else None
        if running is not None and self.member is not None:
            self._table.executor.kill(self.member.order)
            await asyncio.wait([running])
