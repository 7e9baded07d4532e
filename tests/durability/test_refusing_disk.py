"""A real database that refuses for a while: what was accepted waits and is kept, new orders are refused with a sentence, work goes on."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from structlog.testing import capture_logs

from gesso.delivery.bus import Bus
from gesso.domain.errors import Unavailable
from gesso.domain.event import Accepted, Assigned, Cancelled, Failed, PreprocessEnded, PreprocessStarted, Started
from gesso.domain.task import Task, TaskState
from gesso.observe import SystemClock
from gesso.services.lifecycle import Lifecycle
from gesso.store.database import Call, Database, make_engine, sqlite_url
from gesso.store.migrate import upgrade
from gesso.store.tasks import SqlTasks, write_changes
from gesso.testing import make_task

UNLIMITED = 2**30
TO_RUNNING = (Accepted(1), PreprocessStarted(), PreprocessEnded(), Assigned("thing-1"), Started())
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


class Desk:
    """`max_pages`: how large the database may grow from now on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.max_pages = UNLIMITED
        engine = make_engine(sqlite_url(path))
        upgrade(engine)
        engine.dispose()

        @event.listens_for(engine, "begin")
        def bound(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={self.max_pages}")

        @event.listens_for(engine, "connect")
        def hurry(connection: Any, record: object) -> None:
            # Shorter than the server's own patience with a lock, so that the test is, too.
            connection.execute("PRAGMA busy_timeout=100")

        self.database = Database(engine, write_changes)
        self.open()

    def open(self) -> None:
        """A server's view, as after a start."""
        self.store = SqlTasks(self.database)
        self.lifecycle = Lifecycle(self.store, Bus(), SystemClock())

    async def create(self) -> Task:
        task = make_task(id=self.store.next_id(), values={"text": "x" * 1000})
        return await self.lifecycle.create(task, ())


def play(path: Path, scenario: Callable[[Desk], Awaitable[None]]) -> None:
    async def run() -> None:
        desk = Desk(path)
        try:
            async with asyncio.timeout(30.0):
                await scenario(desk)
        finally:
            await asyncio.to_thread(desk.database.close)

    asyncio.run(run())


async def fill(desk: Desk) -> list[Task]:
    """Create Tasks until there is no room: those that were accepted."""
    accepted: list[Task] = []
    try:
        while True:
            accepted.append(await desk.create())
    except Unavailable as error:
        refusal = error
    assert refusal.reason == "the disk is full"
    return accepted


async def tried(desk: Desk) -> str:
    """Why there is no room, as a trial finds it."""
    (found,) = await asyncio.gather(desk.database.try_room(), return_exceptions=True)
    reason = found.reason if isinstance(found, Unavailable) else ""
    assert desk.database.refusal == reason
    return reason


async def verify_ended(desk: Desk, task: Task, state: TaskState) -> None:
    """From the disk, as the next server reads it."""
    stored = await desk.store.by_id(task.id)
    assert stored is not None
    assert stored.state is state
    assert [recorded.seq for recorded in await desk.store.events(task.id)] == list(range(1, stored.seq + 1))


def test_a_full_disk_keeps_what_was_accepted_and_refuses_the_rest(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        accepted = [await desk.create() for _ in range(20)]
        desk.max_pages = 1
        accepted += await fill(desk)
        ends = []
        for task in accepted:
            desk.lifecycle.record(task.id, None, *TO_RUNNING)
            ends.append(asyncio.ensure_future(_wait(desk.lifecycle.record(task.id, 1, Failed("It broke. " + "x" * 2000)))))
        refused = await asyncio.gather(*(desk.create() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(error, Unavailable) for error in refused)
        assert await tried(desk) == "the disk is full"
        assert not any(end.done() for end in ends)
        assert (await desk.lifecycle.see(accepted[0].id)).state is TaskState.QUEUED
        desk.max_pages = UNLIMITED
        await asyncio.gather(*ends)
        accepted.append(await desk.create())
        for task in accepted[:-1]:
            await verify_ended(desk, task, TaskState.FAILED)
        assert desk.database.refusal == ""
        assert [entry.task_id for entry in await desk.store.unfinished()] == [accepted[-1].id]

    play(tmp_path / "gesso.db", scenario)


async def _wait(commit: Awaitable[None]) -> None:
    await commit


def test_a_disk_that_refuses_is_logged_once_and_once_more_when_it_takes_writes_again(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        with capture_logs() as said:
            desk.max_pages = 1
            task = (await fill(desk))[-1]
            end = asyncio.ensure_future(_wait(desk.lifecycle.record(task.id, None, Failed("x" * 100_000))))
            for _ in range(3):
                assert await tried(desk) == "the disk is full"
            desk.max_pages = UNLIMITED
            await end
        assert [(each["event"], each.get("reason")) for each in said] == [
            ("the database refuses writes", "the disk is full"),
            ("the database takes writes again", None),
        ]

    play(tmp_path / "gesso.db", scenario)


def test_a_locked_database_delays_and_loses_nothing(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        task, other = await desk.create(), await desk.create()
        lock = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOCK, str(desk.path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert lock.stdout is not None
        assert await lock.stdout.readline() == b"locked\n"
        end = asyncio.ensure_future(_wait(desk.lifecycle.record(task.id, None, Cancelled())))
        with pytest.raises(Unavailable, match="locked by another process"):
            await desk.create()
        assert await tried(desk) == "the database is locked by another process"
        assert not end.done()
        # Reading goes on beside the lock.
        stored = await desk.store.by_id(other.id)
        assert stored is not None
        assert stored.state is TaskState.QUEUED
        await lock.communicate(b"")
        await end
        await verify_ended(desk, task, TaskState.CANCELLED)
        assert await tried(desk) == ""
        assert await desk.create()

    play(tmp_path / "gesso.db", scenario)


def test_what_waits_at_the_end_of_a_server_is_left_to_recovery_and_holds_up_nothing(tmp_path: Path) -> None:
    """Also more changes than one commit takes."""

    async def scenario(desk: Desk) -> None:
        accepted = [await desk.create() for _ in range(600)]
        desk.max_pages = 1
        for task in accepted:
            desk.lifecycle.record(task.id, None, *TO_RUNNING, Failed("It broke. " + "x" * 5000))
        await fill(desk)
        closing = threading.Thread(target=desk.database.close)
        closing.start()
        await asyncio.to_thread(closing.join, 20.0)
        assert not closing.is_alive()
        again = Desk(desk.path)
        left = await again.store.unfinished()
        for entry in left:
            stored = await again.store.by_id(entry.task_id)
            assert stored is not None
            assert stored.seq == 1
        assert left
        await asyncio.to_thread(again.database.close)

    async def run() -> None:
        async with asyncio.timeout(40.0):
            await scenario(Desk(tmp_path / "gesso.db"))

    asyncio.run(run())


def test_a_change_that_cannot_be_written_fails_alone_and_the_writer_goes_on(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        def divide(connection: Connection) -> float:
            return 1 / 0

        bad = make_task(id=desk.store.next_id(), values={"text": "half a pair: \ud800", "count": 2**70})
        results = await asyncio.gather(
            desk.create(),
            desk.lifecycle.create(bad, ()),
            desk.database.put(Call(divide)),
            desk.create(),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [Task, TypeError, ZeroDivisionError, Task]
        assert desk.lifecycle.current(bad.id) is None
        assert await desk.create()

    play(tmp_path / "gesso.db", scenario)
