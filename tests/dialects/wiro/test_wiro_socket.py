"""The WebSocket of a live server."""

from __future__ import annotations

import httpx
import pytest
from requirements import proves
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from wiro_server import LiveServer, ended, record, run, running, socket_to

LIFECYCLE = [
    "task_queue",
    "task_accept",
    "task_preprocess_start",
    "task_preprocess_end",
    "task_assign",
    "task_start",
    "task_output_full",
    "task_end",
    "task_postprocess_start",
    "task_postprocess_end",
]
LIVE = ("task_output", "task_error", "task_preview")


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
@proves("socket.greeting", "auth.public")
def test_the_socket_greets_without_any_key(server: LiveServer, path: str) -> None:
    with socket_to(server, path) as socket:
        socket.send({"type": "task_info"})
        assert socket.frame()["type"] == "error"


@proves("socket.greeting")
def test_there_is_no_socket_elsewhere(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus), connect(f"ws://{server.origin}/v1/Task/Detail"):
        pass


@proves("socket.order", "socket.replay", "socket.last", "record.early", "socket.progress")
def test_a_run_is_told_in_order(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket, running(server, client) as blocking:
        answer = run(client, text="one\ntwo", steps=3)
        socket.register(answer["socketaccesstoken"])
        assert socket.frame()["type"] == "task_queue"
        client.post("/Task/Kill", json={"taskid": blocking["taskid"]})
        frames = socket.until("task_end")
        early = record(client, taskid=answer["taskid"])
        frames += socket.until("task_postprocess_end")
    types = [frame["type"] for frame in frames]
    assert [one for one in types if one not in LIVE] == LIFECYCLE[1:]
    told = [frame["message"] for frame in frames if frame["type"] == "task_output"]
    assert [message["stepCurrent"] for message in told if isinstance(message, dict)] == ["1", "2", "3"]
    assert {"one", "two"} <= {message for message in told if isinstance(message, str)}
    assert (early["pexit"], early["outputs"]) == ("0", frames[-1]["message"])
    assert frames[-1]["outputs"] == record(client, taskid=answer["taskid"])["outputs"]


@proves("socket.order")
def test_output_is_told_between_start_and_end(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket, running(server, client) as blocking:
        socket.register(run(client, text="one\ntwo", steps=3)["socketaccesstoken"])
        client.post("/Task/Kill", json={"taskid": blocking["taskid"]})
        types = [frame["type"] for frame in socket.until("task_postprocess_end")]
    assert types.index("task_start") < types.index("task_output") < types.index("task_output_full")


@proves("socket.replay", "socket.open", "socket.last")
def test_a_late_registration_gets_all_up_to_the_last_frame(server: LiveServer, client: httpx.Client) -> None:
    task = ended(server, client, outputs=2)
    with socket_to(server) as socket:
        for _ in range(2):
            socket.register(task["socketaccesstoken"])
            frames = socket.until("task_postprocess_end")
            assert [frame["type"] for frame in frames] == LIFECYCLE
            assert frames[-1]["message"] == task["outputs"]
            socket.send({"type": "task_info"})
            assert socket.frame()["message"] == "tasktoken-required", "the socket is open still"


@proves("socket.cancel", "kill.running")
def test_a_kill_is_told_to_who_follows(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket, running(server, client) as answer:
        socket.register(answer["socketaccesstoken"])
        socket.until("task_output")
        client.post("/Task/Kill", json={"taskid": answer["taskid"]})
        last = socket.until("task_cancel")[-1]
    assert (last["message"], last["terminal"], last["success"], last["id"]) == (None, True, False, answer["taskid"])


@proves("socket.many")
def test_many_tasks_on_one_socket_and_many_sockets_on_one_task(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as first, socket_to(server) as second, running(server, client) as blocking:
        answers = [run(client) for _ in range(3)]
        for answer in answers:
            first.register(answer["socketaccesstoken"])
            second.register(answer["socketaccesstoken"])
        client.post("/Task/Kill", json={"taskid": blocking["taskid"]})
        for socket in (first, second):
            ends = {frame["id"] for _ in answers for frame in socket.until("task_postprocess_end")[-1:]}
            assert ends == {answer["taskid"] for answer in answers}


@proves("socket.twice")
def test_a_token_that_is_followed_is_not_followed_twice(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket, running(server, client):
        queued = run(client)
        for _ in range(3):
            socket.register(queued["socketaccesstoken"])
        client.post("/Task/Cancel", json={"taskid": queued["taskid"]})
        assert [frame["type"] for frame in socket.until("task_cancel")] == ["task_queue", "task_cancel"]


@proves("socket.dropped")
def test_what_is_no_message_is_dropped(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket:
        for message in ("", "{", "[]", "5", b"\x00\x01", {"type": "ping"}, {"type": ["task_info"]}, {"tasktoken": "x"}, "{" * 5000):
            socket.send(message)
        socket.send({"type": "task_info"})
        assert socket.frame()["message"] == "tasktoken-required"


@proves("socket.errors")
def test_false_registrations_are_told_and_the_next_one_works(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket:
        for message in ({"type": "task_info"}, {"type": "task_info", "tasktoken": ""}, {"type": "task_info", "tasktoken": 5}):
            socket.send(message)
            assert socket.frame() == {"type": "error", "message": "tasktoken-required", "result": False}
        socket.register("no-such-token")
        assert socket.frame() == {"type": "error", "message": "task-not-exist", "result": False}
        socket.send({"type": "task_info", "socketaccesstoken": run(client)["socketaccesstoken"]})
        assert socket.until("task_postprocess_end")[0]["type"] == "task_queue"


@proves("socket.lost", "socket.order")
def test_a_worker_that_dies_is_told(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket:
        socket.register(run(client, fail="exit")["socketaccesstoken"])
        frames = socket.until("task_postprocess_end")
    lost = [index for index, frame in enumerate(frames) if frame["type"] == "task_queue"][1:]
    assert lost
    assert all(frames[index - 1]["type"] == "task_error" for index in lost)
    assert (frames[-1]["message"], frames[-1]["success"]) == ([], False)
    assert frames[-1]["error"]
