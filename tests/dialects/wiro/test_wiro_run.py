"""Runs through a live server: answers, refusals, files in and out."""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from wiro_server import LiveServer, ended, record, run, running, web_server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
PDF = b"%PDF-1.7 " + bytes(range(100))


@proves("run.answer", "detail.answer")
def test_a_run_is_answered_with_an_id_and_a_token(client: httpx.Client) -> None:
    answer = run(client, text="hello")
    assert answer.keys() == {"errors", "taskid", "socketaccesstoken", "result"}
    assert answer["errors"] == []
    assert re.fullmatch(r"\d+", answer["taskid"])
    assert re.fullmatch(r"(?!\d+$)[A-Za-z0-9]{30}", answer["socketaccesstoken"])
    detail = client.post("/Task/Detail", json={"taskid": answer["taskid"]}).json()
    assert (detail["total"], len(detail["tasklist"]), detail["errors"], detail["result"]) == ("1", 1, [], True)
    assert detail["tasklist"][0]["id"] == answer["taskid"]
    assert detail["tasklist"][0]["socketaccesstoken"] == answer["socketaccesstoken"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"steps": "many"}, "Request parameter [steps] must be integer or float"),
        ({"steps": 20_000}, "Request parameter [steps] must be between 1 and 10000"),
        ({"delay": "-1"}, "Request parameter [delay] must be between 0 and 3600"),
        ({"seed": int("1" * 40)}, "Request parameter [seed] must be between 0 and 18446744073709551615"),
        ({"seed": "1" * 40}, "Request parameter [seed] must be between 0 and 18446744073709551615"),
        ({"delay": "1e400"}, "Request parameter [delay] must be between 0 and 3600"),
        ({"delay": "Infinity"}, "Request parameter [delay] must be integer or float"),
        ({"fail": "explode"}, None),
        ({"inputFile": "no address"}, None),
    ],
)
@proves("run.number", "run.range", "run.option", "files.data-url")
def test_the_first_wrong_parameter_is_named(client: httpx.Client, fields: dict[str, Any], text: str | None) -> None:
    answer = client.post("/Run/gesso/echo", json=fields)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (200, 0)
    assert error["message"] == text if text else f"[{next(iter(fields))}]" in error["message"]


@proves("run.not-ready")
def test_a_model_without_weights_tells_nothing_of_the_servers_folders(server: LiveServer, client: httpx.Client) -> None:
    files = {"inputImage": PNG, "inputImageMask": PNG}
    (error,) = client.post("/Run/black-forest-labs/FLUX.1-Fill-dev", data={"prompt": "a hat"}, files=files).json()["errors"]
    assert (error["code"], error["message"].partition(":")[0]) == (1, "tool-not-accessible")
    assert "missing" in error["message"]
    assert "weights/" not in error["message"]
    assert str(server.house.settings.data) not in error["message"]


@proves("run.text-forms", "run.unknown-keys")
def test_what_form_tools_send_for_untouched_fields(client: httpx.Client) -> None:
    answer = run(client, text="", steps=0, outputs="0", seed="", fail="", image="https://a.example/x.png")
    parameters = record(client, tasktoken=answer["socketaccesstoken"])["parameters"]
    assert parameters == {
        "text": "",
        "steps": 1,
        "delay": 0.0,
        "outputs": 0,
        "seed": "0",
        "fail": "none",
        "image": "https://a.example/x.png",
    }


@proves("run.callback", "run.projectid")
def test_a_sentence_as_callback_is_ignored(client: httpx.Client) -> None:
    sentence = "Optional: Webhook URL for task completion notifications"
    answer = client.post("/Run/gesso/echo", files={"callbackUrl": (None, sentence), "projectid": (None, "77")}).json()
    assert record(client, taskid=answer["taskid"])["callbackurl"] == ""


@proves("files.part", "files.shown", "file.get", "record.outputs")
def test_a_part_comes_back_byte_for_byte(server: LiveServer, client: httpx.Client) -> None:
    answer = client.post("/Run/gesso/echo/sync", files={"inputFile": ("my photo.jpg", PNG, "image/jpeg")}, data={"outputs": "0"}).json()
    task = answer["tasklist"][0]
    url = task["parameters"]["inputFile"]
    assert re.fullmatch(rf"{server.url}/v1/File/[A-Za-z0-9]{{30}}/inputFile-\d{{7}}\.png", url)
    for address in (url, task["outputs"][0]["url"]):
        stored = httpx.get(address)
        assert (stored.content, stored.headers["content-type"]) == (PNG, "image/png")
    assert task["outputs"][0]["contenttype"] == "image/png"
    assert task["size"] == task["outputs"][0]["size"] == str(len(PNG))


@proves("files.own")
def test_an_own_address_is_read_from_storage(client: httpx.Client) -> None:
    first = client.post("/Run/gesso/echo/sync", files={"inputFile": ("a.png", PNG)}, data={"outputs": "0"}).json()["tasklist"][0]
    url = first["outputs"][0]["url"]
    second = client.post("/Run/gesso/echo/sync", json={"inputFile": url, "outputs": 0}).json()["tasklist"][0]
    assert second["parameters"]["inputFile"] == url
    assert httpx.get(second["outputs"][0]["url"]).content == PNG


@proves("files.own")
def test_an_own_address_of_no_file_is_refused(server: LiveServer, client: httpx.Client) -> None:
    answer = client.post("/Run/gesso/echo", json={"inputFile": f"{server.url}/v1/File/{'x' * 30}/a.png"})
    assert (answer.status_code, answer.json()["result"]) == (200, False)


@proves("files.several", "files.shown", "files.url-key")
def test_parts_and_addresses_of_another_server(client: httpx.Client) -> None:
    with web_server({"/a.png": PNG, "/b.pdf": PDF}) as origin:
        answer = client.post(
            "/Run/gesso/echo/sync",
            files=[("inputFiles", ("c.png", PNG)), ("inputFiles", (None, f"{origin}/b.pdf"))],
            data={"outputs": "0", "inputFileUrl": f"{origin}/a.png", "inputFile": ""},
        ).json()
    task = answer["tasklist"][0]
    assert task["pexit"] == "0", task["debugerror"]
    assert isinstance(task["parameters"]["inputFile"], str)
    shown = [task["parameters"]["inputFile"], *task["parameters"]["inputFiles"]]
    assert [httpx.get(url).content for url in shown] == [PNG, PNG, PDF]
    assert [httpx.get(output["url"]).content for output in task["outputs"]] == [PNG, PNG, PDF]


@proves("files.unreachable", "record.failed")
def test_an_address_that_cannot_be_fetched_fails_the_task(client: httpx.Client) -> None:
    with web_server({}) as origin:
        task = client.post("/Run/gesso/echo/sync", json={"inputFile": f"{origin}/none.png"}).json()["tasklist"][0]
    assert (task["status"], task["pexit"], task["totalcost"], task["outputs"]) == ("task_postprocess_end", "1", "0", [])
    assert "none.png" in task["debugerror"]


@pytest.mark.parametrize(("fail", "told"), [("error", ""), ("input", ""), ("stderr", ""), ("exit", "Attempt 1 was lost")])
@proves("record.failed", "record.losses", "record.pexit")
def test_failures_end_the_task_and_are_told(client: httpx.Client, fail: str, told: str) -> None:
    task = client.post("/Run/gesso/echo/sync", json={"fail": fail}).json()["tasklist"][0]
    assert task["status"] == "task_postprocess_end"
    assert task["pexit"] == ("0" if fail == "stderr" else "1")
    assert task["debugerror"]
    assert told in task["debugerror"]


@proves("ground.stray-files")
def test_files_that_no_call_takes_are_not_kept(server: LiveServer, client: httpx.Client) -> None:
    ended(server, client)
    before = server.stored_files()
    part = {"file": ("a.png", PNG)}
    assert client.post("/Tool/Detail", files=part, data={"slugowner": "gesso", "slugproject": "echo"}).json()["result"]
    assert not client.post("/Task/Detail", files=part).json()["result"]
    assert not client.post("/Run/gesso/echo", files={"inputFile": ("a.png", PNG)}, data={"steps": "many"}).json()["result"]
    assert not client.post("/Run/gesso/echo", files={"inputFile": ("a.png", PNG)}, data={"inputFileUrl": "https://a.example"}).json()[
        "result"
    ]
    stray = client.post("/Run/gesso/echo/sync", files=part, data={"outputs": "0"}).json()
    assert stray["tasklist"][0]["outputs"] == []
    assert server.stored_files() == before


@proves("run.unknown-keys")
def test_unknown_values_of_any_shape_are_kept(client: httpx.Client) -> None:
    extra = {"a": [1, {"b": None}], "ö": "ü", "n": 1.5}
    answer = run(client, **extra)
    assert record(client, taskid=answer["taskid"])["parameters"].items() >= extra.items()


@proves("record.times", "record.cost", "record.pexit")
def test_a_running_task_is_half_filled(server: LiveServer, client: httpx.Client) -> None:
    with running(server, client) as answer:
        task = record(client, taskid=answer["taskid"])
    assert (task["status"], task["pexit"], task["totalcost"], task["outputs"]) == ("task_start", "", "0", [])
    assert task["starttime"] != "0"
    assert task["endtime"] == task["canceltime"] == task["postprocessendtime"] == "0"


@proves("record.outputs")
def test_no_url_is_ever_empty(server: LiveServer, client: httpx.Client) -> None:
    for fields in ({"outputs": 3}, {"outputs": 0}, {"fail": "error"}):
        assert b'"url":""' not in orjson.dumps(ended(server, client, **fields))
