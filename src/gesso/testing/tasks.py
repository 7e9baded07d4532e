"""A TaskStore in memory, with the fences and the order of the real one, and with commits that can be slow, held back or refused."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from gesso.domain.errors import StaleAttempt, Unavailable
from gesso.domain.event import Recorded
from gesso.domain.ledger import EntryKind
from gesso.domain.limits import COMMIT_RETRY_S, ONCE_KEPT_S
from gesso.domain.once import Once
from gesso.domain.task import Task
from gesso.ports import QueueEntry, TaskChange
from gesso.testing.disk import Disk

_Line = deque[tuple[TaskChange, asyncio.Future[None]]]


def _at_once() -> float:
    return 0.0


class MemoryTasks:
    """`commit_s`, `read_s`: how long the next commit and the next read take. A commit takes all that is in line, as the real one."""

    def __init__(self, disk: Disk | None = None, commit_s: Callable[[], float] = _at_once, read_s: Callable[[], float] = _at_once) -> None:
        self.disk = disk or Disk()
        self._commit_s = commit_s
        self._read_s = read_s
        self._line: _Line = deque()
        self._is_held = False
        self._is_due = False
        self._is_dead = False
        self._last_id = max(self.disk.tasks, default=0)

    def hold(self) -> None:
        """Commit nothing until `release`."""
        self._is_held = True

    def release(self) -> None:
        self._is_held = False
        self._plan(0.0)

    def die(self) -> None:
        """The server was killed: what is in line never reaches the disk, and nobody is told."""
        self._is_dead = True
        self._line.clear()

    async def flushed(self) -> None:
        """All that is in line now is on disk, or was refused."""
        if self._line:
            await asyncio.wait([future for _, future in self._line])

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def write(self, change: TaskChange) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._is_dead:
            self._line.append((change, future))
            self._plan(self._commit_s())
        return future

    async def delete_files(self, change: TaskChange, outputs: Sequence[str], inputs: Sequence[str]) -> list[str]:
        await self.write(change)
        used = {
            given.access_key
            for other in self.disk.tasks.values()
            if other.id != change.task.id and other.project_id == change.task.project_id and not other.files_deleted_at
            for each in other.files.values()
            for given in each
        }
        gone = sorted({*outputs, *(set(inputs) - used)} & self.disk.files.keys())
        for access_key in gone:
            del self.disk.files[access_key]
        return gone

    async def with_old_files(self, before: int, max_count: int) -> list[int]:
        await self._reading()
        due = [(task.files_kept_since, task.id) for task in self.disk.tasks.values() if 0 < task.files_kept_since < before]
        return [task_id for _, task_id in sorted(due)[:max_count]]

    async def by_id(self, task_id: int) -> Task | None:
        task = self.disk.tasks.get(task_id)
        await self._reading()
        return task

    async def by_token(self, token: str) -> Task | None:
        task = next((task for task in self.disk.tasks.values() if task.token == token), None)
        await self._reading()
        return task

    async def by_once_key(self, project_id: int, key: str, now: int) -> tuple[Once, int] | None:
        found = self.disk.once_keys.get((project_id, key))
        await self._reading()
        return found[:2] if found is not None and found[2] > now - ONCE_KEPT_S * 1_000_000 else None

    async def events(self, task_id: int) -> list[Recorded]:
        events = list(self.disk.events.get(task_id, ()))
        await self._reading()
        return events

    async def unfinished(self) -> list[QueueEntry]:
        await self._reading()
        return [
            QueueEntry(task.id, task.project_id, task.model, task.state.is_attempted)
            for _, task in sorted(self.disk.tasks.items())
            if not task.state.is_terminal
        ]

    async def _reading(self) -> None:
        # What was read is as old as the read is long.
        await asyncio.sleep(self._read_s())
        if self._is_dead or self.disk.read_trouble:
            raise Unavailable(self.disk.read_trouble or "the server was killed")

    def _plan(self, delay_s: float) -> None:
        if self._line and not self._is_due and not self._is_held:
            self._is_due = True
            asyncio.get_running_loop().call_later(delay_s, self._commit)

    def _commit(self) -> None:
        self._is_due = False
        if self._is_held or self._is_dead:
            return
        line, self._line = self._line, deque()
        for change, future in line:
            if self.disk.trouble and not change.is_refusable:
                self._line.append((change, future))
                continue
            error = Unavailable(self.disk.trouble) if self.disk.trouble else self._apply(change)
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        self._plan(COMMIT_RETRY_S)

    def _apply(self, change: TaskChange) -> StaleAttempt | None:
        task, disk = change.task, self.disk
        stored = disk.tasks.get(task.id)
        if (stored.seq if stored else 0) != change.expected_seq:
            return StaleAttempt(task.id, task.attempt)
        assert not (change.charge is not None and task.id in disk.charges), "a task is charged twice"
        disk.tasks[task.id] = task
        if change.once is not None:
            disk.once_keys[task.project_id, change.once.key] = (change.once, task.id, task.created_at)
        disk.events.setdefault(task.id, []).extend(change.events)
        disk.files.update({file.access_key: file for file in change.files})
        if change.provenance is not None:
            disk.provenances[task.id] = change.provenance
        if change.charge is not None:
            disk.charges[task.id] = change.charge
            disk.enter(task.project_id, EntryKind.CHARGE, -change.charge, change.events[-1].at, task_id=task.id, cost=task.cost)
        if change.notify_url:
            disk.notices[task.id] = change.notify_url
        return None
