"""What is done about Projects beside requests: deleted ones are hidden and their Tasks withdrawn, requests are counted in the store.

A Project may be deleted by this server or by a command beside it, so the store is asked which ones are: when a command
rings, and every ACCOUNTS_REFRESH_S for one that could not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from gesso.domain.errors import GessoError, TaskUnknown
from gesso.domain.event import Recorded
from gesso.domain.limits import ACCOUNTS_REFRESH_S, REQUEST_COUNT_FLUSH_S
from gesso.domain.task import Task, TaskState
from gesso.ports import Clock, TaskStore
from gesso.services.identity import Identity
from gesso.services.lifecycle import Lifecycle
from gesso.services.tasks import Tasks

log = structlog.get_logger(__name__)

_WITHDRAWN_AT_ONCE_COUNT = 256


class UpkeepStore(Protocol):
    async def deleted(self) -> set[int]: ...

    async def add_requests(self, counts: Mapping[int, int]) -> None: ...


class Upkeep:
    """`hidden`: the ids of deleted Projects, filled here and looked at by those who show Tasks and Files."""

    def __init__(
        self,
        store: UpkeepStore,
        task_store: TaskStore,
        lifecycle: Lifecycle,
        tasks: Tasks,
        identity: Identity,
        clock: Clock,
        hidden: set[int],
        refresh_s: float = ACCOUNTS_REFRESH_S,
    ) -> None:
        self._store = store
        self._task_store = task_store
        self._lifecycle = lifecycle
        self._tasks = tasks
        self._identity = identity
        self._clock = clock
        self._hidden = hidden
        self._refresh_s = refresh_s
        self._flush_at = 0.0
        # Deleted Projects that may still have Tasks under way.
        self._unswept: set[int] = set()
        self._loop: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        lifecycle.observe(self._withdraw_late)

    async def start(self) -> None:
        """Learn which Projects are deleted, then keep on. Errors: Unavailable."""
        await self.refresh()
        self._loop = asyncio.create_task(self._run(), name="upkeep of accounts")

    async def stop(self) -> None:
        """End, and store what was counted."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None
        try:
            await self.flush()
        except GessoError as error:
            log.warning("requests could not be counted", reason=str(error))

    async def bury(self, project_id: int) -> None:
        """Hide a Project that was just deleted, and withdraw its Tasks."""
        self._hide({project_id})
        try:
            await self._sweep()
        except GessoError as error:
            # It is deleted all the same. The next round tries again.
            log.warning("tasks of a deleted project wait to be withdrawn", project_id=project_id, reason=str(error))

    async def refresh(self) -> None:
        """Hide what was deleted beside this server, and withdraw its Tasks. Errors: Unavailable."""
        self._hide(await self._store.deleted() - self._hidden)
        if self._unswept:
            await self._sweep()

    async def flush(self) -> None:
        """Store the counts of requests. Errors: Unavailable; then they are kept."""
        taken = self._identity.take_requests()
        if not taken:
            return
        try:
            await self._store.add_requests(taken)
        except GessoError:
            self._identity.return_requests(taken)
            raise

    def wake(self) -> None:
        """Look now: a command beside this server says that it changed something."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._refresh_s)
            self._woken.clear()
            try:
                await self.refresh()
                if self._clock.monotonic() >= self._flush_at:
                    self._flush_at = self._clock.monotonic() + REQUEST_COUNT_FLUSH_S
                    await self.flush()
            except GessoError as error:
                log.warning("projects could not be looked after", reason=str(error))
            except Exception:
                # The edge of this loop: one bad round must not end the hiding of deleted projects.
                log.exception("the upkeep of projects failed")

    def _hide(self, project_ids: set[int]) -> None:
        self._hidden |= project_ids
        self._unswept |= project_ids
        for project_id in project_ids:
            self._identity.forget(project_id)

    async def _sweep(self) -> None:
        swept = set(self._unswept)
        found = [entry.task_id for entry in await self._task_store.unfinished() if entry.project_id in swept]
        for first in range(0, len(found), _WITHDRAWN_AT_ONCE_COUNT):
            await asyncio.gather(*(self._withdraw(task_id) for task_id in found[first : first + _WITHDRAWN_AT_ONCE_COUNT]))
        self._unswept -= swept

    async def _withdraw(self, task_id: int) -> None:
        try:
            await self._tasks.kill(await self._lifecycle.load(task_id))
        except TaskUnknown:
            return
        except GessoError as error:
            # It has ended meanwhile.
            log.info("a task of a deleted project was not withdrawn", task_id=task_id, reason=str(error))

    def _withdraw_late(self, task: Task, events: Sequence[Recorded]) -> None:
        """A Task may be accepted while its Project is being deleted: its sender was let in before."""
        if self._hidden and task.project_id in self._hidden and task.state is TaskState.QUEUED:
            self._unswept.add(task.project_id)
