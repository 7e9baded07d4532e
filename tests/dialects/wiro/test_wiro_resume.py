"""Listeners that are cut and come back: on the socket, and on the stream of server-sent events."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from wiro_builders import LIFE, PROJECT, after
from wiro_server import LiveServer, ended, record, run, running, socket_to

from gesso.api.wiro.encode import Viewer
from gesso.api.wiro.frames import frames
from gesso.delivery.bus import Bus
from gesso.domain.event import (
    Accepted,
    Assigned,
    Ended,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Progress,
    Queued,
    Recorded,
    Requeued,
    Started,
    Succeeded,
)
from gesso.domain.limits import SUBSCRIBER_QUEUE_MAX_EVENTS
from gesso.domain.price import FREE
from gesso.domain.task import TaskState
from gesso.services.lifecycle import Lifecycle
from gesso.services.tasks import Tasks
from gesso.testing import FakeClock, MemoryTasks, make_task

LIVE = ("task_output", "task_error", "task_preview")
STREAM = "/Task/Stream"


def _events(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Id, name and data of each event."""
    found = []
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            found.append((fields.get("id", ""), fields["event"], orjson.loads(fields["data"])))
    return found


@proves("socket.seq", "socket.frames")
def test_each_stored_event_has_its_number_on_its_last_frame() -> None:
    lost = (*LIFE[:6], Requeued("the worker died", True))
    for life in (LIFE, lost):
        viewer = Viewer("http://localhost:8700/v1", PROJECT.uuid)
        told = [frames(after(*life), Recorded(seq, 0, event), viewer) for seq, event in enumerate(life, 1)]
        assert [each[-1]["seq"] for each in told] == list(range(1, len(life) + 1))
        assert all(frame["seq"] == seq - 1 for seq, each in enumerate(told, 1) for frame in each[:-1])
    assert "seq" not in frames(after(*LIFE[:6]), Progress(1, 2, 3), Viewer("", ""))[0]


@proves("socket.since", "socket.seq")
@pytest.mark.parametrize("since", [0, 1, 4, "6", 7, 8, 9, 999])
def test_a_socket_goes_on_after_the_event_that_it_names(server: LiveServer, client: httpx.Client, since: Any) -> None:
    task = ended(server, client)
    with socket_to(server) as socket:
        socket.send({"type": "task_info", "tasktoken": task["socketaccesstoken"], "since": since})
        numbers = [frame["seq"] for frame in socket.until("task_postprocess_end")]
    assert numbers[-1] == 9
    assert numbers[0] in (min(int(since), 8), min(int(since), 8) + 1), "the first of several frames of an event has the number before"
    assert sorted(numbers) == numbers


@proves("socket.since", "socket.errors")
@pytest.mark.parametrize("since", [-1, "x", 1.5, [], {}, True, "9" * 30])
def test_a_false_number_is_told_and_the_socket_stays_open(server: LiveServer, client: httpx.Client, since: Any) -> None:
    token = run(client)["socketaccesstoken"]
    with socket_to(server) as socket:
        socket.send({"type": "task_info", "tasktoken": token, "since": since})
        assert "[since]" in socket.frame()["message"]
        socket.register(token)
        assert socket.until("task_postprocess_end")


@proves("socket.since")
def test_a_running_task_is_gone_on_with(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client) as answer, socket_to(server) as socket:
        socket.send({"type": "task_info", "tasktoken": answer["socketaccesstoken"], "since": 10_000})
        client.post("/Task/Kill", json={"taskid": answer["taskid"]})
        assert [frame["type"] for frame in socket.until("task_cancel") if frame["type"] not in LIVE] == ["task_cancel"]


@proves("socket.slow")
def test_a_listener_that_falls_behind_misses_no_stored_event() -> None:
    steps = (Accepted(1), PreprocessStarted(), PreprocessEnded(), Assigned("w"), Started())
    last = (Ended(0, (), 1, FREE, "", ""), PostprocessStarted(), Succeeded())

    async def follow() -> list[Any]:
        bus = Bus()
        lifecycle = Lifecycle(MemoryTasks(), bus, FakeClock())
        task = await lifecycle.create(make_task(TaskState.NEW), ())
        told = aiter(Tasks(lifecycle, bus).follow(task))
        heard = [(await anext(told))[1]]
        for step in steps:
            await lifecycle.record(task.id, None, step)
        for number in range(SUBSCRIBER_QUEUE_MAX_EVENTS + 5):
            lifecycle.tell(task.id, Progress(number, 2_000, 0))
        for step in last:
            await lifecycle.record(task.id, None, step)
        return heard + [event async for _, event in told]

    heard = asyncio.run(follow())
    stored = [event for event in heard if isinstance(event, Recorded)]
    assert [event.seq for event in stored] == list(range(1, 10))
    assert [type(event.event) for event in stored] == [Queued, *map(type, steps), *map(type, last)]
    assert len(heard) < SUBSCRIBER_QUEUE_MAX_EVENTS, "it was cut"


@proves("stream.events")
def test_a_stream_has_the_frames_of_the_socket(server: LiveServer, client: httpx.Client) -> None:
    task = ended(server, client, outputs=2)
    with socket_to(server) as socket:
        socket.register(task["socketaccesstoken"])
        told = socket.until("task_postprocess_end")
    for name in ("tasktoken", "socketaccesstoken"):
        answer = httpx.get(f"{server.url}/v1{STREAM}", params={name: task["socketaccesstoken"]})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        events = _events(answer.text)
        assert [data for _, _, data in events] == told
        assert all(number == str(data["seq"]) and name == data["type"] for number, name, data in events)


@proves("stream.events")
def test_a_stream_follows_what_happens(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client) as answer:
        token = answer["socketaccesstoken"]
        with httpx.stream("GET", f"{server.url}/v1{STREAM}?tasktoken={token}") as streamed:
            lines = streamed.iter_lines()
            assert next(line for line in lines if line.startswith("event: task_output"))
            client.post("/Task/Kill", json={"tasktoken": token})
            rest = list(lines)
    assert "event: task_cancel" in rest
    assert rest[-2].startswith("data: ")


@proves("stream.resume")
def test_a_stream_goes_on_after_the_last_event_that_was_read(server: LiveServer, client: httpx.Client) -> None:
    task = ended(server, client)
    url = f"{server.url}/v1{STREAM}?tasktoken={task['socketaccesstoken']}"
    for answer in (httpx.get(f"{url}&since=8"), httpx.get(url, headers={"last-event-id": "8"})):
        assert [name for _, name, _ in _events(answer.text)] == ["task_postprocess_end"]
    mixed = httpx.get(f"{url}&since=1", headers={"last-event-id": "7"})
    assert [number for number, _, _ in _events(mixed.text)] == ["8", "9"], "what a browser sends by itself is newer"
    for number in ("9", "1000"):
        answer = httpx.get(url, headers={"last-event-id": number})
        assert (answer.status_code, answer.content) == (204, b"")
    client.post("/Task/InputOutputDelete", json={"tasktoken": task["socketaccesstoken"]})
    assert httpx.get(url, headers={"last-event-id": "9"}).status_code == 204
    assert [name for _, name, _ in _events(httpx.get(f"{url}&since=8").text)] == ["task_postprocess_end"]


@proves("stream.refused", "ground.unknown-method")
def test_false_streams_are_refused(server: LiveServer, client: httpx.Client) -> None:
    token = run(client)["socketaccesstoken"]
    for query, status in (("", 200), ("?tasktoken=", 200), ("?tasktoken=none", 404), (f"?tasktoken={token}&since=x", 200)):
        answer = httpx.get(f"{server.url}/v1{STREAM}{query}")
        assert (answer.status_code, answer.json()["result"]) == (status, False)
    assert httpx.post(f"{server.url}/v1{STREAM}?tasktoken={token}").status_code == 404


def _polled(server: LiveServer, token: str) -> dict[str, Any]:
    with server.client(server.key) as client:
        while (task := record(client, tasktoken=token))["status"] not in ("task_postprocess_end", "task_cancel"):
            pass
        return task


def _heard(server: LiveServer, token: str, cut_after: str = "") -> dict[str, Any]:
    """The last frame; a listener that is cut after a frame of a type comes back with its number."""
    since = 0
    if cut_after:
        with socket_to(server) as socket:
            socket.register(token)
            since = max(frame.get("seq", 0) for frame in socket.until(cut_after))
    with socket_to(server) as socket:
        socket.send({"type": "task_info", "tasktoken": token, "since": since})
        told = socket.until("task_postprocess_end", "task_cancel")
    assert all(frame["seq"] >= since for frame in told if "seq" in frame)
    return told[-1]


def _streamed(server: LiveServer, token: str) -> dict[str, Any]:
    return _events(httpx.get(f"{server.url}/v1{STREAM}?tasktoken={token}", timeout=30).text)[-1][2]


@proves("socket.one-end", "socket.many", "socket.replay", "stream.events")
@pytest.mark.parametrize("fields", [{"outputs": 3}, {"fail": "error"}, {"fail": "exit"}, {"kill": True}])
def test_all_clients_see_the_same_end(server: LiveServer, client: httpx.Client, fields: dict[str, Any]) -> None:
    is_killed = fields.pop("kill", False)
    with running(server, client) as blocking:
        delay = {"delay": 60, "steps": 600} if is_killed else {"delay": 0.2, "steps": 4}
        token = run(client, **delay, **fields)["socketaccesstoken"]
        ends: dict[str, dict[str, Any]] = {}
        clients = {
            "polls": lambda: _polled(server, token),
            "listens": lambda: _heard(server, token),
            "listens too": lambda: _heard(server, token),
            "is cut early": lambda: _heard(server, token, "task_queue"),
            "is cut in the middle": lambda: _heard(server, token, "task_start"),
            "streams": lambda: _streamed(server, token),
        }
        threads = [threading.Thread(target=lambda name=name, see=see: ends.update({name: see()})) for name, see in clients.items()]
        for thread in threads:
            thread.start()
        client.post("/Task/Kill", json={"taskid": blocking["taskid"]})
        if is_killed:
            with socket_to(server) as socket:
                socket.register(token)
                socket.until("task_output")
            client.post("/Task/Kill", json={"tasktoken": token})
        for thread in threads:
            thread.join(30)
    assert ends.keys() == clients.keys()
    ends["registers late"] = _heard(server, token)
    task = ends.pop("polls")
    (last,) = {orjson.dumps(frame) for frame in ends.values()}
    frame = orjson.loads(last)
    assert (frame["type"], str(frame["exitCode"]), frame["outputs"]) == (task["status"], task["pexit"], task["outputs"])
    assert frame["success"] == (task["pexit"] == "0") == ("outputs" in fields)
    assert len(task["outputs"]) == fields.get("outputs", 0)
    assert record(client, tasktoken=token) == task
