"""What looking through a Project's Tasks promises, on SQLite and on PostgreSQL: what is found, how far was looked, and by which index."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from databases import emptied
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gesso.domain.task import Task, TaskState
from gesso.domain.task_search import TaskFinds, TaskSearch
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.migrate import upgrade
from gesso.store.schema import metadata, tasks
from gesso.store.task_search import SqlTaskSearch
from gesso.store.tasks import row_of, write_changes
from gesso.testing import EPOCH_US, make_task

_ENDS = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)
_MINE = TaskSearch(1)
Scenario = Callable[[Database, SqlTaskSearch], Awaitable[None]]


@pytest.fixture(params=["sqlite", "postgres"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    if request.param == "postgres":
        engine = emptied(request.getfixturevalue("postgres_engine"))
    else:
        engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
        upgrade(engine)

    async def on(scenario: Scenario) -> None:
        database = Database(engine, write_changes)
        try:
            await scenario(database, SqlTaskSearch(database))
        finally:
            await asyncio.to_thread(database.close)

    return lambda scenario: asyncio.run(on(scenario))


async def keep(database: Database, *made: Task) -> None:
    await database.call(lambda connection: connection.execute(tasks.insert(), [row_of(task) for task in made]) and None)


def ended(number: int, state: TaskState = TaskState.SUCCEEDED, **fields: object) -> Task:
    return make_task(state, EPOCH_US + number, **{"id": number, "values": {"prompt": f"picture {number}"}, **fields})


def ids(found: TaskFinds) -> list[int]:
    return [task.id for task in found.tasks]


async def find(search: SqlTaskSearch, wanted: TaskSearch, limit: int = 30, most: int = 5_000) -> TaskFinds:
    return await search.find(wanted, limit, most, 60)


def test_a_page_has_the_newest_ended_tasks_of_its_project(play: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database, search: SqlTaskSearch) -> None:
        await keep(database, *(ended(number, project_id=1 + number % 2) for number in range(1, 21)), make_task(TaskState.RUNNING, id=22))
        found = await find(search, replace(_MINE, project_id=2), 4)
        assert ids(found) == [19, 17, 15, 13]
        assert not found.is_end
        rest = await find(search, replace(_MINE, project_id=2, before=found.reached))
        assert ids(rest) == [11, 9, 7, 5, 3, 1]
        assert rest.is_end
        assert 22 not in ids(await find(search, _MINE))

    play(scenario)


def test_states_models_ages_and_bounds_are_met(play: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database, search: SqlTaskSearch) -> None:
        await keep(database, *(ended(number, _ENDS[number % 3], model=f"lab/{number % 2}") for number in range(1, 31)))
        assert ids(await find(search, replace(_MINE, state=TaskState.FAILED))) == [28, 25, 22, 19, 16, 13, 10, 7, 4, 1]
        assert ids(await find(search, replace(_MINE, state=TaskState.SUCCEEDED), 3)) == [30, 27, 24]
        assert ids(await find(search, replace(_MINE, model="lab/1", state=TaskState.CANCELLED), 2)) == [29, 23]
        assert ids(await find(search, replace(_MINE, since=EPOCH_US + 28))) == [30, 29, 28]
        assert ids(await find(search, replace(_MINE, after=27))) == [30, 29, 28]

    play(scenario)


def test_texts_are_found_wherever_they_stand_and_however_they_are_written(play: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database, search: SqlTaskSearch) -> None:
        await keep(
            database,
            ended(1, values={"prompt": 'White TULIPS, "soft" light, 100 %'}),
            ended(2, values={"prompt": "Über allen Gipfeln", "seed": 2415100471}),
            ended(3, values={"prompt": "a mug", "styles": ["Oil", "chalk"]}),
        )
        for word, number in (("tulips", 1), ('"soft"', 1), ("100 %", 1), ("über", 2), ("2415100471", 2), ("chalk", 3)):
            assert ids(await find(search, replace(_MINE, text=word))) == [number], word
        # Names of values are no texts, a part of a seed is no seed, and a sign that databases know means itself.
        for word in ("prompt", "24151", "%", "_", "values"):
            found = ids(await find(search, replace(_MINE, text=word)))
            assert found == ([1] if word == "%" else []), word

    play(scenario)


def test_an_id_or_a_token_finds_its_task_however_old_but_never_anothers(play: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database, search: SqlTaskSearch) -> None:
        made = [ended(number, project_id=1 + (number == 2)) for number in range(1, 41)]
        await keep(database, *made)
        assert ids(await search.find(replace(_MINE, text="1"), 5, 10, 60))[0] == 1
        assert ids(await find(search, replace(_MINE, text=made[4].token))) == [5]
        assert ids(await find(search, replace(_MINE, text=made[1].token))) == []

    play(scenario)


def test_a_look_ends_where_it_has_to_and_goes_on_from_there(play: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database, search: SqlTaskSearch) -> None:
        await keep(database, *(ended(number, values={"prompt": "rare" if number == 3 else "common"}) for number in range(1, 101)))
        first = await find(search, replace(_MINE, text="rare"), most=60)
        assert (ids(first), first.looked, first.reached, first.is_end) == ([], 60, 41, False)
        second = await find(search, replace(_MINE, text="rare", before=first.reached), most=60)
        assert (ids(second), second.looked, second.is_end) == ([3], 40, True)

    play(scenario)


def test_the_index_serves_and_nothing_is_read_whole(tmp_path: Path) -> None:
    engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
    upgrade(engine)
    with engine.connect() as connection:
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id FROM tasks WHERE project_id = 1 AND state IN ('failed', 'cancelled') AND state = 'failed' "
                "AND id < 9 ORDER BY id DESC LIMIT 30"
            )
        ).all()
    engine.dispose()
    assert "tasks_unsuccessful" in plan[0].detail
    assert not any("TEMP B-TREE" in row.detail for row in plan)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(_ENDS), st.sampled_from(["a", "b"]), st.sampled_from(["x", "xy", "z"])), max_size=40),
    st.sampled_from([None, *_ENDS]),
    st.sampled_from(["", "a"]),
    st.sampled_from(["", "x", "y"]),
    st.integers(1, 7),
)
def test_pages_together_are_all_that_is_meant(
    made: list[tuple[TaskState, str, str]], state: object, model: str, word: str, limit: int
) -> None:
    async def scenario() -> None:
        database = Database(engine, write_changes)
        search = SqlTaskSearch(database)
        rows = [ended(number, how, model=which, values={"prompt": said}) for number, (how, which, said) in enumerate(made, 1)]
        if rows:
            await keep(database, *rows)
        wanted = TaskSearch(1, model, state, word)  # type: ignore[arg-type]
        seen: list[int] = []
        while True:
            found = await find(search, wanted, limit, 10)
            seen += ids(found)
            if found.is_end:
                break
            wanted = replace(wanted, before=found.reached)
        meant = [row.id for row in rows if (state in (None, row.state)) and model in ("", row.model) and word in row.values["prompt"]]
        assert seen == meant[::-1]
        await asyncio.to_thread(database.close)

    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(sqlite_url(Path(folder) / "gesso.db"))
        metadata.create_all(engine)
        asyncio.run(scenario())
