"""Runs that are sent again under an Idempotency-Key."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from requirements import proves
from wiro_builders import MODEL, received
from wiro_server import LONG_S, LiveServer, run, running, socket_to

from gesso.api.body import Body
from gesso.api.wiro.once import once_of
from gesso.domain.event import Queued, Recorded
from gesso.domain.limits import ONCE_KEPT_S
from gesso.domain.once import Once
from gesso.domain.task import TaskState
from gesso.ports import TaskChange
from gesso.services.repeats import Repeats
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.migrate import upgrade
from gesso.store.tasks import SqlTasks, write_changes
from gesso.testing import FakeClock, MemoryTasks, make_task

PATH = "/Run/gesso/echo"
PNG = b"\x89PNG\r\n\x1a\n" + b"sent again" * 4


def _copies(server: LiveServer) -> int:
    """How often the picture of these tests is stored. Tasks of other tests may write files meanwhile."""
    paths = server.stored_files().values()
    return sum(path.stat().st_size == len(PNG) and path.read_bytes() == PNG for path in paths)


def _sent(client: httpx.Client, key: str, path: str = PATH, **arguments: Any) -> dict[str, Any]:
    answer = client.post(path, headers={"idempotency-key": key}, **arguments)
    assert answer.status_code == 200
    return answer.json()


@proves("once.same", "files.part")
def test_the_same_request_finds_its_task(server: LiveServer, client: httpx.Client) -> None:
    first = _sent(client, "same", json={"text": "a", "outputs": 0})
    assert _sent(client, "same", json={"outputs": 0, "text": "a"}) == first
    assert _sent(client, "same", path="/Run/GESSO/Echo", json={"text": "a", "outputs": 0}) == first
    before = _copies(server)
    form = {"data": {"text": "b", "outputs": "0", "fail": "input"}, "files": {"inputFile": ("a.png", PNG)}}
    second = _sent(client, "with a file", **form)
    assert _sent(client, "with a file", **form) == second, "the boundary between the parts is another, the request is not"
    assert _copies(server) == before + 1, "what came again is not kept twice"
    assert run(client, text="a", outputs=0)["taskid"] != first["taskid"]


@proves("once.together")
def test_many_at_once_make_one_task(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client), ThreadPoolExecutor(8) as pool:
        before = int(run(client)["taskid"])
        answers = list(pool.map(lambda _: _sent(client, "together", json={"text": "x"}), range(24)))
        after = int(run(client)["taskid"])
    assert len({answer["taskid"] for answer in answers}) == 1
    assert after == before + 2


@proves("once.other")
def test_another_request_is_refused(server: LiveServer, client: httpx.Client) -> None:
    first = _sent(client, "other", json={"text": "a", "outputs": 0})
    before = _copies(server)
    for path, arguments in (
        (PATH, {"json": {"text": "b"}}),
        (PATH, {"json": {}}),
        (PATH, {"data": {"text": "a", "outputs": "0"}, "files": {"inputFile": ("a.png", PNG)}}),
        ("/Run/gesso/heal", {"json": {"text": "a"}}),
    ):
        answer = _sent(client, "other", path=path, **arguments)
        assert answer["result"] is False
        assert answer["errors"][0]["code"] == 0
        assert answer["errors"][0]["message"].startswith("Idempotency-Key [other] was used for another request")
    assert _copies(server) == before
    assert _sent(client, "other", json={"outputs": 0, "text": "a"}) == first


@proves("once.bounds")
@pytest.mark.parametrize("key", [b"", b"x" * 256, b"\xff\xfe", "ключ".encode()])
def test_a_key_is_short_and_printable(client: httpx.Client, key: bytes) -> None:
    answer = client.post(PATH, json={}, headers=[(b"idempotency-key", key)]).json()
    assert answer["result"] is False
    assert "[Idempotency-Key]" in answer["errors"][0]["message"]


@proves("once.bounds")
def test_a_key_belongs_to_its_project(server: LiveServer, client: httpx.Client) -> None:
    first = _sent(client, "x" * 255, json={"text": "a"})
    with server.client(server.other) as foreign:
        second = _sent(foreign, "x" * 255, json={"text": "b"})
    assert first["taskid"] != second["taskid"]


@proves("once.refused")
def test_a_refused_run_leaves_its_key_free(client: httpx.Client) -> None:
    assert _sent(client, "free", json={"steps": "many"})["result"] is False
    assert _sent(client, "free", json={"steps": 2})["result"] is True


@proves("once.sync")
def test_a_waiting_run_may_be_asked_for_again(server: LiveServer, client: httpx.Client) -> None:
    with contextlib.suppress(httpx.ReadTimeout):
        client.post(f"{PATH}/sync", json={"delay": LONG_S, "steps": 1_000}, headers={"idempotency-key": "wait"}, timeout=0.5)
    again = _sent(client, "wait", json={"delay": LONG_S, "steps": 1_000})
    with socket_to(server) as socket:
        socket.register(again["socketaccesstoken"])
        assert socket.until("task_output", "task_cancel")[-1]["type"] == "task_output", "the task goes on without its client"
        client.post("/Task/Kill", json={"taskid": again["taskid"]})
    ended = _sent(client, "wait", path=f"{PATH}/sync", json={"delay": LONG_S, "steps": 1_000})
    assert (ended["tasklist"][0]["id"], ended["tasklist"][0]["status"]) == (again["taskid"], "task_cancel")


@proves("once.restart", "once.same")
def test_a_key_outlives_the_server(tmp_path: Path) -> None:
    answers = []
    api_key = ""
    for _ in range(2):
        server = LiveServer(tmp_path)
        server.start()
        try:
            api_key = api_key or server.key.api_key
            with server.client(**{"x-api-key": api_key}) as client:
                answers.append(_sent(client, "restart", json={"text": "a"}))
                assert _sent(client, "restart", json={"text": "b"})["result"] is False
        finally:
            server.stop()
    assert answers[0] == answers[1]


def _kept(store: Any, clock: FakeClock) -> None:
    """A key for a day, in any store."""

    async def write(number: int) -> None:
        task = make_task(TaskState.QUEUED, at=clock.now(), id=number)
        recorded = (Recorded(1, clock.now(), Queued()),)
        await store.write(TaskChange(task, 0, recorded, is_refusable=True, once=Once("key", str(number) * 64)))

    async def check() -> None:
        repeats = Repeats(store, clock)
        assert await store.by_once_key(1, "key", clock.now()) is None
        await write(1)
        assert await store.by_once_key(1, "key", clock.now()) == (Once("key", "1" * 64), 1)
        assert await store.by_once_key(2, "key", clock.now()) is None
        assert await store.by_once_key(1, "KEY", clock.now()) is None
        clock.advance(ONCE_KEPT_S - 1)
        async with repeats.turn(1, Once("key", "1" * 64)) as task_id:
            assert task_id == 1
        clock.advance(1)
        async with repeats.turn(1, Once("key", "2" * 64)) as task_id:
            assert task_id is None
            await write(2)
        async with repeats.turn(1, Once("key", "2" * 64)) as task_id:
            assert task_id == 2

    asyncio.run(check())


@proves("once.restart")
def test_a_key_is_kept_for_a_day(tmp_path: Path) -> None:
    _kept(MemoryTasks(), FakeClock())
    engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
    upgrade(engine)
    database = Database(engine, write_changes)
    try:
        _kept(SqlTasks(database), FakeClock())
    finally:
        database.close()


@proves("once.other")
def test_the_digest_tells_requests_apart_and_nothing_else() -> None:
    def digest(*fields: tuple[str, Any], files: tuple[Any, ...] = (), is_json: bool = True) -> str:
        once = once_of({b"idempotency-key": b" k "}, MODEL, Body(list(fields), list(files), is_json))
        assert once is not None
        assert once.key == "k"
        return once.digest

    assert digest(("a", 1), ("b", [2])) == digest(("b", [2]), ("a", 1))
    assert digest(("a", "1"), is_json=False) == digest(("a", "1"))
    different = {digest(), digest(("a", 1)), digest(("a", "1")), digest(("a", 1), files=(("f", received()),)), digest(("a", [1]))}
    assert len(different) == 5
    assert once_of({}, MODEL, Body([], [], is_json=True)) is None
