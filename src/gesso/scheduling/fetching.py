"""Tasks whose inputs are being fetched: a few of each Project at a time, and none of them on a Worker."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from gesso.domain.limits import FETCHING_PER_PROJECT_MAX_COUNT
from gesso.ports import QueueEntry


class Fetching:
    def __init__(self) -> None:
        self._jobs: dict[int, asyncio.Task[bool]] = {}
        self._counts: dict[int, int] = {}
        self._busy: set[int] = set()

    @property
    def busy_projects(self) -> Collection[int]:
        """Those for which no more may be fetched now."""
        return self._busy

    def add(self, entry: QueueEntry, job: asyncio.Task[bool]) -> None:
        self._jobs[entry.task_id] = job
        self._count(entry.project_id, 1)

    def remove(self, entry: QueueEntry) -> None:
        del self._jobs[entry.task_id]
        self._count(entry.project_id, -1)

    def cancel(self, task_id: int) -> bool:
        """Stop the fetch for a Task; False when there is none."""
        job = self._jobs.get(task_id)
        return job is not None and job.cancel()

    def cancel_all(self) -> None:
        for job in self._jobs.values():
            job.cancel()

    def _count(self, project_id: int, change: int) -> None:
        count = self._counts.get(project_id, 0) + change
        if count:
            self._counts[project_id] = count
        else:
            del self._counts[project_id]
        if count >= FETCHING_PER_PROJECT_MAX_COUNT:
            self._busy.add(project_id)
        else:
            self._busy.discard(project_id)
