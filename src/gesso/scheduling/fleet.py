"""The Workers of this machine: started when wanted, reused while warm, unloaded when idle or when their place is needed, replaced when
they die. Which Task they serve is the Scheduler's decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from gesso.domain.limits import ATTEMPTS_MAX_COUNT, GIB, IDLE_UNLOAD_S, MODEL_PATIENCE_S, START_BACKOFF_S
from gesso.domain.machine import DeviceUse
from gesso.domain.model import Model
from gesso.models.contract import Device
from gesso.ports import Clock, Executor, SetupFailed, WorkerLost
from gesso.scheduling.policy import backoff_s

log = structlog.get_logger(__name__)
_WORKERS_PER_ACCELERATOR = 16
_DEMAND_KEPT_S = 10.0
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
    failed_at: float = 0.0
    not_before: float = 0.0
    is_retry_due: bool = False
    last_used: float = 0.0
    short_since: float | None = None
    memory_bytes: int = 0
    measured_at: float = -_DEMAND_KEPT_S

    @property
    def has_workers(self) -> bool:
        return bool(self.idle or self.busy or self.starting)


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
        self._unloads: dict[Executor, asyncio.TimerHandle] = {}
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

    def devices(self) -> list[DeviceUse]:
        return [
            DeviceUse(place.device.name, place.device.memory_bytes, sum(place.taken.values()), len(place.taken), place.workers_max)
            for place in self._places
        ]

    def worker_bytes(self, name: str) -> int:
        """What one Worker of the Model takes. It looks at the disk when that was long ago."""
        return self._memory_bytes(self._crews[name])

    def unload(self, name: str) -> int:
        """Let the idle Workers of the Model go; how many they are."""
        crew = self._crews[name]
        leaving = [self._leave_idle(crew, executor) for executor in list(crew.idle)]
        for executor in leaving:
            self._dismiss(crew, executor)
        return len(leaving)

    def claim(self, name: str) -> Executor | None:
        """An idle Worker of the Model, busy from now on: the one used last, whose memory is warm."""
        crew = self._crews[name]
        while crew.idle:
            executor = self._leave_idle(crew, crew.idle[-1])
            if executor.is_ready:
                crew.busy.add(executor)
                return executor
            # It died while idle, and still holds its place.
            self._dismiss(crew, executor)
        return None

    def release(self, executor: Executor) -> None:
        """Give back a claimed Worker, alive or dead."""
        crew = self._crews[executor.model.name]
        crew.busy.discard(executor)
        if executor.is_ready and not self._is_stopping:
            self._enter_idle(crew, executor)
        else:
            self._dismiss(crew, executor)
        self.on_change()

    def try_start(self, name: str, is_wanted: Callable[[str], bool]) -> bool:
        """Begin to start a Worker of the Model if there is room, or room can be made by unloading an idle Worker of a Model that is not
        wanted; of any other Model, once this one is overdue. False when there is none now; `on_change` tells when to ask again."""
        crew = self._crews[name]
        wait_s = crew.not_before - self._clock.monotonic()
        if self._is_stopping:
            return False
        if wait_s > 0:
            self._retry_later(crew, wait_s)
            return False
        memory_bytes = self._memory_bytes(crew)
        places = self._places_for(crew.model)
        largest = max(place.device.memory_bytes for place in places)
        if memory_bytes > largest:
            self.on_hopeless(crew.model, f"it needs {memory_bytes / GIB:.1f} GiB, and this machine gives a model {largest / GIB:.1f} GiB")
            return False
        place = next((place for place in places if place.has_room(memory_bytes)), None)
        if place is None:
            if crew.short_since is None and not crew.has_workers:
                crew.short_since = self._clock.monotonic()
            self._make_room(crew, places, is_wanted)
            return False
        crew.short_since = None
        self._numbers += 1
        executor = self._hire(crew.model, f"{crew.model.slug}-{self._numbers}", place.device)
        place.taken[executor] = memory_bytes
        crew.starting.add(executor)
        self._spawn(self._start(crew, executor))
        return True

    def is_overdue(self, name: str) -> bool:
        """Whether the Model has had no Worker for MODEL_PATIENCE_S because others take the room: then it comes before them."""
        since = self._crews[name].short_since
        return since is not None and self._clock.monotonic() - since >= MODEL_PATIENCE_S

    def forgo(self, name: str) -> None:
        """Nobody waits for the Model any more."""
        self._crews[name].short_since = None

    def _memory_bytes(self, crew: _Crew) -> int:
        # It is asked for in every round while there is no room, and looks at the disk.
        now = self._clock.monotonic()
        if now - crew.measured_at >= _DEMAND_KEPT_S:
            crew.memory_bytes, crew.measured_at = self._demand(crew.model), now
        return crew.memory_bytes

    def _places_for(self, model: Model) -> list[_Place]:
        """The devices for a Model, emptiest first. Without an accelerator a Model that wants one runs on the CPU, if it fits."""
        wants_accelerator = model.needs.device != "cpu" and len(self._places) > 1
        places = self._places[1:] if wants_accelerator else self._places[:1]
        return sorted(places, key=lambda place: sum(place.taken.values()))

    def _make_room(self, for_crew: _Crew, places: list[_Place], is_wanted: Callable[[str], bool]) -> None:
        """Unload the idle Worker that was used longest ago, of a Model that nobody waits for; when `for_crew` is overdue, of any.

        One at a time: each tells when it is gone.
        """
        others = [crew for crew in self._crews.values() if crew.idle and crew is not for_crew]
        # Asked for in every round while others wait, and mostly in vain.
        if not others or any(crew.leaving for crew in self._crews.values()):
            return
        is_overdue = self.is_overdue(for_crew.model.name)
        taken = {executor for place in places for executor in place.taken}
        candidates = [
            (crew.last_used, crew.model.name, executor)
            for crew in others
            if is_overdue or not is_wanted(crew.model.name)
            for executor in crew.idle
            if executor in taken
        ]
        if candidates:
            _, name, executor = min(candidates, key=lambda each: each[:2])
            self._dismiss(self._crews[name], self._leave_idle(self._crews[name], executor))

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
        began = self._clock.monotonic()
        try:
            await executor.start()
        except Exception as error:
            if not isinstance(error, SetupFailed | WorkerLost | OSError):
                log.exception("the start of a worker broke", worker=executor.name)
            await executor.stop()
            self._vacate(executor)
            crew.starting.discard(executor)
            if not self._is_stopping:
                self._note_failure(crew, began, str(error))
        else:
            crew.starting.discard(executor)
            crew.failures = 0
            self._enter_idle(crew, executor)
            log.info("worker is ready", worker=executor.name, model=crew.model.name)
        self.on_change()

    def _note_failure(self, crew: _Crew, began: float, text: str) -> None:
        log.warning("worker could not be started", model=crew.model.name, failures=crew.failures, reason=text)
        # Starts side by side that fail for one cause are one failure.
        if not crew.failures or began >= crew.failed_at:
            crew.failures += 1
            crew.failed_at = self._clock.monotonic()
            crew.not_before = crew.failed_at + backoff_s(crew.failures, START_BACKOFF_S)
        if crew.failures >= ATTEMPTS_MAX_COUNT and not crew.has_workers:
            crew.failures = 0
            crew.not_before = 0.0
            self.on_hopeless(crew.model, text)

    def _retry_later(self, crew: _Crew, wait_s: float) -> None:
        def retry() -> None:
            crew.is_retry_due = False
            self.on_change()

        if not crew.is_retry_due:
            crew.is_retry_due = True
            asyncio.get_running_loop().call_later(wait_s, retry)

    def _enter_idle(self, crew: _Crew, executor: Executor) -> None:
        def unload() -> None:
            self._dismiss(crew, self._leave_idle(crew, executor))

        crew.last_used = self._clock.monotonic()
        crew.idle.append(executor)
        self._unloads[executor] = asyncio.get_running_loop().call_later(self._idle_unload_s, unload)

    def _leave_idle(self, crew: _Crew, executor: Executor) -> Executor:
        crew.idle.remove(executor)
        self._unloads.pop(executor).cancel()
        return executor

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        job = asyncio.ensure_future(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def stop(self) -> None:
        """Stop every Worker. Runs still in flight are lost."""
        self._is_stopping = True
        executors = [executor for crew in self._crews.values() for executor in (*crew.idle, *crew.busy, *crew.starting)]
        for crew in self._crews.values():
            for executor in list(crew.idle):
                self._leave_idle(crew, executor)
        await asyncio.gather(*(executor.stop() for executor in executors), return_exceptions=True)
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
