"""Tasks as their owners see them: find, follow, cancel, kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Iterator
from contextlib import contextmanager
from typing import Any

from gesso.domain.errors import IllegalStep, NotCancellable, NotKillable, TaskReferenceMissing, TaskUnknown, Unavailable
from gesso.domain.event import Cancelled, Failed, LiveEvent, Recorded, Succeeded
from gesso.domain.limits import WITHDRAW_WAIT_S
from gesso.domain.project import Project
from gesso.domain.task import Task, TaskState
from gesso.ports import Announcer, Subscription
from gesso.services.lifecycle import Lifecycle

_NOT_WITHDRAWN = "the disk takes no writes, and the task is withdrawn as soon as it does"
_ENDS = (Succeeded, Failed, Cancelled)


class EarlySubscription:
    """Listens to one Task from before its first Event on: a short run has said all it says before its client could ask for it."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._subscription: Subscription | None = None

    def subscribe(self, task_id: int) -> None:
        self._subscription = self._announcer.subscribe(task_id)

    def take(self) -> Subscription | None:
        """What was heard and will be, once, for who closes it; None when it is of no Task."""
        subscription, self._subscription = self._subscription, None
        return subscription

    def close(self) -> None:
        if subscription := self.take():
            subscription.close()


class Tasks:
    def __init__(self, lifecycle: Lifecycle, announcer: Announcer, hidden: Container[int] = frozenset()) -> None:
        """`hidden`: ids of Projects whose Tasks nobody may see."""
        self._hidden = hidden
        self._lifecycle = lifecycle
        self._announcer = announcer

    async def find(self, project: Project, task_id: int | None, token: str) -> Task:
        """The Project's Task, as it is on disk; a token wins over an id. Errors: TaskReferenceMissing, TaskUnknown."""
        if token:
            task = await self._lifecycle.see_by_token(token)
        elif task_id is not None:
            task = await self._lifecycle.see(task_id)
        else:
            raise TaskReferenceMissing
        if task.project_id != project.id:
            raise TaskUnknown
        return task

    async def among(self, project_ids: Container[int], task_id: int) -> Task:
        """The Task, if one of these Projects has it. Errors: TaskUnknown."""
        task = await self._lifecycle.see(task_id)
        if task.project_id not in project_ids:
            raise TaskUnknown
        return task

    async def by_token(self, token: str) -> Task:
        """The Task by its capability alone. Errors: TaskUnknown."""
        task = await self._lifecycle.see_by_token(token)
        if task.project_id in self._hidden:
            raise TaskUnknown
        return task

    async def cancel(self, task: Task) -> Task:
        """Withdraw a queued Task; one that is cancelled already stays so.

        Errors: NotCancellable; Unavailable while the disk takes no writes: then it is withdrawn as soon as that does.
        """
        now = await self._lifecycle.load(task.id)
        if now.state is TaskState.CANCELLED:
            return await self._withdrawn(now)
        if now.state is not TaskState.QUEUED:
            raise NotCancellable
        return await self._withdraw(now)

    async def kill(self, task: Task) -> Task:
        """Withdraw a queued or running Task: effective for its owner at once, while its Worker stops at its next step.

        Errors: NotKillable when it has ended; Unavailable as for `cancel`.
        """
        now = await self._lifecycle.load(task.id)
        if now.state is TaskState.CANCELLED:
            return await self._withdrawn(now)
        if now.state.is_terminal:
            raise NotKillable(f"it has already {now.state.value}")
        try:
            return await self._withdraw(now)
        except IllegalStep:
            raise NotKillable("it has just ended") from None

    async def _withdraw(self, task: Task) -> Task:
        commit = self._lifecycle.record(task.id, None, Cancelled())
        try:
            async with asyncio.timeout(WITHDRAW_WAIT_S):
                await commit
        except TimeoutError:
            raise Unavailable(_NOT_WITHDRAWN) from None
        return await self._lifecycle.see(task.id)

    async def _withdrawn(self, task: Task) -> Task:
        """A Task that is withdrawn in memory, once it is on disk. Errors: Unavailable."""
        now = await self._lifecycle.wait(task.id, WITHDRAW_WAIT_S)
        if not now.state.is_terminal:
            raise Unavailable(_NOT_WITHDRAWN)
        return now

    async def wait(self, task: Task, timeout_s: float, left: asyncio.Future[Any] | None = None) -> Task:
        """The Task when it has ended, or as it is after `timeout_s` seconds, or when `left` is done: nobody waits any more."""
        return await self._lifecycle.wait(task.id, timeout_s, left)

    def is_told(self, task: Task, since: int) -> bool:
        """Whether a listener that knows the Event `since` knows how the Task ended."""
        # Files are deleted after the end, by an Event that is not told.
        return task.state.is_terminal and since >= task.seq - bool(task.files_deleted_at)

    @contextmanager
    def subscribe_early(self) -> Iterator[EarlySubscription]:
        """For a Task that is about to be submitted, and for `follow` then. Closed at the end of the block."""
        early = EarlySubscription(self._announcer)
        try:
            yield early
        finally:
            early.close()

    async def follow(
        self, task: Task, since: int = 0, early: EarlySubscription | None = None
    ) -> AsyncIterator[tuple[Task, Recorded | LiveEvent]]:
        """All that happened to the Task after its Event number `since`, then what happens, up to its end; each with the Task as it was
        seen then. Of a Task that has ended the end is told to whoever asks, so that nobody waits for it in vain.

        Live Events are told from now on; all of them where `early` is of the new Task, which `task` shows as it was submitted.
        A listener that was cut for falling behind loses live Events only: stored ones are read again.
        """
        seen: int | None = None
        subscription = early.take() if early is not None else None
        while True:
            try:
                if subscription is not None:
                    # Nothing was told before the early subscription.
                    now, stored, seen = task, [], since
                else:
                    # Subscribed before reading, so that no Event falls between the two.
                    subscription = self._announcer.subscribe(task.id)
                    now = await self._lifecycle.see(task.id)
                    stored = await self._lifecycle.events(task.id)
                if seen is None:
                    last = next((each.seq - 1 for each in reversed(stored) if isinstance(each.event, _ENDS)), now.seq)
                    seen = min(since, last)
                for recorded in stored:
                    if seen < recorded.seq <= now.seq:
                        seen = recorded.seq
                        yield now, recorded
                while not (now.state.is_terminal and seen >= now.seq):
                    announced = await subscription.next()
                    if announced is None:
                        break
                    now, event = announced
                    if isinstance(event, Recorded):
                        if event.seq <= seen:
                            continue
                        seen = event.seq
                    yield now, event
                else:
                    return
            finally:
                if subscription is not None:
                    subscription.close()
            subscription = None
