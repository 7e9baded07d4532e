"""What every TaskStore and FileStore promises, on SQLite, on PostgreSQL and on their doubles."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from databases import emptied
from sqlalchemy import select

from gesso.domain.errors import StaleAttempt
from gesso.domain.event import (
    Accepted,
    Assigned,
    Cancelled,
    Ended,
    Event,
    Failed,
    FileInput,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Queued,
    Recorded,
    Requeued,
    Started,
    Succeeded,
)
from gesso.domain.task import Task, TaskState, apply
from gesso.ports import FileStore, QueueEntry, TaskChange, TaskStore
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.files import SqlFiles
from gesso.store.migrate import upgrade
from gesso.store.schema import metadata
from gesso.store.tasks import SqlTasks, write_changes
from gesso.testing import EPOCH_US, MemoryFiles, MemoryTasks, make_file, make_task


@dataclass
class Stores:
    tasks: TaskStore
    files: FileStore
    reopen: Callable[[], TaskStore]


Scenario = Callable[[Stores], Awaitable[None]]
Player = Callable[[Scenario], None]


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Player:
    async def on_memory(scenario: Scenario) -> None:
        tasks = MemoryTasks()
        await scenario(Stores(tasks, MemoryFiles(tasks.disk), lambda: MemoryTasks(tasks.disk)))

    async def on_sql(scenario: Scenario) -> None:
        if request.param == "postgres":
            engine = emptied(request.getfixturevalue("postgres_engine"))
        else:
            engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
            upgrade(engine)
        database = Database(engine, write_changes)
        try:
            await scenario(Stores(SqlTasks(database), SqlFiles(database), lambda: SqlTasks(database)))
        finally:
            await asyncio.to_thread(database.close)

    if request.param == "postgres":
        request.getfixturevalue("postgres_engine")
    return lambda scenario: asyncio.run((on_memory if request.param == "memory" else on_sql)(scenario))


def advance(task: Task, *events: Event, **also: object) -> TaskChange:
    """The change that takes a Task on by these Events."""
    before, recorded = task.seq, []
    for number, event in enumerate(events):
        task = apply(task, event, EPOCH_US + task.seq + number)
        recorded.append(Recorded(task.seq, EPOCH_US + task.seq - 1 + number, event))
    return TaskChange(task, before, tuple(recorded), **also)  # type: ignore[arg-type]


OUTPUT = make_file(b"made", "0.png")
INPUT = FileInput("été.png", "k" * 30, content_type="image/png")
TO_RUNNING: tuple[Event, ...] = (Accepted(1), PreprocessStarted(), PreprocessEnded({"picture": (INPUT,)}), Assigned("thing-1"), Started())
TO_THE_END: tuple[Event, ...] = (
    Ended(0, (OUTPUT,), 1_234_567, Decimal("0.123456789012"), "said\n", "moaned ✓\n"),
    PostprocessStarted(),
    Succeeded(),
)


def new_task(store: TaskStore, **fields: object) -> Task:
    return make_task(id=store.next_id(), **fields)


def test_a_task_is_read_as_it_was_written(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        store = stores.tasks
        values = {
            "text": "snow ☃ \x01 'quoted'",
            "steps": 5,
            "strength": 0.25,
            "seed": 2**64 - 1,
            "mask": None,
            "flags": ["a", "b"],
            "on": True,
        }
        sent = {"nested": {"list": [1, "two", None]}}
        files = {"picture": (FileInput("a.png", url="https://pictures.example/a.png"),)}
        task = new_task(store, values=values, sent=sent, files=files, callback_url="https://hooks.example/")
        for events in ((Queued(),), TO_RUNNING, (Requeued("It died.", is_counted=True),), (Accepted(2), *TO_RUNNING[1:]), TO_THE_END):
            change = advance(task, *events)
            await store.write(change)
            task = change.task
            assert await store.by_id(task.id) == task
            assert await store.by_token(task.token) == task
        assert (task.cost, task.losses, task.attempt, task.outputs) == (Decimal("0.123456789012"), ("It died.",), 2, (OUTPUT,))

    play(scenario)


def test_events_are_read_as_they_were_written(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        task, written = new_task(stores.tasks), []
        for events in ((Queued(),), TO_RUNNING, TO_THE_END):
            change = advance(task, *events)
            await stores.tasks.write(change)
            task = change.task
            written += change.events
        assert await stores.tasks.events(task.id) == written
        assert await stores.tasks.events(task.id + 1) == []

    play(scenario)


@pytest.mark.parametrize("end", [Failed("It broke: ☃."), Cancelled()])
def test_other_ends_are_read_as_they_were_written(play: Player, end: Event) -> None:
    async def scenario(stores: Stores) -> None:
        change = advance(new_task(stores.tasks), Queued(), end)
        await stores.tasks.write(change)
        assert await stores.tasks.by_id(change.task.id) == change.task
        assert await stores.tasks.events(change.task.id) == list(change.events)

    play(scenario)


def test_what_nobody_wrote_is_none(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        assert await stores.tasks.by_id(7) is None
        assert await stores.tasks.by_token("nobody") is None
        assert await stores.files.by_access_key("nobody") is None

    play(scenario)


def test_a_change_that_does_not_follow_the_stored_one_is_refused_and_leaves_nothing(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        store = stores.tasks
        first = advance(new_task(store), Queued())
        await store.write(first)
        await store.write(advance(first.task, Cancelled()))
        file = make_file()
        stale = advance(first.task, *TO_RUNNING, files=(file,))
        with pytest.raises(StaleAttempt):
            await store.write(stale)
        unknown = advance(make_task(TaskState.QUEUED, id=store.next_id()), Cancelled(), files=(file,))
        with pytest.raises(StaleAttempt):
            await store.write(unknown)
        kept = await store.by_id(first.task.id)
        assert kept is not None
        assert (kept.state, len(await store.events(kept.id))) == (TaskState.CANCELLED, 2)
        assert await store.by_id(unknown.task.id) is None
        assert await stores.files.by_access_key(file.access_key) is None

    play(scenario)


def test_changes_in_line_are_written_in_order_and_a_bad_one_spoils_itself_only(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        store = stores.tasks
        writes, tasks = [], []
        for number in range(60):
            change = advance(new_task(store), Queued())
            writes.append(store.write(change))
            if number == 30:
                writes.append(store.write(replace(advance(change.task, Cancelled()), expected_seq=5)))
            for events in (TO_RUNNING, TO_THE_END):
                change = advance(change.task, *events, files=(make_file(),))
                writes.append(store.write(change))
            tasks.append(change.task)
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(result) for result in results if result is not None] == [StaleAttempt]
        for task in tasks:
            assert await store.by_id(task.id) == task
            assert [recorded.seq for recorded in await store.events(task.id)] == list(range(1, task.seq + 1))

    play(scenario)


def test_unfinished_tasks_are_listed_oldest_first_with_whether_they_were_under_way(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        store = stores.tasks
        waiting, running, ended = (new_task(store, project_id=number) for number in (3, 4, 5))
        await asyncio.gather(
            store.write(advance(ended, Queued(), Cancelled())),
            store.write(advance(running, Queued(), *TO_RUNNING)),
            store.write(advance(waiting, Queued())),
        )
        assert await store.unfinished() == [
            QueueEntry(waiting.id, 3, "lab/thing"),
            QueueEntry(running.id, 4, "lab/thing", is_attempted=True),
        ]

    play(scenario)


def test_ids_grow_also_over_a_restart(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        ids = [stores.tasks.next_id() for _ in range(5)]
        assert ids == sorted(set(ids))
        await stores.tasks.write(advance(make_task(id=ids[-1]), Queued()))
        assert stores.reopen().next_id() > ids[-1]

    play(scenario)


def test_files_go_with_their_change_and_are_found_by_their_key(play: Player) -> None:
    async def scenario(stores: Stores) -> None:
        file, other = make_file(b"one", "été ☃.png"), make_file(b"two")
        await stores.tasks.write(advance(new_task(stores.tasks), Queued(), files=(file,), notify_url="", is_refusable=True))
        await stores.files.add(other)
        assert await stores.files.by_access_key(file.access_key) == file
        assert await stores.files.by_access_key(other.access_key) == other
        assert await stores.files.unknown([file.access_key, "x" * 30]) == {"x" * 30}

    play(scenario)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrations_make_the_tables_that_the_statements_use(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if kind == "postgres":
        engine = request.getfixturevalue("postgres_engine")
    else:
        engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
        upgrade(engine)
    with engine.connect().execution_options(is_reader=True) as connection:
        for table in metadata.sorted_tables:
            connection.execute(select(table).limit(1))
    if kind == "sqlite":
        engine.dispose()
