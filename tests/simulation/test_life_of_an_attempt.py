"""One Attempt, and the loop around it: what a kill, a lost Worker, a refusing disk and a stop mean for the Task."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal

import pytest
from simulated_world import PAGE, Shape, World

from gesso.domain.errors import NotKillable, Unavailable
from gesso.domain.event import Failed, Requeued
from gesso.domain.limits import ATTEMPTS_MAX_COUNT, INTERRUPTIONS_MAX_COUNT
from gesso.domain.task import TaskState
from gesso.ports import RunOrder, TaskChange
from gesso.scheduling.attempt import requeue_or_fail
from gesso.testing import Play, make_model, make_task, simulate

MODEL = make_model("lab/thing", per_second="0.5")
OTHER = make_model("lab/other")


class Script:
    """Plays in the order of runs; the last one goes on."""

    def __init__(self, *plays: Play) -> None:
        self.plays = list(plays)
        self.orders: list[RunOrder] = []

    def __call__(self, order: RunOrder) -> Play:
        self.orders.append(order)
        return self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]


async def started(script: Script, workers: int = 1) -> World:
    world = World(Shape((MODEL, OTHER), cpu_workers=workers, play=script, setup=lambda model: (0.0, "")))
    await world.start()
    return world


async def state_of(world: World, task_id: int) -> TaskState:
    return (await world.server.lifecycle.see(task_id)).state


def test_a_task_is_run_and_charged_for_the_time_that_it_took() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(takes_s=2.5)))
        task = await world.submit(1, MODEL)
        assert task is not None
        await world.rest()
        ended = world.disk.tasks[task.id]
        assert (ended.state, ended.billed_us, ended.cost) == (TaskState.SUCCEEDED, 2_500_000, Decimal("1.25"))
        assert world.disk.charges == {task.id: Decimal("1.25")}
        world.verify()

    simulate(scenario())


def test_a_worker_lost_at_once_is_no_end_for_a_task_that_was_not_on_disk_yet() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(), Play("lost", takes_s=0.001), Play()))
        await world.submit(1, MODEL)
        await world.rest()
        task = await world.submit(1, MODEL, is_awaited=True)
        assert task is not None
        # One commit: accepted, begun and lost.
        assert isinstance(world.disk.events[task.id][-1].event, Requeued)
        await world.rest()
        assert await state_of(world, task.id) is TaskState.SUCCEEDED
        world.verify()

    simulate(scenario())


def test_what_a_task_made_goes_when_the_disk_refuses_all_of_it_at_its_end() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(), Play(takes_s=0.001, outputs=2)))
        await world.submit(1, MODEL)
        await world.rest()
        before = set(world.disk.bytes_of)

        def full(change: TaskChange) -> asyncio.Future[None]:
            raise Unavailable("too many writes wait for the disk")

        world.server.store.write = full
        assert await world.submit(1, MODEL, is_awaited=True) is None
        await asyncio.sleep(1.0)
        assert set(world.disk.bytes_of) == before
        assert world.server.scheduler.running_count() == 0
        assert list(world.disk.tasks) == [1]

    simulate(scenario())


def test_an_idle_worker_begins_a_task_that_is_still_on_its_way_to_disk() -> None:
    async def scenario() -> None:
        script = Script(Play(takes_s=1.0))
        world = await started(script)
        await world.submit(1, MODEL)
        await world.rest()
        world.server.store.hold()
        submitting = asyncio.ensure_future(world.submit(1, MODEL))
        await asyncio.sleep(5.0)
        assert len(script.orders) == 2
        assert not submitting.done(), "a task was accepted that is not on disk"
        assert len(world.disk.tasks) == 1
        world.server.store.release()
        task = await submitting
        assert task is not None
        await world.rest()
        assert await state_of(world, task.id) is TaskState.SUCCEEDED
        assert len(script.orders) == 2
        world.verify()

    simulate(scenario())


@pytest.mark.parametrize("takes_s", [0.0, 60.0])
def test_a_task_that_the_disk_refuses_leaves_its_worker(takes_s: float) -> None:
    async def scenario() -> None:
        script = Script(Play(), Play(takes_s=takes_s), Play())
        world = await started(script)
        await world.submit(1, MODEL)
        await world.rest()
        world.disk.trouble = "the disk is full"
        assert await world.submit(1, MODEL) is None
        await asyncio.sleep(1.0)
        assert world.server.scheduler.running_count() == 0
        world.disk.trouble = ""
        task = await world.submit(1, MODEL)
        assert task is not None
        await world.server.tasks.wait(task, 1.0)
        assert await state_of(world, task.id) is TaskState.SUCCEEDED
        assert len(script.orders) == 3
        world.verify()

    simulate(scenario())


def test_a_kill_reaches_the_worker_and_frees_it() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(takes_s=3600.0), Play()))
        first, second = await world.submit(1, MODEL), await world.submit(1, MODEL)
        assert first
        assert second
        await asyncio.sleep(5.0)
        assert (await world.server.tasks.kill(first)).state is TaskState.CANCELLED
        await world.server.tasks.wait(second, 10.0)
        assert await state_of(world, second.id) is TaskState.SUCCEEDED
        assert asyncio.get_running_loop().time() < 10.0
        world.verify()

    simulate(scenario())


def test_a_kill_while_the_end_waits_for_the_disk_does_not_reach_the_next_task_of_the_worker() -> None:
    async def scenario() -> None:
        script = Script(Play(takes_s=1.0), Play(takes_s=60.0))
        world = await started(script)
        first, second = await world.submit(1, MODEL), await world.submit(1, MODEL)
        assert first
        assert second
        world.disk.trouble = "the disk is full"
        await asyncio.sleep(2.0)
        assert [order.task_id for order in script.orders] == [first.id, second.id]
        with pytest.raises(NotKillable):
            await world.server.tasks.kill(first)
        world.disk.trouble = ""
        await world.rest()
        assert await state_of(world, first.id) is TaskState.SUCCEEDED
        assert await state_of(world, second.id) is TaskState.SUCCEEDED
        assert len(script.orders) == 2
        world.verify()

    simulate(scenario())


@pytest.mark.parametrize("moment_s", [0.0, 0.001, 0.006, 0.011, 0.5, 0.99, 1.5])
def test_a_task_killed_at_any_moment_ends_cancelled_or_had_ended(moment_s: float) -> None:
    async def scenario() -> None:
        world = World(Shape((MODEL,), play=Script(Play(takes_s=1.0)), commit_s=lambda: 0.005, setup=lambda model: (0.0, "")))
        await world.start()
        task = await world.submit(1, MODEL, PAGE)
        assert task is not None
        await asyncio.sleep(moment_s)
        with suppress(NotKillable):
            await world.server.tasks.kill(task)
        await world.rest()
        assert await state_of(world, task.id) is (TaskState.CANCELLED if moment_s <= 1.0 else TaskState.SUCCEEDED)
        after = await world.submit(1, MODEL)
        assert after is not None
        await world.rest()
        assert await state_of(world, after.id) is TaskState.SUCCEEDED
        world.verify()

    simulate(scenario())


def test_a_lost_worker_costs_an_attempt_and_the_third_one_the_task() -> None:
    async def scenario() -> None:
        script = Script(Play("lost"))
        world = await started(script)
        task = await world.submit(1, MODEL)
        assert task is not None
        await world.rest()
        ended = world.disk.tasks[task.id]
        assert (ended.state, ended.attempt, len(ended.losses)) == (TaskState.FAILED, 3, 2)
        assert ended.error == "3 attempts were lost; the last time: thing-3 was killed by signal 9."
        assert len(script.orders) == ATTEMPTS_MAX_COUNT
        world.verify()

    simulate(scenario())


def test_a_task_that_was_lost_once_succeeds_in_its_second_attempt() -> None:
    async def scenario() -> None:
        world = await started(Script(Play("lost"), Play()))
        task = await world.submit(1, MODEL)
        assert task is not None
        await world.rest()
        assert world.disk.tasks[task.id].state is TaskState.SUCCEEDED
        assert any(isinstance(recorded.event, Requeued) for recorded in world.disk.events[task.id])
        world.verify()

    simulate(scenario())


@pytest.mark.parametrize("end", ["input", "memory", "engine", "timeout"])
@pytest.mark.parametrize("is_heard", [True, False])
def test_what_the_model_says_ends_the_task_at_its_first_attempt(end: str, is_heard: bool) -> None:
    """Also of a Worker that never said that it began: an order that it refuses, a time that ran out."""

    async def scenario() -> None:
        world = await started(Script(Play(end, is_heard=is_heard)))
        task = await world.submit(1, MODEL)
        assert task is not None
        await world.rest()
        ended = world.disk.tasks[task.id]
        assert (ended.state, ended.error, ended.attempt) == (TaskState.FAILED, f"It failed: {end}.", 1)
        world.verify()

    simulate(scenario())


def test_a_server_that_stops_puts_the_task_back_and_the_next_one_ends_it() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(takes_s=100.0), Play()))
        task = await world.submit(1, MODEL)
        assert task is not None
        await asyncio.sleep(1.0)
        await world.restart(is_crash=False, grace_s=2.0)
        await world.rest()
        ended = world.disk.tasks[task.id]
        assert (ended.state, ended.losses, ended.counted_losses) == (TaskState.SUCCEEDED, ("the server stopped",), 0)
        world.verify()

    simulate(scenario())


def test_a_server_that_stops_lets_a_short_run_finish() -> None:
    async def scenario() -> None:
        script = Script(Play(takes_s=3.0))
        world = await started(script)
        task = await world.submit(1, MODEL)
        assert task is not None
        await asyncio.sleep(1.0)
        await world.restart(is_crash=False, grace_s=5.0)
        assert world.disk.tasks[task.id].state is TaskState.SUCCEEDED
        assert await world.submit(1, MODEL) is not None
        await world.rest()
        world.verify()

    simulate(scenario())


def test_a_stopping_server_refuses_new_tasks() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(takes_s=3.0)))
        await world.submit(1, MODEL)
        await asyncio.sleep(0.5)
        stopping = asyncio.ensure_future(world.server.scheduler.stop(10.0))
        await asyncio.sleep(0.5)
        assert await world.submit(1, MODEL) is None
        await stopping

    simulate(scenario())


def test_an_input_is_fetched_stored_and_given_to_the_worker() -> None:
    async def scenario() -> None:
        script = Script(Play())
        world = await started(script)
        task = await world.submit(1, MODEL, PAGE)
        assert task is not None
        await world.rest()
        (given,) = script.orders[0].files["picture"]
        assert (given.content_type, given.path in world.disk.bytes_of) == ("image/png", True)
        (stored,) = world.disk.tasks[task.id].files["picture"]
        assert stored.access_key in world.disk.files
        world.verify()

    simulate(scenario())


def test_an_address_that_cannot_be_fetched_fails_the_task_with_its_reason() -> None:
    async def scenario() -> None:
        world = await started(Script(Play()))
        task = await world.submit(1, MODEL, "https://nowhere.example/a.png")
        assert task is not None
        await world.rest()
        assert world.disk.tasks[task.id].error == "The address https://nowhere.example/a.png could not be fetched: nothing is there."

    simulate(scenario())


def test_tasks_of_a_model_that_is_gone_fail_at_the_next_start() -> None:
    async def scenario() -> None:
        world = await started(Script(Play(takes_s=50.0)))
        other = await world.submit(1, OTHER)
        assert other is not None
        world.shape = Shape((MODEL,))
        await world.restart(is_crash=True)
        await world.rest()
        assert world.disk.tasks[other.id].error == "This server no longer has the model lab/other."

    simulate(scenario())


def test_a_model_that_cannot_start_fails_its_tasks_and_can_be_tried_again() -> None:
    async def scenario() -> None:
        errors = ["No weights."]
        world = World(Shape((MODEL,), setup=lambda model: (0.1, errors[0])))
        await world.start()
        tasks = [await world.submit(1, MODEL) for _ in range(3)]
        await world.rest()
        assert {world.disk.tasks[task.id].error for task in tasks if task} == {"lab/thing could not be started: No weights."}
        errors[0] = ""
        after = await world.submit(1, MODEL)
        assert after is not None
        await world.rest()
        assert world.disk.tasks[after.id].state is TaskState.SUCCEEDED

    simulate(scenario())


def test_losses_end_in_failure_at_their_bounds() -> None:
    task = make_task(TaskState.RUNNING, counted_losses=ATTEMPTS_MAX_COUNT - 1)
    assert isinstance(requeue_or_fail(task, "it died", is_counted=True), Failed)
    assert isinstance(requeue_or_fail(task, "the server stopped", is_counted=False), Requeued)
    weary = make_task(TaskState.RUNNING, losses=("the server stopped",) * (INTERRUPTIONS_MAX_COUNT - 1))
    assert isinstance(requeue_or_fail(weary, "the server stopped", is_counted=False), Failed)
