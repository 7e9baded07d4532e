"""The order in which Tasks are served: pure, without clock, store or processes.

Fair between Projects, then by age: the Project with the fewest Attempts under way goes next, among equals the one that was served
longest ago, and within it the oldest Task. So a Project with ten thousand waiting Tasks delays another's single one by one Task at most.
"""

from __future__ import annotations

from collections import OrderedDict

from gesso.ports import QueueEntry


class WaitingLine:
    """The waiting Tasks of one Model. Adding, removing and taking cost the same however many Tasks wait."""

    def __init__(self) -> None:
        self._by_project: dict[int, OrderedDict[int, QueueEntry]] = {}
        self._served: dict[int, int] = {}
        self._round = 0

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._by_project.values())

    def __bool__(self) -> bool:
        return bool(self._by_project)

    def add(self, entry: QueueEntry) -> None:
        """Put a Task in line by its age: ids grow with time, and a Task that waits again is older than those behind it."""
        entries = self._by_project.setdefault(entry.project_id, OrderedDict())
        is_late = bool(entries) and next(reversed(entries)) > entry.task_id
        entries[entry.task_id] = entry
        if is_late:
            entries.move_to_end(entry.task_id, last=False)

    def remove(self, entry: QueueEntry) -> bool:
        """Take a Task out of line; False when it was not in it."""
        entries = self._by_project.get(entry.project_id)
        if entries is None or entries.pop(entry.task_id, None) is None:
            return False
        self._drop_if_empty(entry.project_id, entries)
        return True

    def oldest(self) -> int:
        """The lowest task id that waits. The line must not be empty."""
        return min(next(iter(entries)) for entries in self._by_project.values())

    def take(self, running: dict[int, int]) -> QueueEntry:
        """The Task to serve next, out of line. `running`: Attempts under way by Project. The line must not be empty."""
        project_id = min(self._by_project, key=lambda each: (running.get(each, 0), self._served.get(each, 0)))
        self._round += 1
        self._served[project_id] = self._round
        entries = self._by_project[project_id]
        _, entry = entries.popitem(last=False)
        self._drop_if_empty(project_id, entries)
        return entry

    def entries(self) -> list[QueueEntry]:
        return [entry for entries in self._by_project.values() for entry in entries.values()]

    def _drop_if_empty(self, project_id: int, entries: OrderedDict[int, QueueEntry]) -> None:
        if not entries:
            del self._by_project[project_id]


def starts_wanted(waiting: int, idle: int, starting: int) -> int:
    """How many more Workers a Model's line would keep busy."""
    return max(0, waiting - idle - starting)


def backoff_s(failures: int, steps: tuple[float, ...]) -> float:
    """Seconds to wait before the next start after `failures` failed ones in a row."""
    return 0.0 if failures == 0 else steps[min(failures, len(steps)) - 1]
