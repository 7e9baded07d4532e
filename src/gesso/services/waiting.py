"""Which place in line a Task has, and when it will probably start: told as it is now, and promised to nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gesso.domain.task import Task, TaskState
from gesso.ports import Counters

_PLACES_MAX_COUNT = 100
_US = 1_000_000


class Line(Protocol):
    """Where Tasks wait."""

    def places(self, model: str, project_id: int, limit: int) -> dict[int, int]: ...

    def worker_count(self, model: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """`number`: 1 for the next one. `starts_in_s`: a guess from how long runs of the Model took so far; None where none has ended, or
    none can be served yet."""

    number: int
    starts_in_s: float | None


class Waiting:
    def __init__(self, line: Line, counters: Counters) -> None:
        self._line = line
        self._counters = counters

    async def places(self, tasks: Sequence[Task]) -> Mapping[int, Place]:
        """The places of those of `tasks` that wait, by their ids. Only the next ones of each Model and Project have one."""
        lines = dict.fromkeys((task.model, task.project_id) for task in tasks if task.state is TaskState.QUEUED)
        statistics = await self._counters.model_statistics() if lines else {}
        places: dict[int, Place] = {}
        for model, project_id in lines:
            counts = statistics.get(model)
            run_s = counts.billed_us / counts.succeeded / _US if counts is not None and counts.succeeded else None
            workers = self._line.worker_count(model)
            for task_id, number in self._line.places(model, project_id, _PLACES_MAX_COUNT).items():
                # The one that runs now is, at a guess, half done.
                starts_in_s = None if run_s is None or not workers else run_s * (number - 0.5) / workers
                places[task_id] = Place(number, starts_in_s)
        return places
