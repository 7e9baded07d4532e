"""Runs that the client waits for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from wiro_server import LONG_S, LiveServer, record, run, running, socket_to

from gesso.api.dialect import Answer
from gesso.api.request import Request
from gesso.api.wiro.encode import Encoder, Viewer
from gesso.api.wiro.sync import Waiting

PATH = "/Run/gesso/echo/sync"


def _events(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith(":")]
    return [(name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))) for name, data in blocks]


@proves("sync.answer")
def test_the_answer_is_the_task_when_it_has_ended(client: httpx.Client) -> None:
    answer = client.post(PATH, json={"text": "hello", "outputs": 2})
    assert answer.status_code == 200
    task = answer.json()["tasklist"][0]
    assert (task["status"], task["pexit"], len(task["outputs"]), task["debugoutput"].strip()) == ("task_postprocess_end", "0", 2, "hello")
    assert answer.json() == client.post("/Task/Detail", json={"taskid": task["id"]}).json()


@pytest.mark.parametrize(("query", "headers"), [("?stream=true", {}), ("", {"accept": "text/event-stream"})])
@proves("sync.stream")
def test_a_stream_tells_of_start_output_and_end(client: httpx.Client, query: str, headers: dict[str, str]) -> None:
    answer = client.post(PATH + query, json={"text": "hello", "steps": 2}, headers=headers)
    assert answer.headers["content-type"] == "text/event-stream"
    events = _events(answer.text)
    assert events[0][0] == "start"
    assert events[0][1]["taskid"] == events[-1][1]["tasklist"][0]["id"]
    assert {name for name, _ in events[1:-1]} == {"task_output"}
    assert "hello" in [data["message"] for _, data in events[1:-1]]
    assert events[-1][0] == "done"
    assert events[-1][1] == client.post("/Task/Detail", json={"taskid": events[0][1]["taskid"]}).json()


@proves("sync.refused")
def test_a_refused_run_is_refused_as_ever(client: httpx.Client) -> None:
    for query in ("", "?stream=true"):
        answer = client.post(PATH + query, json={"steps": "many"})
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["errors"] == [{"code": 0, "message": "Request parameter [steps] must be integer or float"}]


def _wait(server: LiveServer, token: str, kind: str, *, is_accepting: bool = True, is_gone: bool = False) -> list[Any]:
    """What is sent to a client that waits for a moment only, or that has gone already."""
    sent: list[Any] = []
    services = server.house.services
    waiting = Waiting(services.tasks, Encoder(services.catalog), lambda: is_accepting, asyncio.Event(), wait_s=0.1, keep_alive_s=0.02)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        if not is_gone:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def wait() -> None:
        task = await services.tasks.by_token(token)
        await getattr(waiting, kind)(task, Viewer("", ""), Request({"type": "http", "headers": []}, receive), send)

    server.call(wait)
    return sent


@proves("sync.late")
def test_after_its_time_a_client_is_told_how_to_come_back(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client) as answer:
        start, body = _wait(server, answer["socketaccesstoken"], "answer")
        assert record(client, taskid=answer["taskid"])["status"] == "task_start", "the task goes on"
    assert start["status"] == 504
    late = orjson.loads(body["body"])
    assert (late["taskid"], late["socketaccesstoken"], late["result"]) == (answer["taskid"], answer["socketaccesstoken"], False)


@proves("sync.late", "sync.keep-alive")
def test_a_quiet_stream_is_kept_alive_and_ends_in_time(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client):
        queued = run(client)
        text = b"".join(message.get("body", b"") for message in _wait(server, queued["socketaccesstoken"], "stream")).decode()
        assert client.post("/Task/Cancel", json={"taskid": queued["taskid"]}).json()["result"], "the task was still queued"
    assert ": keep-alive\n\n" in text
    (_, start), (name, late) = _events(text)
    assert name == "error"
    assert late["taskid"] == start["taskid"] == queued["taskid"]


@pytest.mark.parametrize("kind", ["answer", "stream"])
@pytest.mark.parametrize("is_accepting", [True, False])
@proves("sync.left")
def test_a_server_that_stops_does_not_take_its_clients_for_gone(
    server: LiveServer, client: httpx.Client, kind: str, is_accepting: bool
) -> None:
    with running(server, client):
        queued = run(client)
        _wait(server, queued["socketaccesstoken"], kind, is_accepting=is_accepting, is_gone=True)
        task = client.post("/Task/Detail", json={"taskid": queued["taskid"]}).json()["tasklist"][0]
        assert task["status"] == ("task_cancel" if is_accepting else "task_queue")
        client.post("/Task/Kill", json={"taskid": queued["taskid"]})


@pytest.mark.parametrize("kind", ["answer", "stream"])
@proves("sync.stopping")
def test_a_server_that_stops_tells_who_waits_how_to_come_back(server: LiveServer, client: httpx.Client, kind: str) -> None:
    sent: list[Any] = []
    services = server.house.services
    hung_up = asyncio.Event()
    waiting = Waiting(services.tasks, Encoder(services.catalog), lambda: False, hung_up, wait_s=LONG_S)

    async def send(message: Any) -> None:
        sent.append(message)

    async def wait(token: str) -> None:
        is_waited_for = asyncio.Event()

        async def receive() -> dict[str, Any]:
            is_waited_for.set()
            await asyncio.Event().wait()
            raise AssertionError

        task = await services.tasks.by_token(token)
        request = Request({"type": "http", "headers": []}, receive)
        answering = asyncio.create_task(getattr(waiting, kind)(task, Viewer("", ""), request, send))
        await is_waited_for.wait()
        hung_up.set()
        await answering

    with running(server, client) as answer:
        server.call(lambda: wait(answer["socketaccesstoken"]))
        assert record(client, taskid=answer["taskid"])["status"] == "task_start", "the task goes on"
    body = b"".join(message.get("body", b"") for message in sent).decode()
    late = orjson.loads(body) if kind == "answer" else _events(body)[-1][1]
    assert sent[0]["status"] == (504 if kind == "answer" else 200)
    assert (late["taskid"], late["socketaccesstoken"], late["result"]) == (answer["taskid"], answer["socketaccesstoken"], False)


@pytest.mark.parametrize("query", ["", "?stream=true"])
@proves("sync.left")
def test_a_client_that_leaves_withdraws_its_task(server: LiveServer, client: httpx.Client, query: str) -> None:
    number = int(run(client)["taskid"]) + 1
    _leave(client, query, {"delay": LONG_S, "steps": 10_000})
    task = record(client, taskid=number)
    with socket_to(server) as socket:
        socket.register(task["socketaccesstoken"])
        assert socket.until("task_cancel")[-1]["terminal"]


@proves("sync.left")
def test_a_task_with_a_callback_goes_on_without_its_client(server: LiveServer, client: httpx.Client) -> None:
    number = int(run(client)["taskid"]) + 1
    _leave(client, "?stream=true", {"delay": 0.2, "callbackUrl": "http://127.0.0.1:9/hook"})
    task = record(client, taskid=number)
    with socket_to(server) as socket:
        socket.register(task["socketaccesstoken"])
        assert socket.until("task_cancel", "task_postprocess_end")[-1]["success"]


def _leave(client: httpx.Client, query: str, fields: dict[str, Any]) -> None:
    """Begin a waiting run and go away as soon as it is under way."""
    if query:
        with client.stream("POST", PATH + query, json=fields) as answer:
            next(answer.iter_lines())
    else:
        with contextlib.suppress(httpx.ReadTimeout):
            client.post(PATH, json=fields, timeout=0.5)


@proves("sync.answer")
def test_an_answer_is_whole() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Answer(b"{}", 200, headers=((b"x-a", b"b"),)).send(send))
    assert sent[0]["headers"] == [(b"content-type", b"application/json"), (b"content-length", b"2"), (b"x-a", b"b")]
    assert sent[1]["body"] == b"{}"
