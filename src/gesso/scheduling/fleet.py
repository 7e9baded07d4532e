"""The Workers of this machine: started when wanted, reused while warm, unloaded when idle or when their place is needed, replaced when
they die. Which Task they serve is the Scheduler's decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from gesso.domain.limits import ATTEMPTS_MAX_COUNT, GIB, IDLE_UNLOAD_S, START_BACKOFF_S
from gesso.domain.model import Model
from gesso.models.contract import Device
from gesso.ports import Clock, Executor, SetupFailed, WorkerLost
from gesso.scheduling.policy import backoff_s

log = structlog.get_logger(__name__)
_WORKERS_PER_ACCELERATOR = 16
Hire = Callable[[Model, str, Device], Executor]


@dataclass(slots=True)
class _Place:
    """A device with how many Workers it may hold, and what those that it holds take, in bytes."""

    device: Device
    workers_max: int
    taken: dict[Executor, int] = field(default_factory=dict)

    def has_room(self, memory_bytes: int) -> bool:
        fits = sum(self.taken.values()) + memory_bytes <= self.device.memory_bytes
        return fits and len(self.taken) < self.workers_max


@dataclass(slots=True)
class _Crew:
    """The Workers of one Model, and how its last starts went."""

    model: Model
    idle: list[Executor] = field(default_factory=list)
    busy: set[Executor] = field(default_factory=set)
    starting: set[Executor] = field(default_factory=set)
    leaving: set[Executor] = field(default_factory=set)
    failures: int = 0
    not_before: float = 0.0
    last_used: float = 0.0


class Fleet:
    """`devices`: the CPU first, then accelerators. `cpu_workers`: Workers on the CPU at most. `demand`: bytes that a Worker of a Model
    takes. `hire`: makes an Executor that is not started yet. `on_change` is called whenever a Worker became free, ready or dead;
    `on_hopeless` with a Model and a sentence when it cannot be started."""

    def __init__(
        self,
        models: Iterable[Model],
        devices: Sequence[Device],
        cpu_workers: int,
        demand: Callable[[Model], int],
        hire: Hire,
        clock: Clock,
        idle_unload_s: float = IDLE_UNLOAD_S,
    ) -> None:
        self._crews = {model.name: _Crew(model) for model in models}
        self._places = [_Place(device, cpu_workers if device.name == "cpu" else _WORKERS_PER_ACCELERATOR) for device in devices]
        self._demand = demand
        self._hire = hire
        self._clock = clock
        self._idle_unload_s = idle_unload_s
        self._numbers = 0
        self._jobs: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.on_change: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[Model, str], None] = lambda model, text: None

    def idle_count(self, name: str) -> int:
        return len(self._crews[name].idle)

    def starting_count(self, name: str) -> int:
        return len(self._crews[name].starting)

    def workers(self) -> list[tuple[str, int, int, int]]:
        """Per Model: its name, and how many Workers are idle, busy and starting."""
        return [(name, len(crew.idle), len(crew.busy), len(crew.starting)) for name, crew in self._crews.items()]

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
            self._dismiss(crew, executor)
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
        memory_bytes = self._demand(crew.model)
        places = self._places_for(crew.model)
        largest = max(place.device.memory_bytes for place in places)
        if memory_bytes > largest:
            self.on_hopeless(crew.model, f"it needs {memory_bytes / GIB:.1f} GiB, and this machine gives a model {largest / GIB:.1f} GiB")
            return False
        place = next((place for place in places if place.has_room(memory_bytes)), None)
        if place is None:
            self._make_room(crew, places, is_wanted)
            return False
        self._numbers += 1
        executor = self._hire(crew.model, f"{crew.model.slug}-{self._numbers}", place.device)
        place.taken[executor] = memory_bytes
        crew.starting.add(executor)
        self._spawn(self._start(crew, executor))
        return True

    def _places_for(self, model: Model) -> list[_Place]:
        """The devices for a Model, emptiest first. Without an accelerator a Model that wants one runs on the CPU, if it fits."""
        wants_accelerator = model.needs.device != "cpu" and len(self._places) > 1
        places = self._places[1:] if wants_accelerator else self._places[:1]
        return sorted(places, key=lambda place: sum(place.taken.values()))

    def _make_room(self, for_crew: _Crew, places: list[_Place], is_wanted: Callable[[str], bool]) -> None:
        """Unload the idle Worker that was used longest ago, of a Model that nobody waits for. One at a time: each tells when it is gone."""
        if any(crew.leaving for crew in self._crews.values()):
            return
        taken = {executor for place in places for executor in place.taken}
        candidates = [
            (crew.last_used, name, executor)
            for name, crew in self._crews.items()
            if crew is not for_crew and not is_wanted(name)
            for executor in crew.idle
            if executor in taken
        ]
        if candidates:
            _, name, executor = min(candidates, key=lambda each: each[:2])
            self._crews[name].idle.remove(executor)
            self._dismiss(self._crews[name], executor)

    def _dismiss(self, crew: _Crew, executor: Executor) -> None:
        # It holds its memory until its process is gone.
        crew.leaving.add(executor)
        self._spawn(self._see_off(crew, executor))

    async def _see_off(self, crew: _Crew, executor: Executor) -> None:
        try:
            await executor.stop()
        finally:
            crew.leaving.discard(executor)
            self._vacate(executor)
            self.on_change()

    def _vacate(self, executor: Executor) -> None:
        for place in self._places:
            place.taken.pop(executor, None)

    async def _start(self, crew: _Crew, executor: Executor) -> None:
        try:
            await executor.start()
        except (SetupFailed, WorkerLost, OSError) as error:
            await executor.stop()
            self._vacate(executor)
            crew.starting.discard(executor)
            self._note_failure(crew, str(error))
        else:
            crew.starting.discard(executor)
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

        asyncio.get_running_loop().call_later(self._idle_unload_s, unload)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        job = asyncio.ensure_future(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def stop(self) -> None:
        """Stop every Worker. Runs still in flight are lost."""
        self._is_stopping = True
        executors = [executor for crew in self._crews.values() for executor in (*crew.idle, *crew.busy, *crew.starting)]
        for crew in self._crews.values():
            crew.idle.clear()
        await asyncio.gather(*(executor.stop() for executor in executors), return_exceptions=True)
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
