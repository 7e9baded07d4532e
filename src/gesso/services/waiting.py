"""Which place in line a Task has, and when it will probably start: told as it is now, and promised to nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gesso.domain.task import Task, TaskState
from gesso.ports import Clock, Counters

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
    def __init__(self, line: Line, counters: Counters, clock: Clock) -> None:
        self._line = line
        self._counters = counters
        self._clock = clock

    async def places(self, tasks: Sequence[Task]) -> Mapping[int, Place]:
        """The places of those of `tasks` that wait, by their ids. Only the next ones of each Model and Project have one.

        Those of `tasks` that run tell how far a guess can be right.
        """
        lines = dict.fromkeys((task.model, task.project_id) for task in tasks if task.state is TaskState.QUEUED)
        statistics = await self._counters.model_statistics() if lines else {}
        places: dict[int, Place] = {}
        for model, project_id in lines:
            counts = statistics.get(model)
            run_s = counts.billed_us / counts.succeeded / _US if counts is not None and counts.succeeded else None
            workers = self._line.worker_count(model)
            if run_s is not None and any(self._has_run_s(task) > run_s for task in tasks if task.model == model):
                # It takes longer than others did, and nobody knows how much longer.
                run_s = None
            for task_id, number in self._line.places(model, project_id, _PLACES_MAX_COUNT).items():
                # The one that runs now is, at a guess, half done.
                starts_in_s = None if run_s is None or not workers else run_s * (number - 0.5) / workers
                places[task_id] = Place(number, starts_in_s)
        return places

    def _has_run_s(self, task: Task) -> float:
        is_running = task.started_at and not task.ended_at and not task.state.is_terminal
        return (self._clock.now() - task.started_at) / _US if is_running else 0.0
