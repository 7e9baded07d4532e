"""Tasks as their owners see them: found by their own project only, followed without gaps, withdrawn when that is possible."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.delivery.bus import Bus
from gesso.domain.errors import NotCancellable, NotKillable, TaskReferenceMissing, TaskUnknown, Unavailable
from gesso.domain.event import (
    Accepted,
    Assigned,
    Cancelled,
    Ended,
    Event,
    Failed,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Progress,
    Recorded,
    Requeued,
    Started,
    Succeeded,
)
from gesso.domain.limits import SUBSCRIBER_QUEUE_MAX_EVENTS, WITHDRAW_WAIT_S
from gesso.domain.price import FREE
from gesso.domain.task import Task, TaskState
from gesso.services.lifecycle import Lifecycle
from gesso.services.tasks import Tasks
from gesso.testing import FakeClock, MemoryTasks, make_project, make_task, simulate

MINE, YOURS = make_project(1), make_project(2)


def attempt(number: int) -> list[Event]:
    return [Accepted(number), PreprocessStarted(), PreprocessEnded(), Assigned("thing-1"), Started()]


class Desk:
    def __init__(self, live_max_count: int = 10_000) -> None:
        self.store = MemoryTasks()
        self.lifecycle = Lifecycle(self.store, bus := Bus(), FakeClock(), live_max_count)
        self.tasks = Tasks(self.lifecycle, bus)

    async def create(self) -> Task:
        return await self.lifecycle.create(make_task(id=self.store.next_id()), ())


def test_a_task_is_found_by_token_or_id_by_its_own_project_only() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        assert (await desk.tasks.find(MINE, task.id, "")).id == task.id
        assert (await desk.tasks.find(MINE, 999, task.token)).id == task.id
        assert (await desk.tasks.by_token(task.token)).id == task.id
        for project, task_id, token in ((YOURS, task.id, ""), (YOURS, None, task.token), (MINE, 999, ""), (MINE, task.id, "other")):
            with pytest.raises(TaskUnknown):
                await desk.tasks.find(project, task_id, token)
        with pytest.raises(TaskReferenceMissing):
            await desk.tasks.find(MINE, None, "")

    simulate(scenario())


def test_cancel_of_a_queued_task_ends_it_and_again_says_the_same() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        assert (await desk.tasks.cancel(task)).state is TaskState.CANCELLED
        assert (await desk.tasks.cancel(task)).state is TaskState.CANCELLED
        assert (await desk.tasks.kill(task)).state is TaskState.CANCELLED

    simulate(scenario())


def test_a_running_task_is_killed_and_not_cancelled_and_an_ended_one_is_neither() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        await desk.lifecycle.record(task.id, None, *attempt(1))
        with pytest.raises(NotCancellable):
            await desk.tasks.cancel(task)
        assert (await desk.tasks.kill(task)).state is TaskState.CANCELLED
        other = await desk.create()
        await desk.lifecycle.record(other.id, None, Failed("It broke."))
        with pytest.raises(NotKillable):
            await desk.tasks.kill(other)
        with pytest.raises(NotCancellable):
            await desk.tasks.cancel(other)

    simulate(scenario())


@pytest.mark.parametrize("is_running", [False, True])
@pytest.mark.parametrize("live_max_count", [0, 10_000])
def test_who_withdraws_a_task_waits_for_a_refusing_disk_a_while_and_no_longer(is_running: bool, live_max_count: int) -> None:
    async def scenario() -> None:
        desk = Desk(live_max_count)
        task = await desk.create()
        if is_running:
            await desk.lifecycle.load(task.id)
            await desk.lifecycle.record(task.id, None, *attempt(1))
        desk.store.disk.trouble = "the database is locked by another process"
        clock = asyncio.get_running_loop().time
        for withdraw in (desk.tasks.kill, desk.tasks.kill, desk.tasks.cancel):
            begun = clock()
            with pytest.raises(Unavailable, match="withdrawn as soon as"):
                await withdraw(task)
            assert clock() - begun == pytest.approx(WITHDRAW_WAIT_S)
        assert not (await desk.lifecycle.see(task.id)).state.is_terminal
        again = asyncio.ensure_future(desk.tasks.kill(task))
        await asyncio.sleep(WITHDRAW_WAIT_S / 2)
        desk.store.disk.trouble = ""
        assert (await again).state is TaskState.CANCELLED
        assert (await desk.tasks.cancel(task)).state is TaskState.CANCELLED
        assert [type(recorded.event) for recorded in desk.store.disk.events[task.id]].count(Cancelled) == 1

    simulate(scenario())


@pytest.mark.parametrize("live_max_count", [0, 10_000])
def test_a_kill_beside_a_placement_leaves_one_end(live_max_count: int) -> None:
    async def scenario() -> None:
        desk = Desk(live_max_count)
        task = await desk.create()
        results = await asyncio.gather(*(desk.tasks.kill(task) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, Task) for result in results)
        assert [recorded.seq for recorded in desk.store.disk.events[task.id]] == [1, 2]

    simulate(scenario())


def test_wait_returns_the_ended_task_or_what_it_is_when_time_is_up() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        assert (await desk.tasks.wait(task, 5.0)).state is TaskState.QUEUED
        waiting = [asyncio.ensure_future(desk.tasks.wait(task, 100.0)) for _ in range(3)]
        await asyncio.sleep(1.0)
        waiting[0].cancel()
        await desk.lifecycle.record(task.id, None, Failed("It broke."))
        assert [(await each).state for each in waiting[1:]] == [TaskState.FAILED] * 2
        assert (await desk.tasks.wait(task, 100.0)).state is TaskState.FAILED

    simulate(scenario())


def test_wait_hears_the_end_also_behind_more_live_events_than_a_listener_may_have() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        await desk.lifecycle.record(task.id, None, *attempt(1))
        waiting = asyncio.ensure_future(desk.tasks.wait(task, 100.0))
        await asyncio.sleep(0)
        for step in range(2 * SUBSCRIBER_QUEUE_MAX_EVENTS):
            desk.lifecycle.tell(task.id, Progress(step, 1, 0))
        await desk.lifecycle.record(task.id, 1, Failed("It broke."))
        assert (await waiting).state is TaskState.FAILED

    simulate(scenario())


MOMENTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(MOMENTS, st.booleans(), st.sampled_from([0, 10_000]), st.lists(st.booleans(), min_size=12, max_size=12))
def test_every_follower_sees_every_event_once_however_late_and_slow(
    followers: list[tuple[int, int]], has_flood: bool, live_max_count: int, holds: list[bool]
) -> None:
    """`followers`: when each begins to listen, and how long it sleeps over each event. `holds`: steps whose commits are held back."""

    async def scenario() -> None:
        desk = Desk(live_max_count)
        task = await desk.create()

        async def listen(delay: int, pause: int) -> list[int]:
            await asyncio.sleep(delay)
            seen: list[int] = []
            async with aclosing(desk.tasks.follow(task)) as events:
                async for now, event in events:
                    if isinstance(event, Recorded):
                        assert now.seq >= event.seq
                        seen.append(event.seq)
                    await asyncio.sleep(pause)
            return seen

        listening = [asyncio.ensure_future(listen(delay, pause)) for delay, pause in followers]
        lost = [Requeued("It died.", is_counted=False)]
        events = [*attempt(1), *lost, *attempt(2), Failed("It broke.")]
        for event, is_held in zip(events, holds, strict=True):
            await asyncio.sleep(2)
            if is_held:
                desk.store.hold()
            await desk.lifecycle.load(task.id)
            desk.lifecycle.record(task.id, None, event)
            if has_flood:
                for step in range(SUBSCRIBER_QUEUE_MAX_EVENTS + 1):
                    desk.lifecycle.tell(task.id, Progress(step, 1, 0))
            await asyncio.sleep(1)
            desk.store.release()
            await asyncio.sleep(0)
        expected = list(range(1, len(events) + 2))
        for each in listening:
            assert await each == expected

    simulate(scenario())


def test_an_early_subscription_has_all_that_a_short_run_says() -> None:
    async def scenario() -> None:
        desk = Desk()
        steps = [*attempt(1), Ended(0, (), 1, FREE, "", ""), PostprocessStarted(), Succeeded()]
        with desk.tasks.subscribe_early() as early:
            task = make_task(TaskState.NEW, id=desk.store.next_id())
            early.subscribe(task.id)
            queued = await desk.lifecycle.create(task, ())
            for number, step in enumerate(steps):
                await desk.lifecycle.record(task.id, None, step)
                desk.lifecycle.tell(task.id, Progress(number, len(steps), 0))
            told = [event async for _, event in desk.tasks.follow(queued, early=early)]
        assert [event.seq for event in told if isinstance(event, Recorded)] == list(range(1, 10))
        # The last one came after the end.
        assert [event.step for event in told if isinstance(event, Progress)] == list(range(len(steps) - 1))

    simulate(scenario())


def test_an_early_subscription_that_falls_behind_loses_live_events_only_and_is_closed_in_any_case() -> None:
    async def scenario() -> None:
        desk = Desk()
        with desk.tasks.subscribe_early() as early, desk.tasks.subscribe_early() as idle:
            task = make_task(TaskState.NEW, id=desk.store.next_id())
            early.subscribe(task.id)
            idle.subscribe(task.id)
            queued = await desk.lifecycle.create(task, ())
            await desk.lifecycle.record(task.id, None, *attempt(1))
            for number in range(SUBSCRIBER_QUEUE_MAX_EVENTS + 1):
                desk.lifecycle.tell(task.id, Progress(number, 2 * SUBSCRIBER_QUEUE_MAX_EVENTS, 0))
            await desk.lifecycle.record(task.id, None, Failed("no"))
            told = [event async for _, event in desk.tasks.follow(queued, early=early)]
        assert [event.seq for event in told if isinstance(event, Recorded)] == list(range(1, 8))
        assert idle.take() is None

    simulate(scenario())
