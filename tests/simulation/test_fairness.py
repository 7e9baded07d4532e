"""Nobody waits for ever: neither a project beside a flood, nor a model whose room others use, nor the last of a very long line."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from simulated_world import Shape, World, started_times

from gesso.domain.limits import MODEL_PATIENCE_S
from gesso.domain.task import TaskState
from gesso.models.contract import Device
from gesso.testing import Play, make_model, simulate

MIB = 2**20
ONE = make_model("lab/one", memory_bytes=300 * MIB)
LARGE = make_model("lab/large", memory_bytes=900 * MIB)


def test_a_project_with_one_task_waits_for_one_run_of_a_project_that_floods() -> None:
    async def scenario() -> None:
        world = World(Shape((ONE,), cpu_workers=1, play=lambda order: Play(takes_s=1.0), setup=lambda model: (0.0, "")))
        await world.start()
        for _ in range(200):
            await world.submit(1, ONE)
        await asyncio.sleep(10.5)
        lonely = [await world.submit(project_id, ONE) for project_id in (2, 3, 4)]
        await world.rest()
        waits = started_times(world, [task for task in lonely if task])
        assert max(waits) <= 4.0, waits
        await world.server.scheduler.stop(0.0)
        world.verify()

    simulate(scenario())


def test_projects_share_the_workers_evenly() -> None:
    async def scenario() -> None:
        world = World(Shape((ONE,), cpu_workers=2, play=lambda order: Play(takes_s=1.0)))
        await world.start()
        for project_id, count in ((1, 120), (2, 40), (3, 40)):
            for _ in range(count):
                await world.submit(project_id, ONE)
        await world.rest()
        first = [world.disk.tasks[task_id].project_id for task_id in world.starts[:90]]
        assert all(abs(first.count(project_id) - 30) <= 2 for project_id in (1, 2, 3)), first
        await world.server.scheduler.stop(0.0)

    simulate(scenario())


def test_a_model_without_room_comes_before_those_that_keep_the_room_busy() -> None:
    """Two workers of `one` are never idle, and `large` needs the memory of both."""

    async def scenario() -> None:
        shape = Shape((ONE, LARGE), (Device("cpu", 1024 * MIB, 1),), 2, lambda order: Play(takes_s=2.0), lambda model: (1.0, ""))
        world = World(shape)
        await world.start()
        for _ in range(300):
            await world.submit(1, ONE)
        await asyncio.sleep(5.0)
        large = await world.submit(2, LARGE)
        await world.rest()
        assert large is not None
        (wait_s,) = started_times(world, [large])
        assert MODEL_PATIENCE_S <= wait_s <= MODEL_PATIENCE_S + 10.0
        # The room goes back to those who wait, and nobody changes places more often than patience allows.
        assert len(world.starts) == 301
        await world.server.scheduler.stop(0.0)
        world.verify()

    simulate(scenario())


def test_two_models_that_want_one_room_take_turns() -> None:
    async def scenario() -> None:
        other = make_model("lab/other", memory_bytes=900 * MIB)
        shape = Shape((LARGE, other), (Device("cpu", 1024 * MIB, 1),), 2, lambda order: Play(takes_s=1.0), lambda model: (5.0, ""))
        world = World(shape)
        await world.start()
        for _ in range(100):
            await world.submit(1, LARGE)
            await world.submit(2, other)
        await world.rest()
        order = [world.disk.tasks[task_id].model for task_id in world.starts]
        changes = sum(1 for before, after in pairwise(order) if before != after)
        assert 4 <= changes <= 10, changes
        await world.server.scheduler.stop(0.0)

    simulate(scenario())


def test_a_long_line_waits_on_disk_and_is_served_to_its_end() -> None:
    async def scenario() -> None:
        world = World(Shape((ONE,), cpu_workers=4, play=lambda order: Play(takes_s=0.01), live_max_count=50))
        await world.start()
        for number in range(1000):
            await world.submit(number % 7, ONE)
        kept = sum(1 for task_id in world.accepted if world.server.lifecycle.current(task_id) is not None)
        assert kept <= 60
        await world.restart(is_crash=True)
        await world.rest()
        assert {task.state for task in world.disk.tasks.values()} == {TaskState.SUCCEEDED}
        await world.server.scheduler.stop(0.0)
        world.verify()

    simulate(scenario())
