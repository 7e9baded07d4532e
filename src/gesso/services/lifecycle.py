"""The single writer of task state: every step of every Task is applied, written and told here, in this order.

In memory are the Tasks that are under way, as they are (`_current`, which may be ahead of the disk) and as they may be seen (`_visible`,
never ahead of it), and the Tasks that ended last.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import structlog

from gesso.domain.errors import GessoError, IllegalStep, NotEnded, StaleAttempt, TaskUnknown, Unavailable
from gesso.domain.event import Event, FilesDeleted, LiveEvent, Queued, Recorded
from gesso.domain.file import Carried, File
from gesso.domain.limits import COMMIT_PATIENCE_S, ENDED_TASKS_MAX_COUNT, LIVE_TASKS_MAX_COUNT, SUBSCRIBER_QUEUE_MAX_EVENTS
from gesso.domain.once import Once
from gesso.domain.provenance import Provenance
from gesso.domain.task import Task, TaskState, apply
from gesso.ports import Announcer, Clock, TaskChange, TaskStore

log = structlog.get_logger(__name__)
Observer = Callable[[Task, Sequence[Recorded]], None]


@dataclass(slots=True)
class _Kept:
    """Steps of a Task that wait for its next write; no longer than `until`, on the loop's clock."""

    until: float
    expected_seq: int
    events: list[Recorded] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    # Of a new Task, whose client waits for its end and is told of nothing before.
    creation: _Commit | None = None


class Lifecycle:
    """`live_max_count`: how many Tasks may be in memory before those that wait are left on disk until their turn comes."""

    def __init__(self, store: TaskStore, announcer: Announcer, clock: Clock, live_max_count: int = LIVE_TASKS_MAX_COUNT) -> None:
        self._store = store
        self._announcer = announcer
        self._clock = clock
        self._live_max_count = live_max_count
        self._observers: list[Observer] = []
        self._foreseers: list[tuple[Callable[[Task], bool], Callable[[Task], None]]] = []
        self._current: dict[int, Task] = {}
        self._visible: dict[int, Task] = {}
        self._ended: OrderedDict[int, Task] = OrderedDict()
        self._id_of_token: dict[str, int] = {}
        self._waiters: dict[int, list[asyncio.Future[Task | None]]] = {}
        self._held: dict[int, list[tuple[int, LiveEvent]]] = {}
        self._kept: dict[int, _Kept] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._readings: dict[int, asyncio.Future[Task]] = {}
        self._deleting = asyncio.Lock()

    def observe(self, observer: Observer) -> None:
        """Call `observer` after each commit with the Task as it may be seen and the Events that led there."""
        self._observers.append(observer)

    def foresee(self, begin: Callable[[Task], bool], forgo: Callable[[Task], None]) -> None:
        """Call `begin`, which says whether it has taken the Task up, with each new Task while that is still on its way to disk, and `forgo`
        when the disk refuses it."""
        self._foreseers.append((begin, forgo))

    async def create(self, task: Task, files: tuple[File, ...], once: Once | None = None, may_wait: bool = False) -> Task:
        """Put a new Task on disk, queued. When this returns it is accepted. Errors: Unavailable; then it does not exist.

        `may_wait`: its client wants to hear of its end and of nothing before, so a Task that is taken up at once goes to disk with its next
        `record`, or a moment later. A short run costs one commit then.
        """
        now = self._clock.now()
        queued = apply(task, Queued(), now)
        recorded = Recorded(queued.seq, now, Queued())
        commit = _Commit()
        if may_wait and self._foreseers:
            self._keep(queued, 0, [recorded], files).creation = commit
            if not any(begin(queued) for begin, _ in self._foreseers):
                self._write(TaskChange(queued, queued.seq, ()))
        else:
            self._write(TaskChange(queued, 0, (recorded,), files, is_refusable=True, once=once), commit)
            for begin, _ in self._foreseers:
                begin(queued)
        await commit
        return queued

    def record(
        self,
        task_id: int,
        attempt: int | None,
        *steps: Event,
        files: tuple[File, ...] = (),
        charge: Decimal | None = None,
        provenance: Provenance | None = None,
        carried: tuple[Carried, ...] = (),
    ) -> Awaitable[None]:
        """Apply `steps` now and put them in line for the disk; the result is awaited for the commit.

        `attempt`: the fence; None for who acts for the client. Errors: TaskUnknown when the Task is not under way, StaleAttempt when
        another Attempt has begun, IllegalStep when its state does not admit a step. Then nothing has changed.
        """
        task, recorded = self._applied(task_id, attempt, steps)
        notify_url = task.callback_url if task.state.is_terminal else ""
        change = TaskChange(
            task, task.seq - len(recorded), tuple(recorded), files, charge, notify_url, provenance=provenance, carried=carried
        )
        return self._write(change)

    def note(self, task_id: int, attempt: int | None, *steps: Event, files: tuple[File, ...] = ()) -> None:
        """Apply `steps` within an Attempt now; they go to disk with the Task's next `record`, or a moment later.

        Nobody waits for them: should they be lost with the server, the Attempt is lost with them. So a short run costs two commits and
        not four. Errors: as `record`.
        """
        task, recorded = self._applied(task_id, attempt, steps)
        self._keep(task, task.seq - len(recorded), recorded, files)

    def _keep(self, task: Task, expected_seq: int, recorded: Sequence[Recorded], files: Sequence[File]) -> _Kept:
        loop = asyncio.get_running_loop()
        kept = self._kept.get(task.id)
        if kept is None:
            kept = self._kept[task.id] = _Kept(loop.time() + COMMIT_PATIENCE_S, expected_seq)
        kept.events += recorded
        kept.files += files
        self._current[task.id] = task
        if self._timer is None:
            self._timer = loop.call_at(kept.until, self._write_kept)
        return kept

    def _write_kept(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task_id in [task_id for task_id, kept in self._kept.items() if kept.until <= now]:
            task = self._current[task_id]
            self._write(TaskChange(task, task.seq, ()))
        first = min((kept.until for kept in self._kept.values()), default=None)
        self._timer = None if first is None else loop.call_at(first, self._write_kept)

    def _joined(self, change: TaskChange, kept: _Kept) -> TaskChange:
        """The change with the kept steps of its Task before its own."""
        return replace(
            change,
            expected_seq=kept.expected_seq,
            events=(*kept.events, *change.events),
            files=(*kept.files, *change.files),
            is_refusable=change.is_refusable or kept.creation is not None,
        )

    def _applied(self, task_id: int, attempt: int | None, steps: Sequence[Event]) -> tuple[Task, list[Recorded]]:
        task = self._current.get(task_id)
        if task is None:
            raise TaskUnknown
        if attempt is not None and attempt != task.attempt:
            raise StaleAttempt(task_id, attempt)
        now = self._clock.now()
        recorded: list[Recorded] = []
        for step in steps:
            task = apply(task, step, now)
            recorded.append(Recorded(task.seq, now, step))
        return task, recorded

    async def delete_files(self, task_id: int) -> list[str]:
        """Record that an ended Task has no files any more: the access keys whose bytes are nobody's now. Again: none.

        Nobody is told: listeners left at the Task's end. Errors: TaskUnknown, NotEnded, Unavailable; then nothing has changed.
        """
        # One at a time: the second of two who ask for the same Task finds it done.
        async with self._deleting:
            task = await self.see(task_id)
            if not task.state.is_terminal:
                raise NotEnded
            if task.files_deleted_at:
                return []
            now = self._clock.now()
            after = apply(task, FilesDeleted(), now)
            change = TaskChange(after, task.seq, (Recorded(after.seq, now, FilesDeleted()),), is_refusable=True)
            inputs = [given.access_key for each in task.files.values() for given in each if given.access_key]
            gone = await self._store.delete_files(change, [file.access_key for file in task.outputs], inputs)
            if task_id in self._ended:
                self._ended[task_id] = after
            return gone

    def tell(self, task_id: int, event: LiveEvent) -> None:
        """Announce a live Event, after the steps that came before it. It is not kept."""
        shown, current = self._visible.get(task_id), self._current.get(task_id)
        if current is None:
            return
        # Of a Task that is not on disk yet, whose client may listen once it is, they wait like those of a step that is not.
        if shown is not None and shown.seq == current.seq:
            self._announcer.publish_live(shown, event)
        elif len(held := self._held.setdefault(task_id, [])) < SUBSCRIBER_QUEUE_MAX_EVENTS:
            held.append((current.seq, event))

    def current(self, task_id: int) -> Task | None:
        """The Task as it is, ahead of the disk, if it is under way and in memory."""
        return self._current.get(task_id)

    async def load(self, task_id: int) -> Task:
        """The Task as it is, ahead of the disk, brought into memory if it is under way. Errors: TaskUnknown, Unavailable."""
        if task := self._current.get(task_id) or self._ended.get(task_id):
            return task
        # One reading for all who ask meanwhile: the first of them may change the Task, and a second reading could be older than that.
        reading = self._readings.get(task_id)
        if reading is None:
            reading = self._readings[task_id] = asyncio.ensure_future(self._bring(task_id))
            # Where all who asked are cancelled, nobody else looks at its error.
            reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        stored = await asyncio.shield(reading)
        return self._current.get(task_id) or self._ended.get(task_id) or stored

    async def _bring(self, task_id: int) -> Task:
        try:
            task = await self._store.by_id(task_id)
        finally:
            del self._readings[task_id]
        if task is None:
            raise TaskUnknown
        if not task.state.is_terminal:
            self._current[task_id] = self._visible[task_id] = task
            self._id_of_token[task.token] = task_id
        return task

    async def see(self, task_id: int) -> Task:
        """The Task as it may be shown: as it is on disk. Errors: TaskUnknown."""
        task = self._visible.get(task_id) or self._ended.get(task_id)
        if task is None:
            task = await self._store.by_id(task_id)
        if task is None:
            raise TaskUnknown
        return task

    async def see_by_token(self, token: str) -> Task:
        """Errors: TaskUnknown."""
        task_id = self._id_of_token.get(token)
        task = await (self.see(task_id) if task_id is not None else self._store.by_token(token))
        if task is None:
            raise TaskUnknown
        return task

    async def wait(self, task_id: int, timeout_s: float | None = None, left: asyncio.Future[Any] | None = None) -> Task:
        """The Task once it has ended; as it is when `timeout_s` seconds are over, or `left` is done, before that. Errors: TaskUnknown."""
        ended = self._ended.get(task_id)
        if ended is not None:
            return ended
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Task | None] = loop.create_future()
        waiters = self._waiters.setdefault(task_id, [])
        waiters.append(waiter)
        timer = None if timeout_s is None else loop.call_later(timeout_s, _give_up, waiter)
        if left is not None:
            left.add_done_callback(lambda _: _give_up(waiter))
        try:
            # Looked at after the registration, so that an end in between is not missed.
            task = await self.see(task_id)
            return task if task.state.is_terminal else await waiter or await self.see(task_id)
        finally:
            if timer is not None:
                timer.cancel()
            waiters.remove(waiter)
            if not waiters:
                self._waiters.pop(task_id, None)

    async def events(self, task_id: int) -> list[Recorded]:
        return await self._store.events(task_id)

    def _write(self, change: TaskChange, *commits: _Commit) -> _Commit:
        """Put a change in line; the result, and `commits`, are settled with its commit."""
        kept = self._kept.pop(change.task.id, None)
        if kept is not None:
            change = self._joined(change, kept)
            if kept.creation is not None:
                commits = (*commits, kept.creation)
        commit = _Commit()
        commits = (*commits, commit)
        try:
            future = self._store.write(change)
        except Unavailable as error:
            if kept is None:
                raise
            # Whoever takes a step must not be told that there is no room for the Task itself.
            self._written(change, commits, error)
            return commit
        self._current[change.task.id] = change.task
        future.add_done_callback(lambda done: done.cancelled() or self._written(change, commits, done.exception()))
        return commit

    def _written(self, change: TaskChange, commits: Sequence[_Commit], error: BaseException | None) -> None:
        task = change.task
        for commit in commits:
            commit.settle(error)
        if error is not None:
            if change.is_refusable:
                for _, forgo in self._foreseers:
                    forgo(task)
            elif task.id in self._current:
                # Only a second server on the same database, or a defect, gets here: stop touching the Task.
                log.critical("a step of a task was refused", task_id=task.id, error=repr(error))
            self._forget(task)
            return
        self._show(task)
        self._announce(task, change.events)
        for observer in self._observers:
            observer(task, change.events)

    def _announce(self, task: Task, recorded: Sequence[Recorded]) -> None:
        """Announce what was committed, and among it the live Events that waited for it, each after the step that came before it: a short
        run is one commit, and listeners leave at its last Event. Those that wait for a later commit go on waiting."""
        held = self._held.pop(task.id, None)
        if held is None:
            self._announcer.publish(task, recorded)
            return
        told = 0
        for seq, event in held:
            if seq > task.seq:
                break
            count = sum(each.seq <= seq for each in recorded)
            if count > told:
                self._announcer.publish(task, recorded[told:count])
                told = count
            self._announcer.publish_live(task, event)
        if told < len(recorded):
            self._announcer.publish(task, recorded[told:])
        later = [(seq, event) for seq, event in held if seq > task.seq]
        if later:
            self._held[task.id] = later

    def _show(self, task: Task) -> None:
        self._id_of_token[task.token] = task.id
        if not task.state.is_terminal:
            if task.state is TaskState.QUEUED and len(self._current) > self._live_max_count and self._current.get(task.id) is task:
                # A long queue waits on disk, not in memory; the Scheduler loads a Task when its turn comes. One that its owner withdraws
                # just now stays: memory is ahead of the disk.
                self._forget(task)
            else:
                self._visible[task.id] = task
            return
        self._visible.pop(task.id, None)
        self._current.pop(task.id, None)
        for waiter in self._waiters.get(task.id, ()):
            if not waiter.done():
                waiter.set_result(task)
        self._ended[task.id] = task
        if len(self._ended) > ENDED_TASKS_MAX_COUNT:
            _, oldest = self._ended.popitem(last=False)
            self._id_of_token.pop(oldest.token, None)

    def _forget(self, task: Task) -> None:
        self._kept.pop(task.id, None)
        self._held.pop(task.id, None)
        self._current.pop(task.id, None)
        self._visible.pop(task.id, None)
        self._id_of_token.pop(task.token, None)


class _Commit:
    """Awaited for the commit of a change. Who is cancelled while waiting leaves the write alone: it must be shown and told all the same."""

    __slots__ = ("_error", "_is_settled", "_waiter")

    def __init__(self) -> None:
        self._is_settled = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def settle(self, error: BaseException | None) -> None:
        self._is_settled, self._error = True, error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __await__(self) -> Generator[Any, None, None]:
        if not self._is_settled:
            self._waiter = asyncio.get_running_loop().create_future()
            yield from self._waiter
        if self._error is not None:
            raise self._error


def _give_up(waiter: asyncio.Future[Task | None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def has_ended(error: GessoError) -> bool:
    """Whether a refused step means that the Task went another way meanwhile, which is no fault."""
    return isinstance(error, TaskUnknown | StaleAttempt | IllegalStep)
