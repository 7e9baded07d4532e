"""A Project's ended Tasks as people look for them: by state, Model, age and text, a page at a time or all for a file."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from gesso.domain.ledger import Statistics
from gesso.domain.limits import SEARCH_MAX_COUNT, SEARCH_MAX_S, TASKS_EXPORTED_MAX_COUNT, TASKS_EXPORTED_STEP_COUNT
from gesso.domain.project import Project
from gesso.domain.task import Task
from gesso.domain.task_search import TaskFinds, TaskSearch


class TaskSearchStore(Protocol):
    async def find(self, wanted: TaskSearch, limit: int, max_looked: int, max_s: float) -> TaskFinds:
        """At most `limit` Tasks. Where most are passed over, it ends after `max_looked` of them or `max_s` seconds. Errors: Unavailable."""
        ...


class ProjectCounters(Protocol):
    async def project_statistics(self, project_id: int) -> Mapping[str, Statistics]: ...


class TaskSearches:
    def __init__(self, store: TaskSearchStore, counters: ProjectCounters) -> None:
        self._store = store
        self._counters = counters

    async def find(self, wanted: TaskSearch, limit: int) -> TaskFinds:
        """A page. It looks no further than SEARCH_MAX_COUNT Tasks and SEARCH_MAX_S, and says how far. Errors: Unavailable."""
        return await self._store.find(wanted, limit, SEARCH_MAX_COUNT, SEARCH_MAX_S)

    async def all(self, wanted: TaskSearch) -> AsyncIterator[Task]:
        """All of them, up to TASKS_EXPORTED_MAX_COUNT that were looked at. Errors: Unavailable."""
        looked = 0
        while looked < TASKS_EXPORTED_MAX_COUNT:
            found = await self._store.find(wanted, TASKS_EXPORTED_STEP_COUNT, TASKS_EXPORTED_STEP_COUNT, SEARCH_MAX_S)
            for task in found.tasks:
                yield task
            if found.is_end or not found.looked:
                return
            looked += found.looked
            wanted = dataclasses.replace(wanted, before=found.reached)

    async def statistics(self, project: Project) -> Mapping[str, Statistics]:
        """For each Model that the Project ever used, its counts."""
        return await self._counters.project_statistics(project.id)
