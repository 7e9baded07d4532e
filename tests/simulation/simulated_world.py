"""One server after another over one disk, in simulated time: the real services and scheduler, and doubles of the rest.

It watches as it goes: no Task runs twice at once, no place holds more than it may. `verify` looks at the disk when all has come to rest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from gesso.delivery.bus import Bus
from gesso.domain.batch import Fit
from gesso.domain.errors import GessoError, Unavailable
from gesso.domain.event import Cancelled, Failed, FileInput, Queued, Started, Succeeded
from gesso.domain.model import Model
from gesso.domain.price import FREE, billed_seconds
from gesso.domain.task import Task, TaskState, apply
from gesso.models.contract import Device
from gesso.ports import Executor, RunOrder
from gesso.scheduling.attempt import Attempts
from gesso.scheduling.fleet import Fleet
from gesso.scheduling.scheduler import Scheduler
from gesso.services.catalog import Catalog
from gesso.services.files import Files
from gesso.services.lifecycle import Lifecycle
from gesso.services.staging import Staging
from gesso.services.submission import Submission
from gesso.services.tasks import Tasks
from gesso.testing import (
    Disk,
    LoopClock,
    MemoryBlobs,
    MemoryFetch,
    MemoryFiles,
    MemoryTasks,
    Play,
    ScriptedExecutor,
    make_order,
    make_project,
)

NOWHERE = Path("/nowhere")
# All that a client may be told of a failure here: anything else is a defect of the server.
REASONS = re.compile(r"It failed: \w+\.|3 attempts were lost; .*|lab/\w+ could not be started: .*|The server cannot take this now: .*")
PICTURE = b"\x89PNG\r\n\x1a\n picture"
PAGE = "https://pictures.example/a.png"
SLOW_PAGE = "https://slow.example/a.png"
SLOW_PAGE_S = 20.0


@dataclass(frozen=True, slots=True)
class Shape:
    """The machine and its luck. Functions draw from the run's own randomness."""

    models: tuple[Model, ...]
    devices: tuple[Device, ...] = (Device("cpu", 2**30, 1),)
    cpu_workers: int = 2
    play: Callable[[RunOrder], Play] = lambda order: Play()
    setup: Callable[[Model], tuple[float, str]] = lambda model: (0.1, "")
    # Of Models whose Engine serves Tasks together: with whom one could share a Batch.
    fit: Mapping[str, Callable[[RunOrder], Fit | None]] = field(default_factory=dict)
    fit_s: Callable[[], float] = lambda: 0.0
    commit_s: Callable[[], float] = lambda: 0.0
    read_s: Callable[[], float] = lambda: 0.0
    idle_unload_s: float = 60.0
    live_max_count: int = 10_000


class World:
    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.disk = Disk()
        self.accepted: dict[int, Task] = {}
        self.starts: list[int] = []
        self.hired: list[ScriptedExecutor] = []
        self._under_way: dict[int, ScriptedExecutor] = {}
        self.server = self._boot()

    def _boot(self) -> Server:
        return Server(self)

    async def start(self) -> None:
        await self.server.scheduler.start()

    async def restart(self, is_crash: bool, grace_s: float = 5.0) -> None:
        """End the server, with warning or without, and start the next one on the same disk."""
        if is_crash:
            await self.server.crash()
        else:
            await self.server.scheduler.stop(grace_s)
            await self.server.flush()
        assert not self._under_way, "a run outlived its server"
        self.server.store.die()
        # Clients reach a server that has started.
        while True:
            server = self._boot()
            try:
                await server.scheduler.start()
                break
            except Unavailable:
                # The database is gone: a server that cannot begin ends, and is started again.
                await server.crash()
                await asyncio.sleep(1.0)
        self.server = server

    async def submit(
        self,
        project_id: int,
        model: Model,
        url: str = "",
        callback_url: str = "",
        sent: Mapping[str, str] | None = None,
        is_awaited: bool = False,
    ) -> Task | None:
        """An accepted Task, or None when it was refused."""
        server = self.server
        files = {"picture": (FileInput("a.png", url=url),)} if url else {}
        order = replace(
            make_order(model, make_project(project_id), files=files, callback_url=callback_url), sent=sent or {}, is_awaited=is_awaited
        )
        try:
            task = await server.submission.submit(order)
        except GessoError:
            return None
        self.accepted[task.id] = task
        return task

    async def rest(self, within_s: float = 6 * 3600.0) -> None:
        """Until every accepted Task has ended. Errors: NothingLeftToHappen when one never will, TimeoutError."""
        async with asyncio.timeout(within_s):
            for task_id in list(self.accepted):
                await self.server.tasks.wait(self.accepted[task_id], within_s)

    def on_step(self, step: str, executor: ScriptedExecutor, order: RunOrder | None) -> None:
        if step == "run":
            assert order is not None
            assert order.task_id not in self._under_way, f"task {order.task_id} runs twice at once"
            self._under_way[order.task_id] = executor
            self.starts.append(order.task_id)
        elif step == "end":
            assert order is not None
            del self._under_way[order.task_id]

    def verify(self) -> None:
        """What must hold of the disk once all has come to rest."""
        for task_id in self.accepted:
            assert task_id in self.disk.tasks, f"accepted task {task_id} is lost"
        for task_id, task in self.disk.tasks.items():
            self._verify_task(task_id, task)
        assert set(self.disk.charges) == {task.id for task in self.disk.tasks.values() if task.state is TaskState.SUCCEEDED and task.cost}

    def _verify_task(self, task_id: int, task: Task) -> None:
        events = self.disk.events[task_id]
        assert [recorded.seq for recorded in events] == list(range(1, len(events) + 1)), f"task {task_id} has gaps in its events"
        ends = [recorded for recorded in events if isinstance(recorded.event, Succeeded | Failed | Cancelled)]
        assert len(ends) == 1, f"task {task_id} ended {len(ends)} times: {events}"
        assert ends[0] is events[-1], f"task {task_id} went on after its end"
        replayed = Task(task.id, task.token, task.project_id, task.model, task.dialect, task.values, self._first_files(task))
        for recorded in events:
            replayed = apply(replayed, recorded.event, recorded.at)
        assert (replayed.state, replayed.attempt, replayed.losses) == (task.state, task.attempt, task.losses)
        if task.state is TaskState.SUCCEEDED:
            price = next(model.price for model in self.shape.models if model.name == task.model)
            assert task.cost == price.charge(task.billed_us) == billed_seconds(task.billed_us) * price.per_second
            assert self.disk.charges.get(task_id, FREE) == task.cost
            assert all(NOWHERE.parent / "blobs" / output.access_key in self.disk.bytes_of for output in task.outputs)
        else:
            assert task.state is TaskState.CANCELLED or REASONS.fullmatch(task.error), f"task {task_id} failed: {task.error}"
            assert task.cost == Decimal(0)
            assert not task.outputs
        assert bool(task.callback_url) == (task_id in self.disk.notices)

    def _first_files(self, task: Task) -> Mapping[str, tuple[FileInput, ...]]:
        return self.accepted[task.id].files if task.id in self.accepted else task.files


class Server:
    def __init__(self, world: World) -> None:
        shape, disk = world.shape, world.disk
        self._world = world
        self._executors: dict[ScriptedExecutor, Device] = {}
        self.clock = LoopClock()
        self.store = MemoryTasks(disk, shape.commit_s, shape.read_s)
        self.bus = Bus()
        self.lifecycle = Lifecycle(self.store, self.bus, self.clock, shape.live_max_count)
        self.blobs = MemoryBlobs(disk)
        self.catalog = Catalog(shape.models, NOWHERE)
        files = Files(MemoryFiles(disk), self.blobs)
        self.fetch = MemoryFetch({PAGE: PICTURE, SLOW_PAGE: PICTURE}, {SLOW_PAGE: SLOW_PAGE_S})
        self.staging = Staging(self.blobs, self.fetch, files, self.clock)
        self.fleet = Fleet(
            shape.models, shape.devices, shape.cpu_workers, self.catalog.memory_bytes, self._hire, self.clock, shape.idle_unload_s
        )
        self.attempts = Attempts(self.lifecycle, self.staging, self.blobs, self.clock)
        self.scheduler = Scheduler(self.lifecycle, self.store, self.catalog, self.fleet, self.attempts)
        self.submission = Submission(
            self.lifecycle, self.store, self.catalog, files, self.blobs, self.clock, lambda: self.scheduler.is_accepting
        )
        self.tasks = Tasks(self.lifecycle, self.bus)

    @property
    def executors(self) -> list[ScriptedExecutor]:
        return list(self._executors)

    def _hire(self, model: Model, name: str, device: Device) -> Executor:
        setup_s, setup_error = self._world.shape.setup(model)
        executor = ScriptedExecutor(
            name,
            model,
            self._world.shape.play,
            disk=self._world.disk,
            setup_s=setup_s,
            setup_error=setup_error,
            fit=self._world.shape.fit.get(model.name),
            fit_s=self._world.shape.fit_s,
            on_step=self._on_step,
        )
        self._world.hired.append(executor)
        self._executors[executor] = device
        held = [each for each, place in self._executors.items() if place == device]
        assert sum(each.model.needs.memory_bytes for each in held) <= device.memory_bytes, f"{device.name} holds more than its memory"
        if device.name == "cpu":
            assert len(held) <= self._world.shape.cpu_workers, "more workers than allowed"
        return executor

    def _on_step(self, step: str, executor: ScriptedExecutor, order: RunOrder | None) -> None:
        if step == "gone":
            self._executors.pop(executor, None)
        self._world.on_step(step, executor, order)

    async def crash(self) -> None:
        """SIGKILL: nothing more reaches the disk, and the model processes go with the server."""
        self.store.die()
        for executor in self.executors:
            executor.die()
        await self.scheduler.stop(0.0)

    async def flush(self) -> None:
        await self.store.flushed()


def started_times(world: World, tasks: Iterable[Task]) -> list[float]:
    """For each Task the seconds from its submission to its first start."""
    times = []
    for task in tasks:
        events = world.disk.events[task.id]
        queued = next(recorded.at for recorded in events if isinstance(recorded.event, Queued))
        started = next(recorded.at for recorded in events if isinstance(recorded.event, Started))
        times.append((started - queued) / 1_000_000)
    return times
