"""Lists of tasks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from requirements import proves
from sqlalchemy import event
from wiro_server import LiveServer, ended, record, run, running

from gesso.api.wiro.history import query, shortened
from gesso.domain.project import AuthMethod
from gesso.ports import TaskRange
from gesso.services.history import Kind
from gesso.store.billing import SqlBilling
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.history import SqlHistory
from gesso.store.migrate import upgrade
from gesso.store.schema import tasks
from gesso.store.tasks import SqlTasks, row_of, write_changes
from gesso.testing import FakeClock, make_task


def _listed(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/Task/List", json=fields)
    assert answer.status_code == 200
    return answer.json()


def _ids(answer: dict[str, Any]) -> list[str]:
    return [task["id"] for task in answer["tasklist"]]


@pytest.fixture
def own(server: LiveServer) -> Any:
    """A client of a project without tasks."""
    with server.client(server.new_key(AuthMethod.KEY)) as client:
        yield client


@proves("tasks.list", "tasks.foreign")
def test_a_list_has_the_records_of_its_project(server: LiveServer, own: httpx.Client, client: httpx.Client) -> None:
    assert _listed(own) == {"result": True, "errors": [], "total": "0", "tasklist": []}
    made = [ended(server, own, text=str(number)) for number in range(3)]
    run(client)
    answer = _listed(own, type="model", sort="id", order="DESC", start="0", limit="20")
    assert (answer["result"], answer["errors"], answer["total"]) == (True, [], "3")
    assert answer["tasklist"] == [record(own, taskid=task["id"]) for task in reversed(made)]
    assert own.post("/Task/List", json={}, headers={"x-api-key": "none"}).status_code == 401


@proves("tasks.pages")
def test_pages_have_no_gaps_and_no_repeats(own: httpx.Client) -> None:
    made = [run(own)["taskid"] for _ in range(5)]
    for order, wanted in (("DESC", made[::-1]), ("asc", made)):
        pages = [_listed(own, start=str(start), limit=2, order=order) for start in (0, 2, 4, 6)]
        assert [one for page in pages for one in _ids(page)] == wanted
        assert {page["total"] for page in pages} == {"5"}
    assert _ids(_listed(own, limit=0)) == []
    assert _ids(own.post("/Task/List", data={"start": "1", "limit": "1"}).json()) == [made[3]]


@proves("tasks.pages")
@pytest.mark.parametrize("fields", [{"start": "x"}, {"limit": -1}, {"type": "all"}, {"sort": "cost"}, {"order": 1}, {"modelName": {}}])
def test_what_cannot_be_honoured_is_refused(client: httpx.Client, fields: dict[str, Any]) -> None:
    answer = _listed(client, **fields)
    assert answer["result"] is False
    assert f"[{next(iter(fields))}]" in answer["errors"][0]["message"]


@proves("tasks.type")
def test_unfinished_tasks_are_a_list_of_their_own(server: LiveServer, own: httpx.Client) -> None:
    ended(server, own)
    with running(server, own) as first:
        second = run(own)["taskid"]
        answer = _listed(own, type="running")
        assert (_ids(answer), answer["total"]) == ([second, first["taskid"]], "2")
        assert _listed(own, type="running", modelName="heal")["total"] == "0"
        assert _listed(own, type="model")["total"] == "3"
        assert _listed(own, type="train") == {"result": True, "errors": [], "total": "0", "tasklist": []}
        own.post("/Task/Kill", json={"taskid": second})
    assert _listed(own, type="running")["total"] == "0"


@proves("tasks.model")
def test_a_model_is_found_by_part_of_its_name(own: httpx.Client) -> None:
    echo = run(own)["taskid"]
    for name in ("echo", "ECHO", "gesso/ec", "Echo", "sso"):
        answer = _listed(own, modelName=name)
        assert (_ids(answer), answer["total"]) == ([echo], "1")
    for name in ("heal", "flux-1", "no such model"):
        assert _listed(own, modelName=name)["total"] == "0"


@proves("tasks.logs")
def test_logs_are_cut_to_their_ends() -> None:
    shown = shortened({"debugoutput": "a" * 10_000 + "end", "debugerror": "short"})
    assert shown["debugerror"] == "short"
    assert shown["debugoutput"].startswith("...a")
    assert shown["debugoutput"].endswith("end")
    assert len(shown["debugoutput"]) < 5_000


@proves("tasks.type", "tasks.pages")
def test_what_a_client_asks_for() -> None:
    asked = query({"type": "running", "start": "40", "limit": "500", "order": "ASC", "modelName": " fill "})
    assert (asked.kind, asked.start, asked.limit, asked.is_newest_first, asked.model) == (Kind.OPEN, 40, 100, False, "fill")


@proves("tasks.pages", "tasks.model")
def test_pages_are_read_along_an_index(tmp_path: Path) -> None:
    engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
    upgrade(engine)
    models = ("lab/a", "lab/b", "lab/c")
    rows = [row_of(make_task(id=number, project_id=1 + number % 2, model=models[number % 3])) for number in range(1, 61)]
    with engine.begin() as connection:
        connection.execute(tasks.insert(), rows)
    database = Database(engine, write_changes)

    async def check() -> None:
        history = SqlHistory(database)
        for wanted in (None, ("lab/a",), ("lab/a", "lab/c"), (), tuple(f"lab/{number}" for number in range(300)) + models):
            for is_newest_first in (True, False):
                own = [row["id"] for row in rows if row["project_id"] == 1 and (wanted is None or row["model"] in wanted)]
                expected = own[::-1] if is_newest_first else own
                span = TaskRange(1, wanted, is_newest_first=is_newest_first)
                paged = [task.id for start in range(0, 60, 7) for task in await history.page(span, start, 7)]
                assert paged == expected
                opened = TaskRange(1, wanted, is_open=True, is_newest_first=is_newest_first)
                assert [task.id for task in await history.page(opened, 0, 100)] == expected

    try:
        asyncio.run(check())
    finally:
        database.close()


@proves("tasks.pages", "tasks.type")
def test_what_has_not_ended_is_found_without_reading_the_history(tmp_path: Path) -> None:
    engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
    upgrade(engine)
    seen: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if " tasks" in statement and statement.startswith("SELECT"):
            plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            seen.extend(row[3] for row in plan)

    event.listen(engine, "before_cursor_execute", explain)
    database = Database(engine, write_changes)
    store, history = SqlTasks(database), SqlHistory(database)

    async def ask() -> None:
        seen.clear()
        await store.unfinished()
        await SqlBilling(database, FakeClock()).active()
        for models in (None, ("a",), ("a", "b")):
            for is_open in (True, False):
                await history.page(TaskRange(1, models, is_open), 0, 20)

    try:
        asyncio.run(ask())
    finally:
        database.close()
    assert sum("tasks" in step for step in seen) >= 8
    assert not [step for step in seen if "INDEX" not in step and "PRIMARY KEY" not in step and "tasks" in step]
    assert not [step for step in seen if "TEMP B-TREE" in step], "a page is read in its order, not sorted"
