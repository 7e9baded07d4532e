"""The loop: woken by what was committed and by Workers that become free, it gives waiting Tasks to Workers. It never polls."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from typing import Any

import structlog

from gesso.domain.errors import GessoError, Unavailable
from gesso.domain.event import Cancelled, Failed, Queued, Recorded, Requeued
from gesso.domain.limits import BATCH_MAX_COUNT, COMMIT_RETRY_S, REQUEUE_BACKOFF_S, STOP_GRACE_S
from gesso.domain.model import Model
from gesso.domain.task import Task
from gesso.ports import Executor, QueueEntry, TaskStore
from gesso.scheduling.attempt import Attempts, Carrying, Runner, must_fetch, requeue_or_fail
from gesso.scheduling.fetching import Fetching
from gesso.scheduling.fleet import Fleet
from gesso.scheduling.policy import WaitingLine, backoff_s, starts_wanted
from gesso.scheduling.table import Seat, Table
from gesso.services.catalog import Catalog
from gesso.services.lifecycle import Lifecycle, has_ended

log = structlog.get_logger(__name__)


class Scheduler:
    def __init__(self, lifecycle: Lifecycle, store: TaskStore, catalog: Catalog, fleet: Fleet, attempts: Attempts) -> None:
        self._lifecycle = lifecycle
        self._store = store
        self._catalog = catalog
        self._fleet = fleet
        self._attempts = attempts
        self._models = {model.name: model for model in catalog.all()}
        self._lines = {name: WaitingLine() for name in self._models}
        self._running: dict[int, tuple[QueueEntry, Runner]] = {}
        self._running_by_project: dict[int, int] = {}
        self._jobs: set[asyncio.Task[Any]] = set()
        self._fetching = Fetching()
        # New Tasks that are in line, or were given to a Worker, and are not on disk yet.
        self._begun: set[int] = set()
        self._is_woken = False
        # Rounds belong to no request: without a context of their own they would log under the id of the one that woke them.
        self._context = contextvars.Context()
        self.is_accepting = False

    async def start(self) -> None:
        """Recover what the last server left, then serve."""
        self._fleet.on_change = self.wake
        self._fleet.on_hopeless = self._give_up
        entries = await self._store.unfinished()
        for entry in entries:
            if entry.is_attempted:
                await self._close_attempt(entry)
        self._lifecycle.observe(self._observe)
        self._lifecycle.foresee(self._begin, self._forgo)
        for entry in entries:
            self._enqueue(entry)
        self.is_accepting = True

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Take no more Tasks; let running ones finish within `grace_s` seconds; put the others back in the queue."""
        self.is_accepting = False
        # No Worker would be given what they bring.
        self._fetching.cancel_all()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=grace_s)
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        await self._fleet.stop()

    def waiting_count(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def waiting_for(self, model: str) -> int:
        """How many Tasks wait for a Worker of the Model."""
        return len(self._lines.get(model, ()))

    def running_count(self) -> int:
        return len(self._running)

    def places(self, model: str, project_id: int, limit: int) -> dict[int, int]:
        """The places in the line of a Model that a Project's next Tasks have, by their ids; the first place is 1."""
        line = self._lines.get(model)
        return line.places(project_id, limit) if line is not None else {}

    def worker_count(self, model: str) -> int:
        """How many Workers of a Model serve its line now."""
        return next((idle + busy for name, idle, busy, _ in self._fleet.workers() if name == model), 0)

    def wake(self) -> None:
        """Have a round soon; many wakes before it are one."""
        if not self._is_woken:
            self._is_woken = True
            asyncio.get_running_loop().call_soon(self._round, context=self._context)

    async def _close_attempt(self, entry: QueueEntry) -> None:
        task = await self._lifecycle.load(entry.task_id)
        event = requeue_or_fail(task, "the server stopped while it ran", is_counted=False)
        await self._lifecycle.record(task.id, task.attempt, event)

    def _observe(self, task: Task, recorded: Sequence[Recorded]) -> None:
        last = recorded[-1].event
        is_in_line = task.id in self._begun
        self._begun.discard(task.id)
        if isinstance(last, Requeued):
            # What the machine could not carry, it will not a moment later.
            interruptions = 0 if last.is_counted else len(task.losses) - task.counted_losses
            self._enqueue_later(QueueEntry(task.id, task.project_id, task.model), backoff_s(interruptions, REQUEUE_BACKOFF_S))
        elif isinstance(last, Queued) and not is_in_line:
            self._enqueue(QueueEntry(task.id, task.project_id, task.model))
        elif isinstance(last, Cancelled):
            self._withdraw(task)

    def _begin(self, task: Task) -> bool:
        """Put a new Task in line, or give it to an idle Worker, while it is still on its way to disk. Nobody is told of it before it is
        there, and nothing that its Attempt does can get there before it."""
        line = self._lines.get(task.model)
        if line is None or not self.is_accepting:
            return False
        self._begun.add(task.id)
        is_next = not line
        line.add(QueueEntry(task.id, task.project_id, task.model))
        executor = self._fleet.claim(task.model) if is_next and not must_fetch(task) else None
        if executor is not None:
            self._place(line.take(self._running_by_project), executor)
        else:
            self.wake()
        return True

    def _forgo(self, task: Task) -> None:
        """The disk has refused a new Task."""
        if task.id in self._begun:
            self._begun.discard(task.id)
            self._withdraw(task)

    def _enqueue(self, entry: QueueEntry) -> None:
        line = self._lines.get(entry.model)
        if line is None:
            self._fail(entry, f"This server no longer has the model {entry.model}.")
            return
        line.add(entry)
        self.wake()

    def _enqueue_later(self, entry: QueueEntry, wait_s: float) -> None:
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self._enqueue, entry)
        else:
            self._enqueue(entry)

    def _withdraw(self, task: Task) -> None:
        running = self._running.get(task.id)
        if running is not None:
            running[1].kill()
        elif not self._fetching.cancel(task.id) and task.model in self._lines:
            self._lines[task.model].remove(QueueEntry(task.id, task.project_id, task.model))

    def _round(self) -> None:
        self._is_woken = False
        if not self.is_accepting:
            return
        for name, line in self._lines.items():
            if not line:
                self._fleet.forgo(name)
        waiting = sorted((not self._fleet.is_overdue(name), line.oldest(), name) for name, line in self._lines.items() if line)
        may_start = True
        for _, _, name in waiting:
            self._serve(name, self._lines[name], may_start)
            # Room that is being made for an overdue Model must not be taken by the next one.
            may_start = may_start and not self._fleet.is_overdue(name)

    def _serve(self, name: str, line: WaitingLine, may_start: bool) -> None:
        while self._has_next(line):
            executor = self._fleet.claim(name)
            if executor is None:
                break
            entry = line.take(self._running_by_project, self._is_held)
            # While another Worker is idle, two do more side by side.
            if line and executor.is_batching and not self._fleet.idle_count(name):
                self._place_together(line, entry, executor)
            else:
                self._place(entry, executor)
        if not self._has_next(line):
            return
        wanted = starts_wanted(len(line), self._fleet.idle_count(name), self._fleet.starting_count(name)) if may_start else 0
        while wanted and self._fleet.try_start(name, lambda other: bool(self._lines[other])):
            wanted -= 1
        self._fetch_ahead(line, self._fleet.starting_count(name))

    def _has_next(self, line: WaitingLine) -> bool:
        return bool(line) and (not self._fetching.busy_projects or line.peek(self._running_by_project, self._is_held) is not None)

    def _is_held(self, entry: QueueEntry) -> bool:
        """Whether a Task must wait for others of its Project to be fetched for."""
        if entry.project_id not in self._fetching.busy_projects:
            return False
        task = self._lifecycle.current(entry.task_id)
        # One that is not in memory may have to fetch, for all that is known.
        return task is None or must_fetch(task)

    def _fetch_ahead(self, line: WaitingLine, starting: int) -> None:
        """While Workers load, fetch what the next Tasks need."""
        for _ in range(starting):
            entry = line.peek(self._running_by_project, self._is_held) if line else None
            task = self._lifecycle.current(entry.task_id) if entry is not None else None
            if task is None or not must_fetch(task):
                return
            self._fetch(line.take(self._running_by_project, self._is_held))

    def _fetch(self, entry: QueueEntry) -> None:
        self._count_running(entry, 1)
        fetch = self._attempts.fetch(entry.task_id, self._models[entry.model])
        job = asyncio.get_running_loop().create_task(fetch, context=self._context.copy())
        self._fetching.add(entry, job)
        self._jobs.add(job)
        job.add_done_callback(lambda done: self._fetched(entry, done))

    def _fetched(self, entry: QueueEntry, job: asyncio.Task[bool]) -> None:
        self._jobs.discard(job)
        self._fetching.remove(entry)
        self._count_running(entry, -1)
        if not job.cancelled() and job.exception() is not None:
            log.error("an attempt could not be closed", task_id=entry.task_id, error=repr(job.exception()))
        elif not job.cancelled() and job.result():
            # It is older than those that came meanwhile, so it is the next one of its Project.
            self._enqueue(entry)
        self.wake()

    def _count_running(self, entry: QueueEntry, change: int) -> None:
        count = self._running_by_project.get(entry.project_id, 0) + change
        if count:
            self._running_by_project[entry.project_id] = count
        else:
            del self._running_by_project[entry.project_id]

    def _place_together(self, line: WaitingLine, first: QueueEntry, executor: Executor) -> None:
        table = Table(executor, self._fleet.release)
        seat = table.seat()
        self._place(first, seat)
        job = asyncio.get_running_loop().create_task(self._gather(line, first, seat, table), context=self._context.copy())
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _gather(self, line: WaitingLine, first: QueueEntry, seat: Seat, table: Table) -> None:
        """Have those that come next join the first, up to one that does not fit: so nobody is overtaken."""
        try:
            fit = await self._attempts.fit(first.task_id, table.executor)
            if fit is None:
                return
            seat.size, room = fit.size, fit.most - fit.size
            for _ in range(BATCH_MAX_COUNT - 1):
                if not room or not line or not self.is_accepting:
                    break
                entry = line.peek(self._running_by_project, self._is_held)
                other = await self._attempts.fit(entry.task_id, table.executor) if entry is not None else None
                if entry is None or other is None or other.key != fit.key or other.size > room:
                    break
                if not line or line.peek(self._running_by_project, self._is_held) != entry:
                    break
                line.take(self._running_by_project, self._is_held)
                seat = table.seat()
                seat.size, room = other.size, room - other.size
                self._place(entry, seat)
        finally:
            table.close()

    def _place(self, entry: QueueEntry, executor: Runner) -> None:
        self._running[entry.task_id] = (entry, executor)
        self._count_running(entry, 1)
        attempt = self._attempts.carry(entry.task_id, executor.model, executor, lambda: self._release(entry, executor))
        job = asyncio.get_running_loop().create_task(attempt, context=self._context.copy())
        self._jobs.add(job)
        job.add_done_callback(lambda done: self._done(entry, done))

    def _release(self, entry: QueueEntry, executor: Runner) -> None:
        # From here on the Worker may run another Task, which a kill of this one must not reach. A Task that waits again may have been
        # placed again by now.
        running = self._running.get(entry.task_id)
        if running is not None and running[1] is executor:
            del self._running[entry.task_id]
        if isinstance(executor, Seat):
            executor.leave()
        else:
            self._fleet.release(executor)

    def _done(self, entry: QueueEntry, job: asyncio.Task[Carrying]) -> None:
        self._jobs.discard(job)
        self._count_running(entry, -1)
        if job.cancelled():
            return
        if job.exception() is not None:
            log.error("an attempt could not be closed", task_id=entry.task_id, error=repr(job.exception()))
        elif job.result() is Carrying.UNBEGUN:
            self._enqueue_later(entry, COMMIT_RETRY_S)
        elif job.result() is Carrying.TO_FETCH:
            self._fetch(entry)

    def _give_up(self, model: Model, text: str) -> None:
        line = self._lines[model.name]
        for entry in line.entries():
            line.remove(entry)
            self._fail(entry, f"{model.name} could not be started: {text}")

    def _fail(self, entry: QueueEntry, reason: str) -> None:
        job = asyncio.ensure_future(self._fail_waiting(entry, reason))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _fail_waiting(self, entry: QueueEntry, reason: str) -> None:
        try:
            await self._lifecycle.load(entry.task_id)
            await self._lifecycle.record(entry.task_id, None, Failed(reason))
        except Unavailable:
            self._enqueue_later(entry, COMMIT_RETRY_S)
        except GessoError as error:
            if not has_ended(error):
                raise
