"""The bus: committed Events, and live ones, to whoever listens now. In memory; what is lost here is still in the store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from gesso.domain.event import LiveEvent, Preview, Recorded
from gesso.domain.limits import SUBSCRIBER_QUEUE_MAX_EVENTS
from gesso.domain.task import Task

Announcement = tuple[Task, Recorded | LiveEvent]


class Subscriber:
    """One listener to one Task. It is cut when it falls SUBSCRIBER_QUEUE_MAX_EVENTS behind, so that it holds up nobody."""

    def __init__(self, bus: Bus, task_id: int) -> None:
        self._bus = bus
        self._task_id = task_id
        self._queue: deque[Announcement] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._is_cut = False
        self._has_preview = False

    def offer(self, announcement: Announcement) -> None:
        is_preview = isinstance(announcement[1], Preview)
        # Pictures are large, and the next one shows more: a listener that falls behind has one waiting at most.
        if self._is_cut or (is_preview and self._has_preview):
            return
        self._has_preview = self._has_preview or is_preview
        if len(self._queue) >= SUBSCRIBER_QUEUE_MAX_EVENTS:
            self._is_cut = True
            self._queue.clear()
        else:
            self._queue.append(announcement)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def next(self) -> Announcement | None:
        while not self._queue:
            if self._is_cut:
                return None
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        announcement = self._queue.popleft()
        self._has_preview = self._has_preview and not isinstance(announcement[1], Preview)
        return announcement

    def close(self) -> None:
        self._bus.remove(self._task_id, self)


class Bus:
    """The Announcer of one server process."""

    def __init__(self) -> None:
        self._subscribers: dict[int, list[Subscriber]] = {}

    def publish(self, task: Task, recorded: Sequence[Recorded]) -> None:
        for subscriber in self._subscribers.get(task.id, ()):
            for each in recorded:
                subscriber.offer((task, each))

    def publish_live(self, task: Task, event: LiveEvent) -> None:
        for subscriber in self._subscribers.get(task.id, ()):
            subscriber.offer((task, event))

    def subscribe(self, task_id: int) -> Subscriber:
        subscriber = Subscriber(self, task_id)
        self._subscribers.setdefault(task_id, []).append(subscriber)
        return subscriber

    def remove(self, task_id: int, subscriber: Subscriber) -> None:
        """Forget a subscriber; one that is not there is no error."""
        present = self._subscribers.get(task_id, [])
        if subscriber in present:
            present.remove(subscriber)
        if not present:
            self._subscribers.pop(task_id, None)
