"""Tasks at rest: how they are written, found and counted."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from gesso.domain.event import Recorded
from gesso.domain.file import Carried, File
from gesso.domain.ledger import Statistics
from gesso.domain.once import Once
from gesso.domain.provenance import Provenance
from gesso.domain.task import Task


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One atomic write: the Task as it is after `events`, new Files, the bytes of small ones, the Charge, the webhook notice, the key of
    its order and what it was made with, all or nothing.

    `expected_seq`: the Task's stored seq before it; 0 inserts. `is_refusable`: whether the writer may give it up when the disk
    refuses (a submission), or must repeat it until it is on disk (all that follows).
    """

    task: Task
    expected_seq: int
    events: tuple[Recorded, ...]
    files: tuple[File, ...] = ()
    charge: Decimal | None = None
    notify_url: str = ""
    is_refusable: bool = False
    once: Once | None = None
    provenance: Provenance | None = None
    carried: tuple[Carried, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """What the Scheduler needs to know of a waiting Task."""

    task_id: int
    project_id: int
    model: str
    is_attempted: bool = False


class TaskStore(Protocol):
    def next_id(self) -> int:
        """A new task id, larger than all before."""
        ...

    def write(self, change: TaskChange) -> Future[None]:
        """Put `change` in line now, in call order; the result is done after the commit. Errors: Unavailable if refusable, StaleAttempt."""
        ...

    async def by_id(self, task_id: int) -> Task | None: ...

    async def by_token(self, token: str) -> Task | None: ...

    async def by_once_key(self, project_id: int, key: str, now: int) -> tuple[Once, int] | None:
        """The order of a Project that has the key, and its Task, unless it is ONCE_KEPT_S old at `now`."""
        ...

    async def events(self, task_id: int) -> list[Recorded]: ...

    async def delete_files(self, change: TaskChange, outputs: Sequence[str], inputs: Sequence[str]) -> list[str]:
        """Write `change`, and with it drop the Task's Outputs and those of its own inputs that no other Task of its Project uses;
        the access keys whose bytes are nobody's then. An own input that is used passes to a Task that uses it.

        Errors: Unavailable, StaleAttempt.
        """
        ...

    async def with_old_files(self, before: int, max_count: int) -> list[int]:
        """Tasks that ended before `before` and still have files, oldest first."""
        ...

    async def unfinished(self) -> list[QueueEntry]:
        """All Tasks that have not ended, oldest first. `is_attempted`: an Attempt was under way when they were written."""
        ...


@dataclass(frozen=True, slots=True)
class TaskRange:
    """Which Tasks of a Project: those of `models`, or of all where that is None; `is_open`: only those that have not ended."""

    project_id: int
    models: tuple[str, ...] | None = None
    is_open: bool = False
    is_newest_first: bool = True


class TaskHistory(Protocol):
    async def page(self, wanted: TaskRange, start: int, limit: int) -> list[Task]:
        """At most `limit` Tasks after the first `start`, as they are on disk. Errors: Unavailable."""
        ...


class Counters(Protocol):
    """Counts of Tasks, kept as they go, so that no list counts rows."""

    async def model_statistics(self) -> Mapping[str, Statistics]:
        """Counts of all Projects together, by Model."""
        ...

    async def task_counts(self, project_id: int, model: str | None = None) -> Statistics:
        """A Project's counts, of one Model or of all."""
        ...
