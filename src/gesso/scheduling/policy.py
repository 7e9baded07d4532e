"""The order in which Tasks are served: pure, without clock, store or processes.

Fair between Projects, then by age: the Project with the fewest Attempts under way goes next, among equals the one that was served
longest ago, and within it the oldest Task. So a Project with ten thousand waiting Tasks delays another's single one by one Task at most.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush, nsmallest

from gesso.ports import QueueEntry

IsHeld = Callable[[QueueEntry], bool]


class WaitingLine:
    """The waiting Tasks of one Model. What an operation costs does not grow with the Tasks and Projects that wait, but for logarithms.

    Heaps give up an entry late: what was removed stays until it comes to the top, where it is recognised and dropped.
    """

    def __init__(self) -> None:
        self._entries: dict[int, QueueEntry] = {}
        self._ages: list[int] = []
        self._ages_by_project: dict[int, list[int]] = {}
        self._counts: dict[int, int] = {}
        # One turn for each Project that waits: when it was last served, its first Task, the Project.
        self._turns: list[tuple[int, int, int]] = []
        self._have_turn: set[int] = set()
        self._served: dict[int, int] = {}
        self._round = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: QueueEntry) -> None:
        """Put a Task in line by its age: ids grow with time, and a Task that waits again is older than those behind it."""
        task_id, project_id = entry.task_id, entry.project_id
        if task_id in self._entries:
            return
        self._entries[task_id] = entry
        heappush(self._ages, task_id)
        heappush(self._ages_by_project.setdefault(project_id, []), task_id)
        self._counts[project_id] = self._counts.get(project_id, 0) + 1
        if project_id not in self._have_turn:
            self._have_turn.add(project_id)
            heappush(self._turns, (self._served.get(project_id, 0), task_id, project_id))

    def remove(self, entry: QueueEntry) -> bool:
        """Take a Task out of line; False when it was not in it."""
        if self._entries.pop(entry.task_id, None) is None:
            return False
        left = self._counts[entry.project_id] - 1
        if left:
            self._counts[entry.project_id] = left
        else:
            del self._counts[entry.project_id], self._ages_by_project[entry.project_id]
        return True

    def oldest(self) -> int:
        """The lowest task id that waits. The line must not be empty."""
        return self._first(self._ages)

    def take(self, running: dict[int, int], is_held: IsHeld | None = None) -> QueueEntry:
        """The Task to serve next, out of line. `running`: Attempts under way by Project. `is_held`: whether a Project's next Task must wait
        still; one that need not must be in line."""
        turn = self._next_turn(running, is_held)
        assert turn is not None, "nobody is in line, or all must wait"
        project_id = turn[2]
        entry = self._entries[self._first(self._ages_by_project[project_id])]
        self._round += 1
        self._served[project_id] = self._round
        self._have_turn.discard(project_id)
        self.remove(entry)
        if project_id in self._counts:
            self._have_turn.add(project_id)
            heappush(self._turns, (self._round, entry.task_id, project_id))
        return entry

    def peek(self, running: dict[int, int], is_held: IsHeld | None = None) -> QueueEntry | None:
        """What `take` would take; None when all must wait."""
        turn = self._next_turn(running, is_held)
        if turn is None:
            return None
        heappush(self._turns, turn)
        return self._entries[self._first(self._ages_by_project[turn[2]])]

    def places(self, project_id: int, limit: int) -> dict[int, int]:
        """The places in line of a Project's next Tasks, the first place being 1: as it is now, if nobody else came and each Project that
        waits was served in turn."""
        if project_id not in self._counts:
            return {}
        alive = {task_id for task_id in self._ages_by_project[project_id] if task_id in self._entries}
        turns = {other: (served, first) for served, first, other in self._turns if other in self._counts}
        own = turns.get(project_id, (0, 0))
        others = [(count, turns.get(other, (0, 0)) < own) for other, count in self._counts.items() if other != project_id]
        ahead = {age: sum(min(count, age + is_before) for count, is_before in others) for age in range(min(limit, len(alive)))}
        return {task_id: 1 + age + ahead[age] for age, task_id in enumerate(nsmallest(limit, alive))}

    def entries(self) -> list[QueueEntry]:
        return list(self._entries.values())

    def _first(self, ages: list[int]) -> int:
        while ages[0] not in self._entries:
            heappop(ages)
        return ages[0]

    def _next_turn(self, running: dict[int, int], is_held: IsHeld | None) -> tuple[int, int, int] | None:
        """The turn of the Project to serve next, used up; None when all are held. Only Projects with Attempts under way, which are few, are
        passed over."""
        passed_over: list[tuple[int, int, int]] = []
        held: list[tuple[int, int, int]] = []
        found: tuple[int, int, int] | None = None
        while self._turns and found is None:
            turn = heappop(self._turns)
            if turn[2] not in self._counts:
                self._have_turn.discard(turn[2])
            elif is_held is not None and is_held(self._entries[self._first(self._ages_by_project[turn[2]])]):
                held.append(turn)
            elif running.get(turn[2], 0):
                passed_over.append(turn)
            else:
                found = turn
        if found is None and passed_over:
            found = min(passed_over, key=lambda each: (running[each[2]], each))
            passed_over.remove(found)
        for each in (*passed_over, *held):
            heappush(self._turns, each)
        return found


def starts_wanted(waiting: int, idle: int, starting: int) -> int:
    """How many more Workers a Model's line would keep busy."""
    return max(0, waiting - idle - starting)


def backoff_s(failures: int, steps: tuple[float, ...]) -> float:
    """Seconds to wait before the next start after `failures` failed ones in a row."""
    return 0.0 if failures == 0 else steps[min(failures, len(steps)) - 1]
