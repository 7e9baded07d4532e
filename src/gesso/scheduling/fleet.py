"""The Workers of this machine: started when wanted, reused while warm, unloaded when idle or when their place is needed, replaced when
they die. Which Task they serve is the Scheduler's decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from gesso.domain.limits import ATTEMPTS_MAX_COUNT, IDLE_UNLOAD_S, START_BACKOFF_S
from gesso.domain.model import Model
from gesso.ports import Clock, Executor, SetupFailed, WorkerLost
from gesso.scheduling.policy import backoff_s

log = structlog.get_logger(__name__)
Hire = Callable[[Model, str], Executor]


@dataclass(frozen=True, slots=True)
class Capacity:
    """What this machine gives its Workers: their number and their memory in bytes."""

    workers: int
    memory_bytes: int


@dataclass(slots=True)
class _Crew:
    """The Workers of one Model, and how its last starts went."""

    model: Model
    idle: list[Executor] = field(default_factory=list)
    busy: set[Executor] = field(default_factory=set)
    starting: int = 0
    failures: int = 0
    not_before: float = 0.0
    last_used: float = 0.0

    @property
    def size(self) -> int:
        return len(self.idle) + len(self.busy) + self.starting


class Fleet:
    """`hire`: makes an Executor that is not started yet. `on_change`: called whenever a Worker became free, ready or dead.
    `on_hopeless`: called with a Model and a sentence when it could not be started ATTEMPTS_MAX_COUNT times in a row."""

    def __init__(self, models: Iterable[Model], capacity: Capacity, hire: Hire, clock: Clock) -> None:
        self._crews = {model.name: _Crew(model) for model in models}
        self._capacity = capacity
        self._hire = hire
        self._clock = clock
        self._numbers = 0
        self._jobs: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.on_change: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[Model, str], None] = lambda model, text: None

    def idle_count(self, name: str) -> int:
        return len(self._crews[name].idle)

    def starting_count(self, name: str) -> int:
        return self._crews[name].starting

    def workers(self) -> list[tuple[str, int, int, int]]:
        """Per Model: its name, and how many Workers are idle, busy and starting."""
        return [(name, len(crew.idle), len(crew.busy), crew.starting) for name, crew in self._crews.items()]

    def claim(self, name: str) -> Executor | None:
        """An idle Worker of the Model, busy from now on: the one used last, whose memory is warm."""
        crew = self._crews[name]
        while crew.idle:
            executor = crew.idle.pop()
            if executor.is_ready:
                crew.busy.add(executor)
                return executor
        return None

    def release(self, executor: Executor) -> None:
        """Give back a claimed Worker, alive or dead."""
        crew = self._crews[executor.model.name]
        crew.busy.discard(executor)
        crew.last_used = self._clock.monotonic()
        if executor.is_ready and not self._is_stopping:
            crew.idle.append(executor)
            self._unload_later(crew, executor)
        else:
            self._spawn(executor.stop())
        self.on_change()

    def try_start(self, name: str, is_wanted: Callable[[str], bool]) -> bool:
        """Begin to start a Worker of the Model if there is room, or room can be made by unloading an idle Worker of a Model that is not
        wanted. False when there is none now; `on_change` tells when to ask again."""
        crew = self._crews[name]
        wait_s = crew.not_before - self._clock.monotonic()
        if self._is_stopping:
            return False
        if wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self.on_change)
            return False
        if not self._has_room(crew.model):
            self._make_room(crew, is_wanted)
            return False
        self._numbers += 1
        executor = self._hire(crew.model, f"{crew.model.slug}-{self._numbers}")
        crew.starting += 1
        self._spawn(self._start(crew, executor))
        return True

    def _has_room(self, model: Model) -> bool:
        count = sum(crew.size for crew in self._crews.values())
        memory = sum(crew.size * crew.model.needs.memory_bytes for crew in self._crews.values())
        return count < self._capacity.workers and memory + model.needs.memory_bytes <= self._capacity.memory_bytes

    def _make_room(self, for_crew: _Crew, is_wanted: Callable[[str], bool]) -> None:
        candidates = [crew for name, crew in self._crews.items() if crew.idle and crew is not for_crew and not is_wanted(name)]
        if candidates:
            crew = min(candidates, key=lambda each: each.last_used)
            self._dismiss(crew, crew.idle.pop(0))

    def _dismiss(self, crew: _Crew, executor: Executor) -> None:
        # It holds its memory until it is gone, so it counts as busy until then.
        crew.busy.add(executor)
        self._spawn(self._stop_one(crew, executor))

    async def _stop_one(self, crew: _Crew, executor: Executor) -> None:
        try:
            await executor.stop()
        finally:
            crew.busy.discard(executor)
            self.on_change()

    async def _start(self, crew: _Crew, executor: Executor) -> None:
        try:
            await executor.start()
        except (SetupFailed, WorkerLost, OSError) as error:
            crew.starting -= 1
            await executor.stop()
            self._note_failure(crew, str(error))
        else:
            crew.starting -= 1
            crew.failures = 0
            crew.idle.append(executor)
            self._unload_later(crew, executor)
            log.info("worker is ready", worker=executor.name, model=crew.model.name)
        self.on_change()

    def _note_failure(self, crew: _Crew, text: str) -> None:
        crew.failures += 1
        crew.not_before = self._clock.monotonic() + backoff_s(crew.failures, START_BACKOFF_S)
        log.warning("worker could not be started", model=crew.model.name, failures=crew.failures, reason=text)
        if crew.failures >= ATTEMPTS_MAX_COUNT:
            crew.failures = 0
            crew.not_before = 0.0
            self.on_hopeless(crew.model, text)

    def _unload_later(self, crew: _Crew, executor: Executor) -> None:
        crew.last_used = released_at = self._clock.monotonic()

        def unload() -> None:
            if executor in crew.idle and crew.last_used == released_at:
                crew.idle.remove(executor)
                self._dismiss(crew, executor)

        asyncio.get_running_loop().call_later(IDLE_UNLOAD_S, unload)

    def _spawn(self, work: object) -> None:
        job = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def stop(self) -> None:
        """Stop every Worker. Runs still in flight are lost."""
        self._is_stopping = True
        executors = [executor for crew in self._crews.values() for executor in (*crew.idle, *crew.busy)]
        for crew in self._crews.values():
            crew.idle.clear()
        await asyncio.gather(*(executor.stop() for executor in executors), return_exceptions=True)
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
