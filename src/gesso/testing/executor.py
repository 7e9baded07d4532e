"""An Executor without a process: each run goes as its script says."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gesso.domain.event import LiveEvent, Progress
from gesso.domain.file import output_key
from gesso.domain.model import Model
from gesso.ports import MadeOutput, RunKilled, RunOrder, RunResult, SetupFailed, WorkerLost
from gesso.testing.disk import Disk

_FAILURES = ("input", "memory", "engine", "timeout")


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


class ScriptedExecutor:
    """`play`: what each run does. `setup_s`, `setup_error`: how its start goes. `on_step` hears starting, ready, run, end, gone."""

    def __init__(
        self,
        name: str,
        model: Model,
        play: Callable[[RunOrder], Play] = lambda order: Play(),
        *,
        disk: Disk | None = None,
        setup_s: float = 0.0,
        setup_error: str = "",
        on_step: Callable[[str, ScriptedExecutor, RunOrder | None], None] = lambda step, executor, order: None,
    ) -> None:
        self.name = name
        self.model = model
        self._play = play
        self._disk = disk or Disk()
        self._setup_s = setup_s
        self._setup_error = setup_error
        self._on_step = on_step
        self._state = "new"
        self._died: asyncio.Event | None = None
        self._outcome: asyncio.Future[RunResult | Exception] | None = None
        self._kill_s: float | None = None
        self.is_killed = False
        self.orders: list[RunOrder] = []

    @property
    def is_ready(self) -> bool:
        return self._state == "ready"

    @property
    def is_alive(self) -> bool:
        return self._state in ("starting", "ready", "busy")

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
        assert self._state == "ready", f"{self.name} is {self._state}: one run at a time"
        self._state, self.is_killed = "busy", False
        self.orders.append(order)
        self._on_step("run", self, order)
        loop, play = asyncio.get_running_loop(), self._play(order)
        self._outcome = loop.create_future()
        self._kill_s = None if play.end == "hang" else play.kill_s
        timers = [] if play.end == "hang" else [loop.call_later(play.takes_s, self._finish, order, play)]
        if play.is_heard:
            timers.append(loop.call_later(0, self._begin, on_started, on_live))
        try:
            outcome = await asyncio.shield(self._outcome)
        except asyncio.CancelledError:
            self.kill()
            await asyncio.wait([self._outcome])
            raise
        finally:
            for timer in timers:
                timer.cancel()
            self._on_step("end", self, order)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def kill(self) -> None:
        if self._outcome is None or self._outcome.done() or self.is_killed:
            return
        self.is_killed = True
        if self._kill_s is None:
            # It does not listen: the process is killed after the grace time.
            asyncio.get_running_loop().call_later(5.0, self.die)
        else:
            asyncio.get_running_loop().call_later(self._kill_s, self._end, "ready", RunKilled())

    async def stop(self) -> None:
        self.die()
        await asyncio.sleep(0)
        self._gone()

    def die(self) -> None:
        """The process ends, at whatever it is."""
        self._end("dead", RunKilled() if self.is_killed else WorkerLost(f"{self.name} was killed by signal 9."))
        self._state = "gone" if self._state == "gone" else "dead"
        if self._died is not None:
            self._died.set()

    def _begin(self, on_started: Callable[[], None], on_live: Callable[[LiveEvent], None]) -> None:
        if self._state == "busy":
            on_started()
            on_live(Progress(1, 1, 0))

    def _finish(self, order: RunOrder, play: Play) -> None:
        if play.end == "lost":
            self.die()
        elif play.end in _FAILURES:
            self._end("ready", RunResult((), play.end, f"It failed: {play.end}.", "", ""))
        else:
            self._end("ready", RunResult(tuple(self._make(order, index) for index in range(play.outputs)), "", "", "", ""))

    def _make(self, order: RunOrder, index: int) -> MadeOutput:
        data = f"{order.task_id} {index}".encode()
        access_key = output_key(order.stem, index)
        self._disk.bytes_of[order.folder / access_key] = data
        return MadeOutput(access_key, "txt", len(data), hashlib.sha256(data).hexdigest())

    def _end(self, state: str, outcome: RunResult | Exception) -> None:
        if self._outcome is not None and not self._outcome.done():
            if self.is_killed and isinstance(outcome, RunResult):
                outcome = RunKilled()
            self._state = state
            self._outcome.set_result(outcome)

    def _gone(self) -> None:
        if self._state != "gone":
            self._state = "gone"
            self._on_step("gone", self, None)
