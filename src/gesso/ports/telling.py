"""Who is told of what: live listeners, and the receivers of webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gesso.domain.event import LiveEvent, Recorded
from gesso.domain.notice import Delivery, Notice
from gesso.domain.task import Task


class AddressForbidden(Exception):
    """An address that only the operator may open; trying again cannot help. The text says so to whom the Task belongs."""


@dataclass(frozen=True, slots=True)
class Busy:
    """What must not be begun now: the notices of these Tasks, and those to these hosts or of these Projects."""

    task_ids: Sequence[int] = ()
    hosts: Sequence[str] = ()
    project_ids: Sequence[int] = ()


class NoticeStore(Protocol):
    """The outbox: TaskChange fills it, in one transaction with the end of the Task."""

    async def due(self, now: int, limit: int, busy: Busy) -> tuple[list[Notice], int]:
        """At most `limit` notices that are due and not `busy`, longest due first; and when the next one after `now` is due, or 0."""
        ...

    def record(self, notice: Notice, delivery: Delivery, due_at: int) -> Awaitable[None]:
        """Put a try in line for the disk: its line in the log, and when the notice is due again. A notice that was asked for anew
        meanwhile, so that its due time is another, stays due."""
        ...

    async def secret(self, project_id: int) -> str:
        """What a Project's notices are signed with, made at the first call. Errors: Unavailable."""
        ...


class Subscription(Protocol):
    """Events of one Task for one listener, bounded: a listener that falls behind is cut and must load the Task again."""

    async def next(self) -> tuple[Task, Recorded | LiveEvent] | None:
        """The next Event with the Task as it was after it; None when the listener was cut."""
        ...

    def close(self) -> None: ...


class Announcer(Protocol):
    """Tells live listeners what was committed. Losing an announcement is allowed: listeners resume from the store."""

    def publish(self, task: Task, recorded: Sequence[Recorded]) -> None: ...

    def publish_live(self, task: Task, event: LiveEvent) -> None: ...

    def subscribe(self, task_id: int) -> Subscription: ...
