"""The line: fair between projects, oldest first within one, and at one price however long it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gesso.ports import QueueEntry
from gesso.scheduling.policy import WaitingLine, backoff_s, starts_wanted


def entry(task_id: int, project_id: int = 1) -> QueueEntry:
    return QueueEntry(task_id, project_id, "lab/thing")


def line_of(*projects: int) -> WaitingLine:
    """Task ids are 1, 2, 3 and so on; each of the project that stands at its place."""
    line = WaitingLine()
    for task_id, project_id in enumerate(projects, 1):
        line.add(entry(task_id, project_id))
    return line


def taken(line: WaitingLine, running: dict[int, int] | None = None) -> list[int]:
    return [line.take(running or {}).task_id for _ in range(len(line))]


def test_projects_take_turns_and_each_sends_its_oldest() -> None:
    assert taken(line_of(1, 1, 1, 2, 2, 3)) == [1, 4, 6, 2, 5, 3]


def test_a_project_with_fewer_attempts_under_way_goes_first() -> None:
    assert taken(line_of(1, 2, 3), {1: 2, 2: 1}) == [3, 2, 1]


def test_a_newcomer_waits_for_one_task_of_a_project_that_floods() -> None:
    line = line_of(*[1] * 1000)
    assert line.take({}).task_id == 1
    line.add(entry(5000, 2))
    assert 5000 in (line.take({}).task_id, line.take({}).task_id)


def test_a_task_that_waits_again_comes_before_younger_ones() -> None:
    line = line_of(1, 1, 1, 1)
    first, second = line.take({}), line.take({})
    line.add(second)
    line.add(first)
    assert taken(line) == [1, 2, 3, 4]


def test_what_was_removed_is_not_taken_and_can_come_back() -> None:
    line = line_of(1, 2, 1)
    assert line.remove(entry(1))
    assert not line.remove(entry(1))
    assert line.oldest() == 2
    line.add(entry(1))
    assert (line.oldest(), len(line)) == (1, 3)
    assert sorted(taken(line)) == [1, 2, 3]
    assert not line


def test_a_task_is_in_line_once() -> None:
    line = line_of(1)
    line.add(entry(1))
    assert taken(line) == [1]


MOVES = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "remove", "take"]), st.integers(0, 60)), max_size=120)


@given(MOVES, st.dictionaries(st.integers(0, 3), st.integers(0, 2)))
def test_a_line_agrees_with_a_plain_set_whatever_happens(moves: list[tuple[str, int]], running: dict[int, int]) -> None:
    line, waiting = WaitingLine(), dict[int, int]()
    for move, task_id in moves:
        if move == "add":
            line.add(entry(task_id, task_id % 4))
            waiting[task_id] = task_id % 4
        elif move == "remove":
            assert line.remove(entry(task_id, task_id % 4)) == (waiting.pop(task_id, None) is not None)
        elif waiting:
            next_one = line.peek(running)
            assert line.peek(running) == next_one
            chosen = line.take(running)
            assert chosen == next_one
            of_project = [each for each, project_id in waiting.items() if project_id == chosen.project_id]
            assert chosen.task_id == min(of_project)
            fewest = min(running.get(project_id, 0) for project_id in waiting.values())
            assert running.get(chosen.project_id, 0) == fewest
            del waiting[chosen.task_id]
        assert len(line) == len(waiting)
        assert {each.task_id for each in line.entries()} == set(waiting)
        assert not waiting or line.oldest() == min(waiting)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_no_project_waits_for_more_turns_than_there_are_projects(projects: list[int]) -> None:
    line = line_of(*projects)
    waited = dict.fromkeys(set(projects), 0)
    while line:
        chosen = line.take({}).project_id
        for project_id in {each.project_id for each in line.entries()} - {chosen}:
            waited[project_id] += 1
            assert waited[project_id] < len(set(projects))
        waited[chosen] = 0


def lines_executed(work: Callable[[], Any]) -> int:
    """How many lines of Python `work` runs through: a cost that no busy machine changes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_what_an_operation_costs_does_not_grow_with_the_line() -> None:
    def cost(tasks: int, projects: int) -> int:
        line = line_of(*(number % projects for number in range(tasks)))

        def serve() -> None:
            for number in range(50):
                line.oldest()
                chosen = line.take({0: 1, 1: 2})
                line.add(entry(tasks + number, chosen.project_id))
                len(line)

        return lines_executed(serve)

    short = cost(100, 10)
    assert cost(50_000, 10) < 2 * short
    assert cost(50_000, 50_000) < 2 * short


def test_workers_are_wanted_for_tasks_that_none_is_ready_or_starting_for() -> None:
    assert starts_wanted(5, 1, 2) == 2
    assert starts_wanted(1, 1, 2) == 0


def test_the_wait_after_failed_starts_grows_to_a_bound() -> None:
    assert [backoff_s(failures, (1.0, 2.0)) for failures in range(4)] == [0.0, 1.0, 2.0, 2.0]
