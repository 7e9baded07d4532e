"""Batches through the real Scheduler: who shares one, who is not overtaken, and what a kill, a lost Worker and a stop mean for each."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from simulated_world import PAGE, Shape, World, started_times

from gesso.domain.batch import ALONE, Fit
from gesso.domain.task import Task, TaskState
from gesso.ports import RunOrder
from gesso.testing import Play, make_model, simulate

CHORUS = make_model("lab/chorus", per_second="0.5")
ANYBODY = Fit("a", 1, 4)


class Hall:
    """A World with one Worker that serves Tasks together, which is not free before all are in line."""

    def __init__(self, play: Play | None = None, workers: int = 1, fit_s: float = 0.0) -> None:
        self.fits: dict[int, Fit | None] = {}
        self.plays: dict[int, Play] = {}
        self._play = play or Play(takes_s=2.0)
        self.world = World(
            Shape(
                (CHORUS,),
                cpu_workers=workers,
                play=lambda order: self.plays.get(order.task_id, self._play),
                setup=lambda model: (1.0, ""),
                fit={CHORUS.name: self._fit},
                fit_s=lambda: fit_s,
            )
        )

    def _fit(self, order: RunOrder) -> Fit | None:
        return self.fits.get(order.task_id, ANYBODY)

    async def line(self, *projects: int) -> list[Task]:
        """Tasks of these projects, in this order."""
        await self.world.start()
        return [await self.one(project_id) for project_id in projects]

    async def one(self, project_id: int, url: str = "") -> Task:
        task = await self.world.submit(project_id, CHORUS, url)
        assert task is not None
        return task

    @property
    def batches(self) -> list[list[int]]:
        return [[order.task_id for order in batch] for executor in self.world.hired for batch in executor.batches]

    async def rest(self) -> list[Task]:
        await self.world.rest()
        await self.world.server.scheduler.stop(0.0)
        assert not self.world.server.executors
        self.world.verify()
        return [self.world.disk.tasks[task_id] for task_id in sorted(self.world.accepted)]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    simulate(scenario)


def test_those_that_come_next_share_a_batch_whoever_owns_them() -> None:
    async def scenario() -> None:
        hall = Hall()
        tasks = await hall.line(1, 1, 2, 1, 2, 3)
        ended = await hall.rest()
        one, *_ = tasks
        # In turns between projects, as they would have been served alone.
        assert hall.batches == [[one.id, one.id + 2, one.id + 5, one.id + 1], [one.id + 4, one.id + 3]]
        assert {task.state for task in ended} == {TaskState.SUCCEEDED}

    run(scenario())


def test_the_time_of_the_worker_is_divided_and_charged_once() -> None:
    async def scenario() -> None:
        hall = Hall(fit_s=0.7)
        first, *_ = await hall.line(1, 2, 3)
        hall.fits[first.id] = Fit("a", 2, 4)
        ended = await hall.rest()
        assert hall.batches == [[first.id, first.id + 1, first.id + 2]]
        assert [task.billed_us for task in ended] == [1_000_000, 500_000, 500_000]
        assert [task.cost for task in ended] == [Decimal("0.5"), Decimal("0.25"), Decimal("0.25")]

    run(scenario())


def test_nobody_is_overtaken() -> None:
    """Of those behind one that does not fit, none joins, though it would."""

    async def scenario() -> None:
        hall = Hall()
        tasks = await hall.line(*[1] * 6)
        for task, key in zip(tasks, "aabaaa", strict=True):
            hall.fits[task.id] = Fit(key, 1, 4)
        hall.fits[tasks[5].id] = None
        await hall.rest()
        assert hall.batches == [[tasks[0].id, tasks[1].id], [tasks[3].id, tasks[4].id]]
        assert hall.world.starts == [task.id for task in tasks]

    run(scenario())


def test_a_project_with_one_task_waits_for_one_batch_of_a_project_that_floods() -> None:
    async def scenario() -> None:
        hall = Hall(Play(takes_s=1.0))
        await hall.line(*[1] * 40)
        await asyncio.sleep(4.5)
        lonely = await hall.one(2)
        hall.fits[lonely.id] = Fit("b", 1, 4)
        await hall.rest()
        assert started_times(hall.world, [lonely])[0] <= 1.0

    run(scenario())


def test_a_batch_is_never_larger_than_its_tasks_admit() -> None:
    async def scenario() -> None:
        hall = Hall()
        tasks = await hall.line(*[1] * 5)
        for task, size in zip(tasks, (2, 1, 2, 1, 1), strict=True):
            hall.fits[task.id] = Fit("a", size, 4)
        await hall.rest()
        assert hall.batches == [[task.id for task in tasks[:2]], [task.id for task in tasks[2:]]]

    run(scenario())


def test_nobody_waits_for_company_and_idle_workers_come_first() -> None:
    async def scenario() -> None:
        hall = Hall(workers=2)
        await hall.line(1)
        await asyncio.sleep(5.0)
        await hall.one(1)
        await hall.one(2)
        await hall.rest()
        assert hall.batches == []

    run(scenario())


def test_inputs_that_must_be_fetched_are_waited_for_by_nobody_else() -> None:
    async def scenario() -> None:
        hall = Hall()
        first, second = await hall.line(1, 1)
        third = await hall.one(1, PAGE)
        fourth = await hall.one(1)
        await hall.rest()
        assert hall.batches == [[first.id, second.id]]
        assert hall.world.starts[2:] == [fourth.id, third.id]

    run(scenario())


def test_who_asks_for_it_runs_alone() -> None:
    async def scenario() -> None:
        hall = Hall()
        first, second = await hall.line(1, 1)
        await hall.world.submit(1, CHORUS, sent={ALONE: "true"})
        await hall.one(1)
        await hall.rest()
        assert hall.batches == [[first.id, second.id]]

    run(scenario())


def test_one_that_is_killed_leaves_and_the_others_do_not_notice() -> None:
    async def scenario() -> None:
        for at_s in (1.1, 1.3, 2.5):
            hall = Hall(fit_s=0.1)
            tasks = await hall.line(1, 2, 3)
            await asyncio.sleep(at_s)
            await hall.world.server.tasks.kill(tasks[1])
            ended = await hall.rest()
            assert [task.state for task in ended] == [TaskState.SUCCEEDED, TaskState.CANCELLED, TaskState.SUCCEEDED], at_s
            assert [task.attempt for task in ended if task.state is TaskState.SUCCEEDED] == [1, 1]

    run(scenario())


def test_when_the_first_is_killed_before_it_begins_the_next_ones_go_on() -> None:
    async def scenario() -> None:
        hall = Hall(fit_s=0.1)
        first, *_ = await hall.line(1, 2, 3)
        await asyncio.sleep(1.15)
        await hall.world.server.tasks.kill(first)
        ended = await hall.rest()
        assert [task.state for task in ended] == [TaskState.CANCELLED, TaskState.SUCCEEDED, TaskState.SUCCEEDED]

    run(scenario())


def test_one_that_fails_fails_alone() -> None:
    async def scenario() -> None:
        hall = Hall()
        tasks = await hall.line(1, 2, 3)
        hall.plays[tasks[1].id] = Play("engine", 1.0)
        ended = await hall.rest()
        assert hall.batches == [[task.id for task in tasks]]
        assert [task.state for task in ended] == [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SUCCEEDED]
        assert ended[1].error == "It failed: engine."

    run(scenario())


def test_a_worker_that_dies_costs_each_one_attempt_and_then_each_runs_alone() -> None:
    async def scenario() -> None:
        hall = Hall()
        tasks = await hall.line(1, 2, 3)
        hall.plays[tasks[1].id] = Play("lost", 1.0)
        ended = await hall.rest()
        assert hall.batches == [[task.id for task in tasks]]
        # Whose fault it was shows: the others are lost once.
        assert [task.counted_losses for task in ended] == [1, 2, 1]
        assert [task.state for task in ended] == [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SUCCEEDED]

    run(scenario())


def test_a_worker_that_dies_while_it_is_asked_costs_the_first_one_attempt() -> None:
    async def scenario() -> None:
        hall = Hall(fit_s=0.5)
        await hall.line(1, 2, 3)
        await asyncio.sleep(1.2)
        hall.world.hired[0].die()
        ended = await hall.rest()
        assert [task.counted_losses for task in ended] == [1, 0, 0]
        assert {task.state for task in ended} == {TaskState.SUCCEEDED}

    run(scenario())


def test_a_server_that_stops_puts_them_back_in_the_queue() -> None:
    async def scenario() -> None:
        for at_s in (1.2, 2.4):
            hall = Hall(fit_s=0.3)
            await hall.line(1, 2, 3)
            await asyncio.sleep(at_s)
            await hall.world.restart(is_crash=False, grace_s=0.0)
            ended = await hall.rest()
            assert {task.state for task in ended} == {TaskState.SUCCEEDED}, at_s
            assert {task.counted_losses for task in ended} == {0}

    run(scenario())
