"""Deleting the files of a task over the wire."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from requirements import proves
from wiro_server import LiveServer, record, running

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


def finished(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """The record of a run with one file part."""
    return client.post("/Run/gesso/echo/sync", files={"inputFile": ("a.png", PNG)}, data=fields).json()["tasklist"][0]


def purge(client: httpx.Client, **names: Any) -> dict[str, Any]:
    return client.post("/Task/InputOutputDelete", json=names).json()


def status(url: str) -> int:
    return httpx.get(url).status_code


@pytest.mark.parametrize("key", ["tasktoken", "socketaccesstoken", "taskid"])
@proves("purge.answer", "purge.record", "purge.urls")
def test_all_files_go_and_the_record_stays(server: LiveServer, client: httpx.Client, key: str) -> None:
    task = finished(client, outputs="2", text="hello")
    urls = [task["parameters"]["inputFile"], *(output["url"] for output in task["outputs"])]
    assert len(urls) == 4
    assert {status(url) for url in urls} == {200}
    name = task["id"] if key == "taskid" else task["socketaccesstoken"]
    for _ in range(3):
        assert purge(client, **{key: name}) == {"result": True, "errors": []}
        assert {status(url) for url in urls} == {404}
    after = record(client, tasktoken=task["socketaccesstoken"])
    changed = {field for field in task if task[field] != after[field]}
    assert changed == {"outputs", "outputfolderid", "size"}
    assert (after["outputs"], after["outputfolderid"], after["size"]) == ([], "0", "0")
    assert not {url.split("/")[-2] for url in urls} & server.stored_files().keys()


@proves("purge.shared")
def test_uploads_and_shared_inputs_stay(client: httpx.Client) -> None:
    (upload,) = client.post("/File/Upload", files={"file": ("kept.png", PNG)}).json()["list"]
    first = finished(client, inputFiles=upload["url"])
    shared = first["parameters"]["inputFile"]
    second = client.post("/Run/gesso/echo/sync", json={"inputFile": shared}).json()["tasklist"][0]
    assert purge(client, taskid=first["id"])["result"]
    assert [status(url) for url in (upload["url"], shared, first["outputs"][0]["url"])] == [200, 200, 404]
    assert purge(client, taskid=second["id"])["result"]
    assert [status(url) for url in (upload["url"], shared)] == [200, 404]


@proves("purge.running", "purge.answer")
def test_a_running_task_keeps_its_files_until_it_is_killed(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client) as answer:
        token = answer["socketaccesstoken"]
        for _ in range(2):
            assert purge(client, tasktoken=token) == {
                "errors": [{"code": 1, "message": "Task must be completed or cancelled before deleting files"}],
                "result": False,
            }
        client.post("/Task/Kill", json={"tasktoken": token})
        assert purge(client, tasktoken=token)["result"]
        assert record(client, tasktoken=token)["status"] == "task_cancel"


@proves("purge.unknown")
def test_unknown_tasks_and_those_of_others(server: LiveServer, client: httpx.Client) -> None:
    unknown = {"errors": [{"code": 1, "message": "task-not-exist"}], "result": False}
    task = finished(client)
    with server.client(server.other) as stranger:
        for names in ({"taskid": task["id"]}, {"tasktoken": task["socketaccesstoken"]}, {"taskid": "999999"}, {"tasktoken": "a" * 30}):
            assert purge(stranger, **names) == unknown
    assert purge(client)["errors"] == [{"code": 0, "message": "taskid or socketaccesstoken is required"}]
    assert status(task["outputs"][0]["url"]) == 200
