"""Deleted projects are hidden and their tasks withdrawn, whoever deleted them; requests are stored in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from gesso.delivery.bus import Bus
from gesso.domain.errors import FileUnknown, KeyUnknown, TaskUnknown, Unavailable
from gesso.domain.task import Task, TaskState
from gesso.services.files import Files
from gesso.services.identity import Identity, Proof
from gesso.services.lifecycle import Lifecycle
from gesso.services.tasks import Tasks
from gesso.services.upkeep import Upkeep
from gesso.testing import FakeClock, MemoryAccounts, MemoryBlobs, MemoryFiles, MemoryTasks, make_file, make_key, make_project, make_task


class Projects:
    """What the store knows, which can fail."""

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.counts: dict[int, int] = {}
        self.writes = 0
        self.error: Exception | None = None

    async def deleted(self) -> set[int]:
        if self.error is not None:
            raise self.error
        return set(self.gone)

    async def add_requests(self, counts: Mapping[int, int]) -> None:
        if self.error is not None:
            raise self.error
        self.writes += 1
        for project_id, count in counts.items():
            self.counts[project_id] = self.counts.get(project_id, 0) + count


class World:
    """Two projects, 1 and 2, each with a key, and files and tasks that may be added."""

    def __init__(self) -> None:
        self.clock, self.store, self.task_store = FakeClock(), Projects(), MemoryTasks()
        self.lifecycle = Lifecycle(self.task_store, Bus(), self.clock)
        hidden: set[int] = set()
        self.tasks = Tasks(self.lifecycle, Bus(), hidden)
        self.file_store = MemoryFiles()
        self.files = Files(self.file_store, MemoryBlobs(), hidden)
        accounts = MemoryAccounts()
        self.identity = Identity(accounts, self.clock)
        self.keys = {number: accounts.put(make_key(make_project(number))) for number in (1, 2)}
        # Never in this test's time: rounds are made by hand.
        self.upkeep = Upkeep(self.store, self.task_store, self.lifecycle, self.tasks, self.identity, self.clock, hidden, refresh_s=10_000)

    async def task(self, project_id: int) -> Task:
        new = make_task(TaskState.NEW, id=self.task_store.next_id(), project_id=project_id)
        return await self.lifecycle.create(new, ())

    async def ask(self, number: int) -> None:
        await self.identity.project(Proof(self.keys[number].api_key, "", "", ""))


def run(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def play() -> None:
        await scenario(World())

    asyncio.run(play())


def test_a_deleted_project_is_hidden_and_its_tasks_end_and_no_others() -> None:
    async def scenario(world: World) -> None:
        mine, other = [await world.task(1) for _ in range(300)], await world.task(2)
        file = make_file(project_id=1)
        await world.file_store.add(file)
        assert await world.files.find(file.access_key) == file
        await world.upkeep.bury(1)
        assert {(await world.lifecycle.see(task.id)).state for task in mine} == {TaskState.CANCELLED}
        assert (await world.lifecycle.see(other.id)).state is TaskState.QUEUED
        with pytest.raises(TaskUnknown):
            await world.tasks.by_token(mine[0].token)
        with pytest.raises(FileUnknown):
            await world.files.find(file.access_key)
        assert await world.tasks.by_token(other.token) == other

    run(scenario)


def test_what_was_deleted_while_no_server_ran_is_hidden_before_requests_come() -> None:
    async def scenario(world: World) -> None:
        task = await world.task(1)
        world.store.gone.add(1)
        await world.upkeep.start()
        with pytest.raises(TaskUnknown):
            await world.tasks.by_token(task.token)
        assert (await world.lifecycle.see(task.id)).state is TaskState.CANCELLED
        await world.upkeep.stop()

    run(scenario)


def test_a_task_that_is_accepted_while_its_project_goes_is_withdrawn_in_the_next_round() -> None:
    async def scenario(world: World) -> None:
        await world.upkeep.bury(1)
        late = await world.task(1)
        assert (await world.lifecycle.see(late.id)).state is TaskState.QUEUED
        await world.upkeep.refresh()
        assert (await world.lifecycle.see(late.id)).state is TaskState.CANCELLED

    run(scenario)


def test_a_key_that_was_remembered_is_looked_up_again_after_a_deletion() -> None:
    async def scenario(world: World) -> None:
        await world.ask(1)
        world.identity._accounts.revoke(world.keys[1].api_key)  # type: ignore[attr-defined]
        await world.upkeep.bury(1)
        with pytest.raises(KeyUnknown):
            await world.ask(1)

    run(scenario)


def test_requests_of_all_projects_are_one_write_and_none_without_requests() -> None:
    async def scenario(world: World) -> None:
        await world.upkeep.flush()
        for number in (1, 1, 2):
            await world.ask(number)
        await world.upkeep.flush()
        await world.upkeep.flush()
        assert (world.store.counts, world.store.writes) == ({1: 2, 2: 1}, 1)

    run(scenario)


def test_a_store_that_fails_loses_no_count_and_a_stop_stores_the_rest() -> None:
    async def scenario(world: World) -> None:
        await world.upkeep.start()
        await world.ask(1)
        world.store.error = Unavailable("the disk is full")
        with pytest.raises(Unavailable):
            await world.upkeep.flush()
        await world.ask(1)
        world.store.error = None
        await world.upkeep.stop()
        assert world.store.counts == {1: 2}

    run(scenario)


def test_a_loop_whose_store_fails_goes_on() -> None:
    async def scenario(world: World) -> None:
        world.upkeep._refresh_s = 0.0
        await world.upkeep.start()
        world.store.error = RuntimeError("a defect")
        for _ in range(5):
            await asyncio.sleep(0)
        world.store.error = None
        world.store.gone.add(2)
        task = await world.task(2)
        assert (await asyncio.wait_for(world.lifecycle.wait(task.id), 10)).state is TaskState.CANCELLED
        await world.upkeep.stop()

    run(scenario)
