"""An Executor without a process: each run goes as its script says."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gesso.domain.batch import Fit
from gesso.domain.event import LiveEvent, Progress
from gesso.domain.file import output_key
from gesso.domain.model import Model
from gesso.ports import MadeOutput, Member, RunKilled, RunOrder, RunResult, SetupFailed, WorkerLost
from gesso.testing.disk import Disk

_FAILURES = ("input", "memory", "engine", "timeout", "disk")


@dataclass(frozen=True, slots=True)
class Play:
    """How a run goes. `end`: "success", a failure of RunResult, "lost" (the process dies) or "hang" (it never ends and hears no kill).

    `is_heard`: whether the Worker says that the Engine began. `kill_s`: how long a kill takes.
    """

    end: str = "success"
    takes_s: float = 0.0
    outputs: int = 1
    is_heard: bool = True
    kill_s: float = 0.0


@dataclass(slots=True)
class _Run:
    """A run in flight. `kill_s`: how long a kill takes, None for one that hears none."""

    order: RunOrder
    outcome: asyncio.Future[RunResult | RunKilled | WorkerLost]
    kill_s: float | None
    timers: list[asyncio.TimerHandle]
    is_killed: bool = False


class ScriptedExecutor:
    """`play`: what each run does. `setup_s`, `setup_error`: how its start goes. `fit`: with whom an order could share a Batch, told
    after `fit_s` seconds; without it there are no Batches. `on_step` hears starting, ready, run, end, gone."""

    def __init__(
        self,
        name: str,
        model: Model,
        play: Callable[[RunOrder], Play] = lambda order: Play(),
        *,
        disk: Disk | None = None,
        setup_s: float = 0.0,
        setup_error: str = "",
        fit: Callable[[RunOrder], Fit | None] | None = None,
        fit_s: Callable[[], float] = lambda: 0.0,
        on_step: Callable[[str, ScriptedExecutor, RunOrder | None], None] = lambda step, executor, order: None,
    ) -> None:
        self.name = name
        self.model = model
        self._play = play
        self._disk = disk or Disk()
        self._setup_s = setup_s
        self._setup_error = setup_error
        self._fit = fit
        self._fit_s = fit_s
        self._on_step = on_step
        self._state = "new"
        self._died: asyncio.Event | None = None
        self._runs: list[_Run] = []
        self.orders: list[RunOrder] = []
        self.batches: list[list[RunOrder]] = []

    @property
    def is_ready(self) -> bool:
        return self._state == "ready"

    @property
    def is_alive(self) -> bool:
        return self._state in ("starting", "ready", "busy")

    @property
    def is_batching(self) -> bool:
        return self._fit is not None

    async def start(self) -> None:
        assert self._state == "new", f"{self.name} is started twice"
        self._state = "starting"
        self._on_step("starting", self, None)
        self._died = asyncio.Event()
        try:
            async with asyncio.timeout(self._setup_s):
                await self._died.wait()
        except TimeoutError:
            pass
        if self._state != "starting":
            self._gone()
            raise WorkerLost(f"{self.name} died in its setup.")
        if self._setup_error:
            self._gone()
            raise SetupFailed(self._setup_error)
        self._state = "ready"
        self._on_step("ready", self, None)

    async def run(self, order: RunOrder, on_started: Callable[[], None], on_live: Callable[[LiveEvent], None]) -> RunResult:
        if not self.is_alive:
            raise WorkerLost(f"{self.name} is gone.")
        run = self._begin(Member(order, on_started, on_live))
        try:
            outcome = await asyncio.shield(run.outcome)
        except asyncio.CancelledError:
            self.kill()
            await asyncio.wait([run.outcome])
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def fit(self, order: RunOrder) -> Fit | None:
        if not self.is_alive:
            raise WorkerLost(f"{self.name} is gone.")
        assert self._state == "ready", f"{self.name} is {self._state}"
        assert self._fit is not None
        self._state = "busy"
        try:
            await asyncio.sleep(self._fit_s())
        finally:
            self._state = "ready" if self._state == "busy" else self._state
        if not self.is_alive:
            raise WorkerLost(f"{self.name} was killed by signal 9.")
        return self._fit(order)

    def run_batch(self, members: Sequence[Member]) -> Sequence[asyncio.Future[RunResult | RunKilled | WorkerLost]]:
        if not self.is_alive:
            gone = [asyncio.get_running_loop().create_future() for _ in members]
            for outcome in gone:
                outcome.set_result(WorkerLost(f"{self.name} is gone."))
            return gone
        assert self._state == "ready", f"{self.name} is {self._state}: one Batch at a time"
        self.batches.append([member.order for member in members])
        return [self._begin(member, among=len(members)).outcome for member in members]

    def kill(self, order: RunOrder | None = None) -> None:
        loop = asyncio.get_running_loop()
        for run in self._runs:
            if run.is_killed or (order is not None and run.order is not order):
                continue
            run.is_killed = True
            # One that does not listen costs the process, unless others would die of it.
            run.timers.append(
                loop.call_later(5.0, self._lose_patience, run)
                if run.kill_s is None
                else loop.call_later(run.kill_s, self._end, run, RunKilled())
            )

    async def stop(self) -> None:
        self.die()
        await asyncio.sleep(0)
        self._gone()

    def die(self) -> None:
        """The process ends, at whatever it is."""
        self._state = "gone" if self._state == "gone" else "dead"
        for run in list(self._runs):
            self._end(run, WorkerLost(f"{self.name} was killed by signal 9."))
        if self._died is not None:
            self._died.set()

    def _begin(self, member: Member, among: int = 1) -> _Run:
        assert among > 1 or self._state == "ready", f"{self.name} is {self._state}: one run at a time"
        self._state = "busy"
        order, loop, play = member.order, asyncio.get_running_loop(), self._play(member.order)
        self.orders.append(order)
        self._on_step("run", self, order)
        run = _Run(order, loop.create_future(), None if play.end == "hang" else play.kill_s, [])
        self._runs.append(run)
        if play.end != "hang":
            run.timers.append(loop.call_later(play.takes_s, self._finish, run, play))
        if play.is_heard:
            run.timers.append(loop.call_later(0, self._start, member))
        return run

    def _start(self, member: Member) -> None:
        member.on_started()
        member.on_live(Progress(1, 1, 0))

    def _finish(self, run: _Run, play: Play) -> None:
        if play.end == "lost":
            self.die()
        elif play.end in _FAILURES:
            self._end(run, RunResult((), play.end, f"It failed: {play.end}.", "", ""))
        else:
            self._end(run, RunResult(tuple(self._make(run.order, index) for index in range(play.outputs)), "", "", "", ""))

    def _make(self, order: RunOrder, index: int) -> MadeOutput:
        data = f"{order.task_id} {index}".encode()
        access_key = output_key(order.stem, index)
        self._disk.bytes_of[order.folder / access_key] = data
        return MadeOutput(access_key, "txt", len(data), hashlib.sha256(data).hexdigest())

    def _lose_patience(self, run: _Run) -> None:
        if all(other.is_killed for other in self._runs):
            self.die()
        else:
            run.timers.append(asyncio.get_running_loop().call_later(5.0, self._lose_patience, run))

    def _end(self, run: _Run, outcome: RunResult | RunKilled | WorkerLost) -> None:
        for timer in run.timers:
            timer.cancel()
        self._runs.remove(run)
        self._on_step("end", self, run.order)
        if self._state == "busy" and not self._runs:
            self._state = "ready"
        run.outcome.set_result(RunKilled() if run.is_killed else outcome)

    def _gone(self) -> None:
        if self._state != "gone":
            self._state = "gone"
            self._on_step("gone", self, None)
