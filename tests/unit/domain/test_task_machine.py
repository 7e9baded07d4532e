"""The table of legal steps, under any order of Events."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gesso.domain.errors import IllegalStep
from gesso.domain.event import (
    Accepted,
    Assigned,
    Cancelled,
    Ended,
    Event,
    Failed,
    FilesDeleted,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Queued,
    Requeued,
    Started,
    Succeeded,
)
from gesso.domain.task import STEPS, TaskState, apply
from gesso.testing import make_file, make_task

OUTPUT = make_file()
EVENTS: list[Event] = [
    Queued(),
    Accepted(1),
    PreprocessStarted(),
    PreprocessEnded(),
    Assigned("worker-1"),
    Started(),
    Ended(0, (OUTPUT,), 5_000_000, Decimal("0.5"), "said", "complained"),
    PostprocessStarted(),
    Succeeded(),
    Failed("It broke."),
    Cancelled(),
    Requeued("The worker died.", is_counted=True),
    FilesDeleted(),
]


def test_every_event_has_a_row_in_the_table() -> None:
    assert set(STEPS) == {type(event) for event in EVENTS}


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_applies_by_the_table_or_is_refused(state: TaskState, event: Event) -> None:
    task = make_task(state)
    admitted, reached = STEPS[type(event)]
    if state in admitted:
        after = apply(task, event, 7)
        assert (after.state, after.seq) == (reached or state, task.seq + 1)
    else:
        with pytest.raises(IllegalStep):
            apply(task, event, 7)


@pytest.mark.parametrize("state", [state for state in TaskState if state.is_terminal])
def test_an_ended_task_stays_as_it_ended(state: TaskState) -> None:
    assert {kind for kind, (admitted, _) in STEPS.items() if state in admitted} == {FilesDeleted}
    assert STEPS[FilesDeleted][1] is None


def test_every_state_but_the_first_can_be_reached_and_every_open_one_can_be_left() -> None:
    assert {reached for _, reached in STEPS.values() if reached} == set(TaskState) - {TaskState.NEW}
    left = frozenset[TaskState]().union(*(admitted for admitted, reached in STEPS.values() if reached))
    assert left == {state for state in TaskState if not state.is_terminal}


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_numbers_have_no_gaps_and_refused_events_change_nothing(events: list[Event]) -> None:
    task, applied = make_task(), 0
    for event in events:
        before = task
        try:
            task = apply(task, event, 7)
            applied += 1
        except IllegalStep:
            assert task is before
    assert task.seq == applied


def test_a_step_leaves_the_task_before_it_as_it_was() -> None:
    before = make_task(TaskState.QUEUED)
    copy = dict(vars(before))
    apply(before, Cancelled(), 7)
    assert vars(before) == copy


def test_a_task_that_waits_again_keeps_its_history_and_forgets_its_times() -> None:
    task = apply(make_task(TaskState.RUNNING), Requeued("The worker died.", is_counted=True), 9)
    assert (task.losses, task.counted_losses, task.attempt) == (("The worker died.",), 1, 1)
    assert (task.worker, task.accepted_at, task.assigned_at, task.started_at) == ("", 0, 0, 0)
    assert apply(task, Accepted(2), 10).attempt == 2


@pytest.mark.parametrize("state", [TaskState.QUEUED, TaskState.RUNNING, TaskState.POSTPROCESSING])
def test_a_failed_task_costs_nothing_and_has_no_outputs(state: TaskState) -> None:
    task = apply(make_task(state), Failed("It broke."), 9)
    assert (task.cost, task.outputs, task.exit_code, task.error) == (Decimal(0), (), 1, "It broke.")
    assert task.ended_at


class AnyOrder(RuleBasedStateMachine):
    """Events come in any order; a model of the rules in words says what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.task = make_task()
        self.at = 1

    def _try(self, event: Event) -> None:
        self.at += 1
        with suppress(IllegalStep):
            self.task = apply(self.task, event, self.at)

    @rule(event=st.sampled_from(EVENTS))
    def anything(self, event: Event) -> None:
        self._try(event)

    @precondition(lambda self: self.task.state is TaskState.QUEUED)
    @rule()
    def run_to_the_end(self) -> None:
        for event in EVENTS[1:9]:
            self._try(event)
        assert self.task.state is TaskState.SUCCEEDED

    @precondition(lambda self: self.task.state.is_attempted)
    @rule()
    def lose_the_worker(self) -> None:
        losses = len(self.task.losses)
        self._try(Requeued("The worker died.", is_counted=False))
        assert (self.task.state, len(self.task.losses)) == (TaskState.QUEUED, losses + 1)

    @invariant()
    def only_success_costs(self) -> None:
        if self.task.state in (TaskState.FAILED, TaskState.CANCELLED):
            assert self.task.cost == 0
            assert self.task.outputs == ()
        if self.task.state is TaskState.SUCCEEDED:
            outputs = () if self.task.files_deleted_at else (OUTPUT,)
            assert (self.task.cost, self.task.outputs, self.task.exit_code) == (Decimal("0.5"), outputs, 0)

    @invariant()
    def counted_losses_are_losses(self) -> None:
        assert 0 <= self.task.counted_losses <= len(self.task.losses)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
