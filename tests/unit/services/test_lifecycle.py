"""The single writer of task state: nothing is seen before it is on disk, nothing is written by who may not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gesso.delivery.bus import Bus
from gesso.domain.errors import IllegalStep, StaleAttempt, TaskUnknown, Unavailable
from gesso.domain.event import (
    Accepted,
    Assigned,
    Cancelled,
    Ended,
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
from gesso.domain.limits import COMMIT_PATIENCE_S, ENDED_TASKS_MAX_COUNT
from gesso.domain.price import FREE
from gesso.domain.task import Task, TaskState
from gesso.ports import TaskChange
from gesso.services.lifecycle import Lifecycle
from gesso.testing import Disk, FakeClock, MemoryTasks, make_file, make_task, simulate

TO_ASSIGNED = (Accepted(1), PreprocessStarted(), PreprocessEnded(), Assigned("thing-1"))
ENDED = Ended(0, (), 1, FREE, "", "")


class Desk:
    def __init__(self, disk: Disk | None = None, live_max_count: int = 10_000, read_s: float = 0.0) -> None:
        self.store = MemoryTasks(disk, read_s=lambda: read_s)
        self.bus = Bus()
        self.clock = FakeClock()
        self.lifecycle = Lifecycle(self.store, self.bus, self.clock, live_max_count)
        self.seen: list[tuple[int, TaskState]] = []
        self.lifecycle.observe(self._observe)

    def _observe(self, task: Task, recorded: Sequence[Recorded]) -> None:
        self.seen.append((task.id, task.state))

    async def create(self, may_wait: bool = False, **fields: object) -> Task:
        return await self.lifecycle.create(make_task(id=self.store.next_id(), **fields), (), may_wait=may_wait)


def test_a_task_is_seen_once_it_is_on_disk_and_not_before() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.store.hold()
        creating = asyncio.ensure_future(desk.create())
        await asyncio.sleep(1.0)
        assert not creating.done()
        with pytest.raises(TaskUnknown):
            await desk.lifecycle.see(1)
        desk.store.release()
        task = await creating
        assert (await desk.lifecycle.see(task.id)).state is TaskState.QUEUED
        assert (await desk.lifecycle.see_by_token(task.token)).id == task.id
        assert desk.seen == [(task.id, TaskState.QUEUED)]

    simulate(scenario())


def test_a_step_is_taken_at_once_and_seen_after_its_commit() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        desk.store.hold()
        commit = desk.lifecycle.record(task.id, None, Cancelled())
        current = desk.lifecycle.current(task.id)
        assert current is not None
        assert current.state is TaskState.CANCELLED
        assert (await desk.lifecycle.see(task.id)).state is TaskState.QUEUED
        with pytest.raises(IllegalStep):
            desk.lifecycle.record(task.id, None, Accepted(1))
        desk.store.release()
        await commit
        assert (await desk.lifecycle.see(task.id)).state is TaskState.CANCELLED
        assert desk.lifecycle.current(task.id) is None

    simulate(scenario())


def test_a_refused_step_changes_nothing() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        with pytest.raises(IllegalStep):
            desk.lifecycle.record(task.id, None, Accepted(1), Started())
        assert desk.lifecycle.current(task.id) is await desk.lifecycle.see(task.id)
        assert [recorded.seq for recorded in await desk.lifecycle.events(task.id)] == [1]

    simulate(scenario())


def test_an_attempt_that_was_replaced_can_write_nothing() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        await desk.lifecycle.record(task.id, None, *TO_ASSIGNED)
        for stale in (0, 2):
            with pytest.raises(StaleAttempt):
                desk.lifecycle.record(task.id, stale, Started())
        await desk.lifecycle.record(task.id, 1, Started())
        with pytest.raises(TaskUnknown):
            desk.lifecycle.record(99, 1, Started())

    simulate(scenario())


def test_an_order_that_the_disk_refuses_does_not_exist() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.store.disk.trouble = "the disk is full"
        with pytest.raises(Unavailable):
            await desk.create()
        assert desk.lifecycle.current(1) is None
        assert desk.seen == []

    simulate(scenario())


async def _begun(desk: Desk, forgone: list[int] | None = None) -> asyncio.Future[Task]:
    """A Task whose client waits for its end, taken up and not on disk."""
    refused = [] if forgone is None else forgone
    desk.lifecycle.foresee(lambda task: True, lambda task: refused.append(task.id))
    creating = asyncio.ensure_future(desk.create(may_wait=True))
    await asyncio.sleep(0)
    assert desk.lifecycle.current(1) is not None
    return creating


def test_a_short_task_whose_client_waits_is_one_commit() -> None:
    async def scenario() -> None:
        desk = Desk()
        creating = await _begun(desk)
        desk.lifecycle.note(1, None, *TO_ASSIGNED)
        desk.lifecycle.note(1, 1, Started())
        with pytest.raises(TaskUnknown):
            await desk.lifecycle.see(1)
        await desk.lifecycle.record(1, 1, ENDED, PostprocessStarted(), Succeeded())
        assert (await creating).id == 1
        assert desk.seen == [(1, TaskState.SUCCEEDED)]
        assert (await desk.lifecycle.see(1)).state is TaskState.SUCCEEDED
        assert [each.seq for each in desk.store.disk.events[1]] == list(range(1, 10))

    simulate(scenario())


def test_a_long_task_whose_client_waits_is_soon_on_disk() -> None:
    async def scenario() -> None:
        desk = Desk()
        creating = await _begun(desk)
        desk.lifecycle.note(1, None, *TO_ASSIGNED)
        began = asyncio.get_running_loop().time()
        await creating
        assert asyncio.get_running_loop().time() - began == pytest.approx(COMMIT_PATIENCE_S)
        assert desk.store.disk.tasks[1].state is TaskState.ASSIGNED
        assert desk.seen == [(1, TaskState.ASSIGNED)]

    simulate(scenario())


def test_a_task_that_nobody_takes_up_does_not_wait_for_its_disk() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.lifecycle.foresee(lambda task: False, lambda task: None)
        began = asyncio.get_running_loop().time()
        await desk.create(may_wait=True)
        assert asyncio.get_running_loop().time() == began
        assert desk.seen == [(1, TaskState.QUEUED)]

    simulate(scenario())


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_task_that_the_disk_refuses_after_it_was_taken_up_has_never_been(has_ended: bool) -> None:
    async def scenario() -> None:
        desk = Desk()
        forgone: list[int] = []
        creating = await _begun(desk, forgone)
        desk.store.disk.trouble = "the disk is full"
        desk.lifecycle.note(1, None, *TO_ASSIGNED)
        if has_ended:
            desk.lifecycle.note(1, 1, Started())
            with pytest.raises(Unavailable):
                await desk.lifecycle.record(1, 1, ENDED, PostprocessStarted(), Succeeded())
        with pytest.raises(Unavailable):
            await creating
        assert forgone == [1]
        assert desk.lifecycle.current(1) is None
        assert not desk.store.disk.tasks
        assert not desk.seen

    simulate(scenario())


def test_a_line_without_room_refuses_the_order_and_not_its_steps() -> None:
    async def scenario() -> None:
        desk = Desk()
        creating = await _begun(desk)
        desk.lifecycle.note(1, None, *TO_ASSIGNED)

        def full(change: TaskChange) -> asyncio.Future[None]:
            raise Unavailable("too many writes wait for the disk")

        desk.store.write = full
        # Taken without an error: who takes it goes on, and hears with the commit that there is no such Task.
        commit = desk.lifecycle.record(1, 1, Failed("It failed."))
        for waiting in (commit, creating):
            with pytest.raises(Unavailable):
                await waiting
        assert desk.lifecycle.current(1) is None

    simulate(scenario())


@pytest.mark.parametrize("trouble", ["", "the disk is full"])
def test_an_order_whose_client_went_away_is_kept_or_leaves_nothing(trouble: str) -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.store.hold()
        creating = asyncio.ensure_future(desk.create())
        await asyncio.sleep(1.0)
        creating.cancel()
        desk.store.disk.trouble = trouble
        desk.store.release()
        await asyncio.sleep(1.0)
        if trouble:
            assert desk.lifecycle.current(1) is None
            assert desk.seen == []
        else:
            assert (await desk.lifecycle.see(1)).state is TaskState.QUEUED
            assert desk.seen == [(1, TaskState.QUEUED)]

    simulate(scenario())


def test_a_step_whose_waiter_went_away_is_shown_and_told_all_the_same() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        desk.store.hold()

        async def cancel() -> None:
            await desk.lifecycle.record(task.id, None, Cancelled())

        cancelling = asyncio.ensure_future(cancel())
        await asyncio.sleep(1.0)
        cancelling.cancel()
        desk.store.release()
        await asyncio.sleep(1.0)
        assert (await desk.lifecycle.see(task.id)).state is TaskState.CANCELLED
        assert desk.seen[-1] == (task.id, TaskState.CANCELLED)

    simulate(scenario())


def test_steps_wait_for_a_disk_that_refuses_and_keep_their_order() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        desk.store.disk.trouble = "the disk is full"
        desk.lifecycle.record(task.id, None, *TO_ASSIGNED)
        desk.lifecycle.record(task.id, 1, Started())
        commit = asyncio.ensure_future(_wait(desk.lifecycle.record(task.id, 1, Failed("It broke."))))
        await asyncio.sleep(60.0)
        assert not commit.done()
        assert (await desk.lifecycle.see(task.id)).state is TaskState.QUEUED
        desk.store.disk.trouble = ""
        await commit
        assert [recorded.seq for recorded in desk.store.disk.events[task.id]] == list(range(1, 8))
        assert desk.seen[-1] == (task.id, TaskState.FAILED)

    simulate(scenario())


async def _wait(awaitable: object) -> None:
    await awaitable  # type: ignore[misc]


def test_another_writer_of_the_same_task_wins_and_this_one_stops_touching_it() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        stored = desk.store.disk.tasks[task.id]
        desk.store.disk.tasks[task.id] = make_task(TaskState.RUNNING, id=task.id, token=task.token)
        with pytest.raises(StaleAttempt):
            await desk.lifecycle.record(task.id, None, Cancelled())
        assert desk.lifecycle.current(task.id) is None
        assert (await desk.lifecycle.see(task.id)).state is TaskState.RUNNING
        assert stored.state is TaskState.QUEUED

    simulate(scenario())


def test_a_long_queue_leaves_memory_and_is_found_on_disk() -> None:
    async def scenario() -> None:
        desk = Desk(live_max_count=3)
        tasks = [await desk.create() for _ in range(10)]
        assert sum(1 for task in tasks if desk.lifecycle.current(task.id)) == 3
        last = tasks[-1]
        assert (await desk.lifecycle.see_by_token(last.token)).id == last.id
        await desk.lifecycle.load(last.id)
        await desk.lifecycle.record(last.id, None, Cancelled())
        assert (await desk.lifecycle.see(last.id)).state is TaskState.CANCELLED

    simulate(scenario())


def test_loads_at_the_same_time_are_one_reading_and_bring_nothing_back() -> None:
    """A reading that began before a Task ended must not bring the waiting Task back into memory."""

    async def scenario() -> None:
        desk = Desk(live_max_count=0, read_s=1.0)
        task = await desk.create()

        async def cancel() -> None:
            await desk.lifecycle.load(task.id)
            await desk.lifecycle.record(task.id, None, Cancelled())

        async def load_later() -> Task:
            await asyncio.sleep(0.5)
            return await desk.lifecycle.load(task.id)

        _, loaded = await asyncio.gather(cancel(), load_later())
        assert loaded.state is not TaskState.QUEUED
        await asyncio.sleep(1.0)
        assert desk.lifecycle.current(task.id) is None
        assert (await desk.lifecycle.see(task.id)).state is TaskState.CANCELLED

    simulate(scenario())


def test_a_withdrawal_beside_a_requeue_in_flight_is_not_forgotten() -> None:
    async def scenario() -> None:
        desk = Desk(live_max_count=0)
        task = await desk.create()
        await desk.lifecycle.load(task.id)
        desk.store.hold()
        desk.lifecycle.record(task.id, None, *TO_ASSIGNED)
        desk.lifecycle.record(task.id, 1, Requeued("It died.", is_counted=True))
        commit = desk.lifecycle.record(task.id, None, Cancelled())
        desk.store.release()
        await commit
        assert (await desk.lifecycle.see(task.id)).state is TaskState.CANCELLED

    simulate(scenario())


def test_the_tasks_that_ended_last_stay_at_hand_and_older_ones_are_read() -> None:
    async def scenario() -> None:
        desk = Desk()
        tasks = [await desk.create() for _ in range(ENDED_TASKS_MAX_COUNT + 5)]
        for task in tasks:
            await desk.lifecycle.record(task.id, None, Cancelled())
        for task in (tasks[0], tasks[-1]):
            assert (await desk.lifecycle.see_by_token(task.token)).state is TaskState.CANCELLED
            assert (await desk.lifecycle.load(task.id)).state is TaskState.CANCELLED
            assert desk.lifecycle.current(task.id) is None

    simulate(scenario())


def test_live_events_are_told_with_the_task_as_it_is_seen_and_not_after_its_end() -> None:
    async def scenario() -> None:
        desk = Desk()
        task = await desk.create()
        subscription = desk.bus.subscribe(task.id)
        await desk.lifecycle.record(task.id, None, *TO_ASSIGNED, Started())
        for _ in range(5):
            await subscription.next()
        desk.lifecycle.tell(task.id, Progress(1, 2, 0))
        announced = await subscription.next()
        assert announced is not None
        assert (announced[0].state, announced[1]) == (TaskState.RUNNING, Progress(1, 2, 0))
        await desk.lifecycle.record(task.id, 1, Failed("It broke."))
        await subscription.next()
        desk.lifecycle.tell(task.id, Progress(2, 2, 0))
        desk.lifecycle.tell(99, Progress(2, 2, 0))
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(1.0)
        assert not waiting.done()
        waiting.cancel()

    simulate(scenario())


def test_files_and_the_notice_go_with_the_step() -> None:
    async def scenario() -> None:
        desk = Desk()
        file = make_file()
        task = make_task(id=desk.store.next_id(), callback_url="https://hooks.example/")
        await desk.lifecycle.create(task, (file,))
        assert desk.store.disk.files == {file.access_key: file}
        assert desk.store.disk.notices == {}
        await desk.lifecycle.record(task.id, None, Cancelled())
        assert desk.store.disk.notices == {task.id: "https://hooks.example/"}

    simulate(scenario())


def test_a_store_refuses_a_change_that_does_not_follow_what_is_stored() -> None:
    async def scenario() -> None:
        store = MemoryTasks()
        task = make_task(TaskState.QUEUED)
        with pytest.raises(StaleAttempt):
            await store.write(TaskChange(task, 3, ()))

    simulate(scenario())
