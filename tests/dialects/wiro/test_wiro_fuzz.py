"""Hostile input against a live server: nothing makes it fail, hang or grow."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from requirements import proves
from wiro_server import LiveServer, ended, run, socket_to

from gesso.domain.limits import MIB


def _words(text: str) -> list[str]:
    return text.split()


POSTS = _words(
    "Task/Detail Task/List Task/Cancel Task/Kill Task/InputOutputDelete Tool/List Tool/Detail Tool/Explore"
    " Tool/DetailOpenAPI Run/gesso/echo Run/gesso/heal Run/x/y File/List File/Delete File/FolderCreate File/Upload"
    " Project/List Auth/SigninVerify Task/Stream No/Such"
)
NAMES = st.sampled_from(
    _words(
        "taskid tasktoken socketaccesstoken start limit search sort order type modelName categories tags slugowner slugproject summary text"
        " steps delay outputs seed fail inputFile inputFiles callbackUrl projectid folderid name id inputImage inputImageUrl inputImageMask"
        " file uuid hideworkflows"
    )
)
# A run that takes long would hold up the only worker.
_TAME = {"delay": "0", "steps": "1", "outputs": "0"}
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["0", "-1", "1e999", "NaN", "[1", '["a"]', "{}", "http://[", "data:,x", "\x00", "\ud7ff", "x" * 5_000, "9" * 400]),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=5)
PLAIN = st.dictionaries(NAMES, st.text(max_size=40), max_size=5)
HEADERS = {"x-nonce": "1", "x-signature": "0"}
COURSE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _json(fields: dict[str, Any]) -> bytes:
    tame = {name: value for name, value in fields.items() if name not in _TAME}
    return (
        orjson.dumps(tame | _TAME, default=str, option=orjson.OPT_PASSTHROUGH_SUBCLASS) if _is_writable(tame) else b"{" + str(tame).encode()
    )


def _is_writable(fields: dict[str, Any]) -> bool:
    try:
        orjson.dumps(fields)
    except orjson.JSONEncodeError:
        return False
    return True


def _check(answer: httpx.Response) -> None:
    # 429: guesses of keys and codes are counted.
    assert answer.status_code in (200, 401, 404, 429), answer.text
    body = answer.json()
    if isinstance(body, dict):
        assert isinstance(body["result"], bool)
        assert body["result"] or body["errors"][0]["message"]


@COURSE
@given(st.sampled_from(POSTS), FIELDS)
@proves("fuzz.bodies", "ground.envelope")
def test_any_json_is_answered(client: httpx.Client, path: str, fields: dict[str, Any]) -> None:
    _check(client.post(f"/{path}", content=_json(fields), headers=HEADERS | {"content-type": "application/json"}))


@COURSE
@given(st.sampled_from(POSTS), PLAIN, st.booleans(), st.lists(st.tuples(NAMES, st.binary(max_size=60)), max_size=2))
@proves("fuzz.bodies", "ground.bodies")
def test_any_form_is_answered(client: httpx.Client, path: str, fields: dict[str, str], is_multipart: bool, files: Any) -> None:
    parts = [(name, ("a.png", content)) for name, content in files if name]
    data = {name: value for name, value in fields.items() if name and name not in _TAME} | _TAME
    _check(client.post(f"/{path}", data=data, files=parts or {"x": b""}) if is_multipart else client.post(f"/{path}", data=data))


@COURSE
@given(
    st.sampled_from([path for path in POSTS if not path.startswith("Run")]),
    st.binary(max_size=300),
    st.sampled_from(
        ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "\xff", ""]
    ),
)
@proves("fuzz.bodies", "ground.unreadable")
def test_any_bytes_are_answered(client: httpx.Client, path: str, content: bytes, content_type: str) -> None:
    _check(client.post(f"/{path}", content=content, headers=[(b"content-type", content_type.encode("latin-1"))]))


@COURSE
@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=60), st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]))
@proves("fuzz.bodies", "ground.unknown-route")
def test_any_path_is_answered(client: httpx.Client, path: str, method: str) -> None:
    raw = httpx.URL(f"{client.base_url}").copy_with(raw_path=b"/v1/" + quote(path, safe="/%").encode())
    answer = client.request(method, raw)
    assert answer.status_code in (200, 204, 401, 404)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(FIELDS, st.text(max_size=50), st.binary(max_size=50)), max_size=10))
@proves("fuzz.bodies", "socket.dropped")
def test_any_frames_leave_the_socket_open(server: LiveServer, messages: list[Any]) -> None:
    with socket_to(server) as socket:
        for message in messages:
            known = isinstance(message, dict)
            socket.send(_json({**message, "type": "task_info"}).decode("utf-8", "replace") if known else message)
        socket.register("the-last-one")
        while (frame := socket.frame())["message"] != "task-not-exist":
            assert frame["type"] == "error"


@proves("tool.openapi", "record.fields", "fuzz.bodies")
def test_answers_are_as_the_published_documents_say(server: LiveServer, client: httpx.Client) -> None:
    (_, signed) = client.post("/Tool/DetailOpenAPI", json={"slugowner": "gesso", "slugproject": "echo"}).json()
    components = {"components": signed["spec"]["components"]}

    def check(name: str, content: Any) -> None:
        OAS30Validator({"$ref": f"#/components/schemas/{name}", **components}).validate(content)

    check("RunTaskResponse", run(client))
    for fields in ({"outputs": 2}, {"fail": "error"}):
        token = ended(server, client, **fields)["socketaccesstoken"]
        check("TaskDetailResponse", client.post("/Task/Detail", json={"tasktoken": token}).json())
    check("Refusal", client.post("/Task/Detail", json={}).json())
    check("RunToolSchema", {"text": "a", "steps": 2, "seed": "7", "fail": "none", "callbackUrl": "https://example.com"})


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory of the process from /proc")
@proves("fuzz.memory")
def test_memory_does_not_grow_with_the_number_of_requests(server: LiveServer, client: httpx.Client) -> None:
    token = ended(server, client)["socketaccesstoken"]
    bodies = (
        ("/Task/Detail", {"tasktoken": token}),
        ("/Task/Detail", {"tasktoken": "none"}),
        ("/Task/List", {"limit": "2"}),
        ("/Tool/List", {"summary": True, "search": "echo"}),
        ("/Tool/DetailOpenAPI", {"slugowner": "gesso", "slugproject": "echo"}),
        ("/Run/gesso/echo", {"steps": "many"}),
    )

    def ask(count: int) -> None:
        for number in range(count):
            path, fields = bodies[number % len(bodies)]
            # Another name each time, so that what is kept by name shows.
            client.post(path, json={**fields, "unknown": number}, headers={"host": f"h{number}.example", "x-request-id": str(number)})

    ask(300)
    before = _resident_bytes()
    ask(2_000)
    assert _resident_bytes() - before < 8 * MIB
