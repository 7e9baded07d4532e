"""What the clients that exist take for granted, beyond what each call promises by itself."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from websockets.sync.client import connect
from wiro_server import LiveServer, ended, record, run, running, socket_to

PNG = b"\x89PNG\r\n\x1a\n"


def _texts(words: str) -> dict[str, type]:
    return dict.fromkeys(words.split(), str)


# The types that a client in a language with strict decoding declares, key by key. `object` stands for what it leaves open.
ITEM = (
    _texts("type class rows id placeholder label minvalue maxvalue incrementby optionsLoad note")
    | dict.fromkeys(("advanced", "quick", "required"), bool)
    | {"options": list, "maxinputlenght": int, "defaultvalue": object, "value": object}
)
TOOL = _texts("id title slugowner slugproject description image averagepoint commentcount ratedusercount readme") | {
    "categories": list,
    "tags": list,
    "inspire": list,
}
PROJECT = _texts("id uuid name description apikey time authmethod requestCount") | {"ipwhitelist": list}
TASK = _texts("id uuid status socketaccesstoken debugoutput debugerror createtime starttime endtime pexit totalcost") | {
    "outputs": list,
    "parameters": dict,
}
OUTPUT = _texts("id name contenttype url size")


def _fits(content: dict[str, Any], shape: dict[str, type]) -> None:
    wrong = {key: content.get(key) for key, kind in shape.items() if key not in content or not isinstance(content[key], kind)}
    assert not wrong


def _refused(answer: httpx.Response) -> None:
    content = answer.json()
    assert content["result"] is False
    assert [(type(one["code"]), type(one["message"])) for one in content["errors"]] == [(int, str)]


@proves("ground.types")
def test_tools_and_projects_are_read_strictly(client: httpx.Client) -> None:
    tools = client.post("/Tool/List", json={"start": "0", "limit": "100"}).json()
    assert type(tools["total"]) is int
    for tool in tools["tool"]:
        _fits(tool, TOOL)
        for item in (item for group in tool["parameters"] for item in group["items"]):
            _fits(item, ITEM)
            assert all(isinstance(option["text"], str) and "value" in option for option in item["options"])
    for project in client.post("/Project/List", json={"uuid": "me", "apikey": ""}).json()["project"]:
        _fits(project, PROJECT)
        assert project["slug"] is None or isinstance(project["slug"], str)


@pytest.mark.parametrize("fail", ["none", "error"])
@proves("ground.types")
def test_tasks_are_read_strictly(server: LiveServer, client: httpx.Client, fail: str) -> None:
    task = ended(server, client, outputs=2, fail=fail)
    answers = [client.post(path, json=fields).json() for path, fields in (("/Task/Detail", {"taskid": task["id"]}), ("/Task/List", {}))]
    for answer in answers:
        assert type(answer["total"]) is str
        for one in answer["tasklist"]:
            _fits(one, TASK)
            for output in one["outputs"]:
                _fits(output, OUTPUT)


@proves("ground.statuses", "ground.types")
def test_only_keys_and_routes_are_refused_by_status(server: LiveServer, client: httpx.Client) -> None:
    refusals = {
        "/Run/nobody/nothing": {},
        "/Run/gesso/echo": {"steps": "many"},
        "/Task/Detail": {"tasktoken": "test"},
        "/Task/Cancel": {"taskid": "0"},
        "/Task/Kill": {},
        "/Task/List": {"limit": "many"},
        "/Tool/Detail": {"slugowner": "nobody", "slugproject": "nothing"},
        "/File/FolderCreate": {"name": "two words"},
    }
    for path, fields in refusals.items():
        answer = client.post(path, json=fields)
        assert answer.status_code == 200, path
        _refused(answer)
    with server.client() as stranger:
        stranger.headers["x-api-key"] = "false"
        for path, fields in refusals.items():
            answer = stranger.post(path, json=fields)
            assert answer.status_code == (200 if path.startswith("/Tool/") else 401), path
            _refused(answer)
    answer = client.post("/Task/Nothing", json={})
    assert answer.status_code == 404
    _refused(answer)


@proves("detail.one-id")
def test_a_task_has_one_id_everywhere(server: LiveServer, client: httpx.Client) -> None:
    with socket_to(server) as socket, running(server, client) as answer:
        number, token = answer["taskid"], answer["socketaccesstoken"]
        socket.register(token)
        client.post("/Task/Kill", json={"taskid": number})
        frames = socket.until("task_cancel")
        ids = {(frame["id"], frame["tasktoken"]) for frame in frames}
        killed = client.post("/Task/Kill", json={"socketaccesstoken": token}).json()["tasklist"][0]
        (newest,) = client.post("/Task/List", json={"limit": "1", "order": "DESC"}).json()["tasklist"]
        ids |= {(one["id"], one["socketaccesstoken"]) for one in (killed, newest, record(client, taskid=number))}
    assert ids == {(number, token)}


@pytest.mark.parametrize("name", ["taskid", "tasktoken", "socketaccesstoken"])
@pytest.mark.parametrize("kind", ["json", "data", "files"])
@proves("cancel.names")
def test_a_task_is_cancelled_by_any_name_and_body(server: LiveServer, client: httpx.Client, name: str, kind: str) -> None:
    with running(server, client):
        queued = run(client)
        value = queued["taskid" if name == "taskid" else "socketaccesstoken"]
        # A part without a file name is a plain field of a multipart body.
        sent: dict[str, Any] = {kind: {name: (None, value) if kind == "files" else value}}
        answer = client.post("/Task/Cancel", **sent).json()
        assert [task["status"] for task in answer["tasklist"]] == ["task_cancel"]


@pytest.mark.parametrize("key", ["folderid", "folderId"])
@proves("upload.folder")
def test_an_upload_names_its_folder_in_either_spelling(client: httpx.Client, key: str) -> None:
    (folder,) = client.post("/File/FolderCreate", json={"name": "training-data", "parentId": None}).json()["list"]
    for given, place in ((folder["id"], folder["id"]), ("", "0")):
        (kept,) = client.post("/File/Upload", files={"file": ("a.png", PNG)}, data={key: given}).json()["list"]
        assert kept["parentid"] == place


@proves("socket.whole")
def test_frames_are_not_fragmented(server: LiveServer, client: httpx.Client) -> None:
    token = run(client, text="ü" * 9_000, outputs=16)["socketaccesstoken"]
    with connect(f"ws://{server.origin}/v1", compression=None) as connection:
        connection.send(orjson.dumps({"type": "task_info", "tasktoken": token}).decode())
        last, longest = "", 0
        while last != "task_postprocess_end":
            (text,) = connection.recv_streaming()
            assert isinstance(text, str)
            last, longest = orjson.loads(text)["type"], max(longest, len(text))
    assert longest > 4_096
