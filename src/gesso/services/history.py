"""A Project's Tasks as a list: which ones, in pages, with how many there are in all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gesso.domain.ledger import Statistics
from gesso.domain.model import clean
from gesso.domain.project import Project
from gesso.domain.task import Task
from gesso.ports import Counters, TaskHistory, TaskRange
from gesso.services.catalog import Catalog


class Kind(StrEnum):
    """RUNS and TRAININGS are told apart by their Model; OPEN ones of both have not ended."""

    RUNS = "runs"
    TRAININGS = "trainings"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """`model`: part of a Model's name, in either spelling, or of its title, in any case; empty for all. `start`: how many to pass over."""

    kind: Kind = Kind.RUNS
    model: str = ""
    start: int = 0
    limit: int = 20
    is_newest_first: bool = True


class History:
    def __init__(self, store: TaskHistory, counters: Counters, catalog: Catalog) -> None:
        self._store = store
        self._counters = counters
        self._catalog = catalog

    async def page(self, project: Project, query: HistoryQuery) -> tuple[int, list[Task]]:
        """How many Tasks `query` means, and those of its page. The number is counted as Tasks go, never by reading them.

        Errors: Unavailable.
        """
        models = await self._models(query)
        total = await self._total(project, query.kind, models)
        if query.start >= total:
            return total, []
        wanted = TaskRange(project.id, models, query.kind is Kind.OPEN, query.is_newest_first)
        return total, await self._store.page(wanted, query.start, query.limit)

    async def _models(self, query: HistoryQuery) -> tuple[str, ...] | None:
        """Names of the Models that are meant; None for all."""
        trainers = {model.name for model in self._catalog.all() if model.is_trainer}
        is_filtered = bool(query.model) or query.kind is Kind.TRAININGS or (query.kind is Kind.RUNS and bool(trainers))
        if not is_filtered:
            return None
        # Models that this server no longer has are found by their Tasks.
        known = {model.name: model.title for model in self._catalog.all()}
        names = dict.fromkeys((*known, *await self._counters.model_statistics()))
        part = query.model.lower()
        found = [name for name in names if part in name.lower() or part in _clean(name) or part in known.get(name, "").lower()]
        if query.kind is Kind.OPEN:
            return tuple(found)
        return tuple(name for name in found if (name in trainers) == (query.kind is Kind.TRAININGS))

    async def _total(self, project: Project, kind: Kind, models: tuple[str, ...] | None) -> int:
        if models is None:
            return _counted(await self._counters.task_counts(project.id), kind)
        return sum([_counted(await self._counters.task_counts(project.id, model), kind) for model in models])


def _counted(counts: Statistics, kind: Kind) -> int:
    return counts.active if kind is Kind.OPEN else counts.submitted


def _clean(name: str) -> str:
    owner, _, slug = name.partition("/")
    return f"{clean(owner)}/{clean(slug)}"
