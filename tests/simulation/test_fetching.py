"""Inputs that are addresses, through the real Scheduler: they hold no Worker, stop with their Task, and leave nothing."""

from __future__ import annotations

import asyncio

import pytest
from simulated_world import PAGE, SLOW_PAGE, SLOW_PAGE_S, Shape, World, started_times

from gesso.domain.errors import NotCancellable
from gesso.domain.event import FileInput, Requeued
from gesso.domain.limits import FETCHING_PER_PROJECT_MAX_COUNT
from gesso.domain.task import Task, TaskState
from gesso.services.staging import Staging
from gesso.testing import Play, make_model, simulate

MODEL = make_model("lab/thing")
MINE, YOURS = 1, 2


class Yard:
    """A World with one Worker, which takes `setup_s` to load and then 1 s for a run."""

    def __init__(self, setup_s: float = 0.0) -> None:
        self.world = World(Shape((MODEL,), cpu_workers=1, play=lambda order: Play(takes_s=1.0), setup=lambda model: (setup_s, "")))

    async def start(self, is_warm: bool = True) -> Yard:
        await self.world.start()
        if is_warm:
            await self.submit(3)
            await self.world.rest()
        return self

    async def submit(self, project_id: int, url: str = "") -> Task:
        task = await self.world.submit(project_id, MODEL, url)
        assert task is not None
        return task

    async def state(self, task: Task) -> TaskState:
        return (await self.world.server.lifecycle.see(task.id)).state

    async def rest(self) -> None:
        await self.world.rest()
        self.world.verify()


def test_a_slow_address_holds_no_worker() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        slow = [await yard.submit(MINE, SLOW_PAGE) for _ in range(2)]
        await asyncio.sleep(0.1)
        quick = [await yard.submit(MINE), await yard.submit(YOURS)]
        await yard.rest()
        assert max(started_times(yard.world, quick)) < 1.1
        assert started_times(yard.world, slow) == pytest.approx([SLOW_PAGE_S, SLOW_PAGE_S + 1], abs=0.1)

    simulate(scenario())


def test_a_kill_stops_the_fetch_and_leaves_nothing() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        bytes_before = set(yard.world.disk.bytes_of)
        task = await yard.submit(MINE, SLOW_PAGE)
        await asyncio.sleep(0.1)
        assert await yard.state(task) is TaskState.PREPROCESSING
        with pytest.raises(NotCancellable):
            await yard.world.server.tasks.cancel(task)
        assert yard.world.server.fetch.under_way == [SLOW_PAGE]
        await yard.world.server.tasks.kill(task)
        await asyncio.sleep(0.1)
        assert yard.world.server.fetch.under_way == []
        assert set(yard.world.disk.bytes_of) == bytes_before
        assert await yard.state(task) is TaskState.CANCELLED
        await yard.rest()

    simulate(scenario())


def test_a_kill_reaches_a_task_whose_inputs_wait_for_a_worker() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        task = await yard.submit(MINE, SLOW_PAGE)
        await asyncio.sleep(SLOW_PAGE_S - 0.5)
        others = [await yard.submit(YOURS) for _ in range(3)]
        await asyncio.sleep(0.7)
        assert await yard.state(task) is TaskState.PREPROCESSED
        await yard.world.server.tasks.kill(task)
        await yard.rest()
        assert task.id not in yard.world.starts
        assert all([await yard.state(other) is TaskState.SUCCEEDED for other in others])

    simulate(scenario())


def test_a_project_fetches_for_a_few_tasks_at_a_time_and_holds_up_nobody_else() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        for _ in range(FETCHING_PER_PROJECT_MAX_COUNT + 2):
            await yard.submit(MINE, SLOW_PAGE)
        await asyncio.sleep(0.1)
        assert len(yard.world.server.fetch.under_way) == FETCHING_PER_PROJECT_MAX_COUNT
        theirs = [await yard.submit(YOURS, SLOW_PAGE), await yard.submit(YOURS)]
        await asyncio.sleep(0.1)
        assert len(yard.world.server.fetch.under_way) == FETCHING_PER_PROJECT_MAX_COUNT + 1
        await yard.rest()
        assert started_times(yard.world, theirs[1:]) == pytest.approx([0.0], abs=0.1)
        # Not after all of the other Project's.
        assert started_times(yard.world, theirs[:1])[0] <= SLOW_PAGE_S + 2.1

    simulate(scenario())


def test_a_task_without_addresses_waits_for_no_fetch_of_its_project() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        for _ in range(FETCHING_PER_PROJECT_MAX_COUNT):
            await yard.submit(MINE, SLOW_PAGE)
        await asyncio.sleep(0.1)
        plain = await yard.submit(MINE)
        await yard.rest()
        assert started_times(yard.world, [plain]) == pytest.approx([0.0], abs=0.1)

    simulate(scenario())


def test_inputs_are_fetched_while_the_worker_loads() -> None:
    async def scenario() -> None:
        yard = await Yard(setup_s=SLOW_PAGE_S).start(is_warm=False)
        task = await yard.submit(MINE, SLOW_PAGE)
        await yard.rest()
        assert started_times(yard.world, [task]) == pytest.approx([SLOW_PAGE_S], abs=0.1)

    simulate(scenario())


@pytest.mark.parametrize("is_crash", [True, False])
@pytest.mark.parametrize("moment_s", [0.5, SLOW_PAGE_S + 0.2])
def test_a_server_that_ends_while_it_fetches_or_after_leaves_it_to_the_next(is_crash: bool, moment_s: float) -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        task = await yard.submit(MINE, SLOW_PAGE)
        await asyncio.sleep(moment_s)
        await yard.world.restart(is_crash, grace_s=0.1)
        await yard.rest()
        ended = yard.world.disk.tasks[task.id]
        assert (ended.state, len(ended.losses), ended.counted_losses) == (TaskState.SUCCEEDED, 1, 0)
        assert ended.files["picture"][0].access_key in yard.world.disk.files

    simulate(scenario())


def test_a_store_out_of_reach_when_a_fetch_begins_loses_no_task() -> None:
    async def scenario() -> None:
        # With room for one Task in memory, the one that must fetch is read from the disk again.
        world = World(Shape((MODEL,), cpu_workers=1, play=lambda order: Play(takes_s=1.0), live_max_count=1))
        await world.start()
        tasks = [await world.submit(MINE, MODEL), await world.submit(MINE, MODEL, PAGE)]
        assert all(tasks)
        fetch = world.server.attempts.fetch
        world.disk.read_trouble = "the database is gone"
        assert world.server.lifecycle.current(2) is None
        assert await fetch(2, MODEL)
        world.disk.read_trouble = ""
        await world.rest()
        assert [world.disk.tasks[task.id].state for task in tasks if task] == [TaskState.SUCCEEDED] * 2
        world.verify()

    simulate(scenario())


def test_a_server_that_stops_waits_for_no_fetch() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        task = await yard.submit(MINE, SLOW_PAGE)
        await asyncio.sleep(0.5)
        now = asyncio.get_running_loop().time()
        await yard.world.restart(is_crash=False, grace_s=15.0)
        assert asyncio.get_running_loop().time() - now < 1.0
        await yard.rest()
        assert await yard.state(task) is TaskState.SUCCEEDED

    simulate(scenario())


def test_a_disk_that_is_full_costs_no_attempt_and_is_asked_again_ever_later() -> None:
    async def scenario() -> None:
        yard = await Yard().start()
        yard.world.server.blobs.trouble = "its disk is full"
        task = await yard.submit(MINE, PAGE)
        await asyncio.sleep(200.0)
        losses = [each for each in yard.world.disk.events[task.id] if isinstance(each.event, Requeued)]
        assert 4 <= len(losses) <= 8
        assert {each.event for each in losses} == {Requeued("its disk is full", is_counted=False)}
        yard.world.server.blobs.trouble = ""
        await yard.rest()
        assert await yard.state(task) is TaskState.SUCCEEDED

    simulate(scenario())


def test_a_worker_whose_disk_is_full_runs_the_task_again_once_there_is_room() -> None:
    async def scenario() -> None:
        plays = [Play("disk")] * 5 + [Play(takes_s=2.0)]
        world = World(Shape((MODEL,), cpu_workers=1, play=lambda order: plays.pop(0), setup=lambda model: (0.0, "")))
        await world.start()
        task = await world.submit(MINE, MODEL)
        assert task is not None
        await world.rest()
        ended = world.disk.tasks[task.id]
        assert (ended.state, ended.counted_losses, ended.billed_us) == (TaskState.SUCCEEDED, 0, 2_000_000)
        assert ended.losses == ("It failed: disk.",) * 5
        world.verify()

    simulate(scenario())


@pytest.mark.parametrize("is_killed", [True, False])
def test_of_several_addresses_all_come_or_nothing_stays(is_killed: bool) -> None:
    """One that cannot be fetched is told at once: the slow one beside it is not waited for."""

    async def scenario() -> None:
        server = (await Yard().start()).world.server
        urls = (PAGE, SLOW_PAGE) if is_killed else (PAGE, SLOW_PAGE, "https://nowhere.example/a.png")
        files = {"picture": tuple(FileInput("a.png", url=url) for url in urls)}
        task = Task(99, "t", MINE, MODEL.name, "wiro", {}, files)
        staging: Staging = server.staging
        before = set(server.blobs.disk.bytes_of)
        fetching = asyncio.ensure_future(staging.fetch_inputs(task, MODEL))
        await asyncio.sleep(0.1)
        assert fetching.done() is not is_killed
        fetching.cancel()
        await asyncio.wait([fetching])
        assert server.fetch.under_way == []
        assert set(server.blobs.disk.bytes_of) == before

    simulate(scenario())
