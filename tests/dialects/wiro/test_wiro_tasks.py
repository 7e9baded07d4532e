"""Detail, cancel and kill against a live server."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from requirements import proves
from wiro_server import LiveServer, ended, record, run, running, socket_to

NO_TASK = {"errors": [{"code": 1, "message": "There is no task yet."}], "total": "0", "tasklist": [], "result": False}


@proves("detail.names")
def test_every_name_of_a_task(client: httpx.Client) -> None:
    first, second = run(client), run(client)
    number, token = first["taskid"], first["socketaccesstoken"]
    for names in ({"taskid": number}, {"taskid": int(number)}, {"tasktoken": token}, {"socketaccesstoken": token, "uuid": "me"}):
        assert record(client, **names)["id"] == number
    assert record(client, taskid=number, tasktoken=second["socketaccesstoken"])["id"] == second["taskid"]


@pytest.mark.parametrize(
    "names", [{"taskid": "999999999"}, {"taskid": "9" * 40}, {"taskid": -1}, {"tasktoken": "test"}, {"tasktoken": "ü" * 500}]
)
@pytest.mark.parametrize("path", ["/Task/Detail", "/Task/Cancel", "/Task/Kill"])
@proves("detail.unknown")
def test_an_unknown_task(client: httpx.Client, path: str, names: dict[str, Any]) -> None:
    answer = client.post(path, json=names)
    assert (answer.status_code, answer.json()) == (200, NO_TASK)


@pytest.mark.parametrize("fields", [{}, {"taskid": ""}, {"tasktoken": None}, {"taskid": []}])
@proves("detail.nothing")
def test_a_call_that_names_no_task(client: httpx.Client, fields: dict[str, Any]) -> None:
    for path in ("/Task/Detail", "/Task/Cancel", "/Task/Kill"):
        answer = client.post(path, json=fields)
        assert answer.status_code == 200
        assert answer.json() == {"errors": [{"code": 0, "message": "taskid or socketaccesstoken is required"}], "result": False}


@proves("detail.foreign")
def test_tasks_of_another_project_are_unknown(server: LiveServer, client: httpx.Client) -> None:
    answer = run(client)
    with server.client(server.other) as foreign:
        for path in ("/Task/Detail", "/Task/Cancel", "/Task/Kill"):
            for names in ({"taskid": answer["taskid"]}, {"tasktoken": answer["socketaccesstoken"]}):
                assert foreign.post(path, json=names).json() == NO_TASK


@proves("cancel.queued", "kill.again", "record.cancelled")
def test_a_queued_task_is_cancelled_and_stays_so(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client):
        queued = run(client)
        for path in ("/Task/Cancel", "/Task/Cancel", "/Task/Kill"):
            answer = client.post(path, json={"taskid": queued["taskid"]}).json()
            assert (answer["result"], answer["errors"], answer["total"]) == (True, [], "1")
            task = answer["tasklist"][0]
            assert (task["status"], task["pexit"], task["totalcost"], task["outputs"]) == ("task_cancel", "1", "0", [])
            assert task["canceltime"] != "0"


@proves("cancel.running")
def test_a_running_or_finished_task_is_not_cancelled(server: LiveServer, client: httpx.Client) -> None:
    refused = {"errors": [{"code": 1, "message": "Task is not in a cancellable state."}], "result": False}
    with running(server, client) as answer:
        assert client.post("/Task/Cancel", json={"tasktoken": answer["socketaccesstoken"]}).json() == refused
    assert client.post("/Task/Cancel", json={"taskid": ended(server, client)["id"]}).json() == refused


@pytest.mark.parametrize("name", ["taskid", "tasktoken", "socketaccesstoken"])
@proves("kill.running", "kill.again", "detail.names")
def test_a_running_task_is_killed_by_any_name(server: LiveServer, client: httpx.Client, name: str) -> None:
    with running(server, client) as answer:
        names = {name: answer["taskid" if name == "taskid" else "socketaccesstoken"]}
        for _ in range(2):
            killed = client.post("/Task/Kill", json=names).json()
            assert killed["result"]
            assert killed["tasklist"][0]["status"] == "task_cancel"
        assert record(client, **names)["pexit"] == "1"


@proves("kill.queued")
def test_a_queued_task_is_killed(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client), socket_to(server) as socket:
        queued = run(client)
        socket.register(queued["socketaccesstoken"])
        assert client.post("/Task/Kill", json={"socketaccesstoken": queued["socketaccesstoken"]}).json()["result"]
        assert [frame["type"] for frame in socket.until("task_cancel")] == ["task_queue", "task_cancel"]


@proves("kill.refusing-disk", "kill.again", "ground.unavailable")
def test_a_kill_holds_that_a_locked_database_keeps_waiting(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client) as answer, socket_to(server) as socket:
        names = {"tasktoken": answer["socketaccesstoken"]}
        socket.register(answer["socketaccesstoken"])
        with server.locked():
            refused = client.post("/Task/Kill", json=names)
            assert record(client, **names)["status"] == "task_start", "what is shown is on disk"
        assert (refused.status_code, refused.headers["retry-after"], refused.json()["result"]) == (503, "5", False)
        assert "the task is withdrawn as soon as it does" in refused.json()["errors"][0]["message"]
        socket.until("task_cancel")
        for call in ("/Task/Kill", "/Task/Cancel"):
            again = client.post(call, json=names).json()
            assert (again["result"], again["tasklist"][0]["status"]) == (True, "task_cancel")


@proves("kill.ended")
def test_a_finished_task_is_not_killed(server: LiveServer, client: httpx.Client) -> None:
    answer = client.post("/Task/Kill", json={"taskid": ended(server, client)["id"]}).json()
    assert answer["result"] is False
    assert answer["errors"][0]["code"] == 1
    assert answer["errors"][0]["message"].startswith("Task could not be killed: ")
