"""What holds for every route: bodies, unknown routes, browsers, ids, failures."""

from __future__ import annotations

import httpx
import orjson
import pytest
import structlog
from requirements import proves
from wiro_server import LiveServer, record

from gesso.domain.limits import FIELDS_MAX_BYTES

UNKNOWN = {"errors": [{"code": 0, "message": "Error parsing url."}], "result": False}
TOOL = {"slugowner": "gesso", "slugproject": "echo"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("POST", "/"),
        ("POST", "/Nothing/Here"),
        ("POST", "/Run"),
        ("POST", "/Run/gesso"),
        ("POST", "/Run/gesso/echo/async"),
        ("POST", "/Run/gesso/echo/sync/more"),
        ("GET", "/Run/gesso/echo"),
        ("GET", "/Task/Detail"),
        ("PUT", "/Task/Detail"),
        ("DELETE", "/File/x/y"),
        ("POST", "/File/x/y"),
        ("GET", "/File"),
        ("GET", "/File/a/b/c"),
        ("GET", "/%00/%ff"),
    ],
)
@proves("ground.unknown-route", "ground.unknown-method", "ground.envelope")
def test_what_is_no_route_says_so(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (404, UNKNOWN)
    assert answer.headers["content-type"] == "application/json"


@proves("ground.no-redirect")
def test_a_slash_at_the_end_changes_nothing(client: httpx.Client) -> None:
    assert client.post("/Tool/Detail/", json=TOOL).json()["result"]


@pytest.mark.parametrize(
    "body",
    [
        {"json": TOOL},
        {"data": TOOL},
        {"files": {name: (None, value) for name, value in TOOL.items()}},
        {"content": orjson.dumps(TOOL), "headers": {"content-type": "multipart/form-data"}},
        {"content": orjson.dumps(TOOL), "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b" \n" + orjson.dumps(TOOL), "headers": {"content-type": "text/plain"}},
    ],
)
@proves("ground.bodies", "ground.sniffed", "tool.detail")
def test_every_kind_of_body_on_a_call(client: httpx.Client, body: dict[str, object]) -> None:
    assert client.post("/Tool/Detail", **body).json()["tool"][0]["slugproject"] == "echo"  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["json", "data", "files"])
@proves("ground.bodies", "run.text-forms")
def test_every_kind_of_body_on_a_run_and_after_it(client: httpx.Client, kind: str) -> None:
    fields = {"text": "hi", "steps": "2"}
    answer = client.post("/Run/gesso/echo", **_sent(kind, fields)).json()
    assert answer["result"], answer
    for path in ("/Task/Detail", "/Task/Kill"):
        sent = _sent(kind, {"tasktoken": answer["socketaccesstoken"], "taskid": answer["taskid"]})
        known = client.post(path, **sent).json()
        assert known["result"] or known["errors"][0]["code"] == 1


def _sent(kind: str, fields: dict[str, str]) -> dict[str, object]:
    return {kind: {name: (None, value) for name, value in fields.items()} if kind == "files" else fields}


@proves("ground.sniffed")
def test_an_empty_body_has_no_fields(client: httpx.Client) -> None:
    assert client.post("/Run/gesso/echo").json()["result"]


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"a":1} x', b"5"])
@proves("ground.unreadable")
def test_a_body_that_cannot_be_read(client: httpx.Client, content: bytes) -> None:
    for path in ("/Run/gesso/echo", "/Task/Detail", "/Tool/Detail"):
        answer = client.post(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 200
        assert answer.json()["errors"] == [{"code": 0, "message": "Request parameters are invalid."}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'--BB\r\ncontent-disposition: form-data; name="text"\r\n\r\nhel', "the form breaks off before its final boundary"),
        (b"--BB\r\nno header\r\n\r\n", "the form is malformed"),
        (b'{"text": }', "the JSON is malformed at line 1, column 10: unexpected character, expected a JSON value"),
    ],
)
@proves("ground.unreadable-logged", "ground.unreadable", "ground.request-id")
def test_why_a_body_cannot_be_read_is_logged_with_the_id_of_the_request(client: httpx.Client, content: bytes, reason: str) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        answer = client.post("/Run/gesso/echo", content=content, headers={"content-type": "multipart/form-data; boundary=BB"})
    assert answer.json()["errors"] == [{"code": 0, "message": "Request parameters are invalid."}]
    (line,) = [line for line in logged if line["event"] == "a body could not be read"]
    assert (line["log_level"], line["reason"], line["announced_bytes"]) == ("info", reason, len(content))
    assert line["request_id"] == answer.headers["x-request-id"]


@proves("ground.too-large")
def test_a_body_over_the_limits_names_the_limit(client: httpx.Client) -> None:
    content = b'{"a":"' + b"x" * FIELDS_MAX_BYTES + b'"}'
    for path in ("/Run/gesso/echo", "/Task/Detail"):
        answer = client.post(path, content=content)
        assert answer.status_code == 200
        assert str(FIELDS_MAX_BYTES) in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/Run/gesso/echo", "/Task/Detail", "/Unknown"])
@proves("ground.cors")
def test_a_browser_may_call_from_anywhere(server: LiveServer, path: str) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    with server.client() as client:
        preflight = client.options(path, headers=asked)
        answer = client.post(path, json={}, headers={"origin": "https://a.example"})
    assert preflight.status_code == 200
    allowed = preflight.headers["access-control-allow-headers"].split(",")
    assert {"content-type", "x-api-key", "x-nonce", "x-signature", "authorization"} <= set(allowed)
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-origin"] == answer.headers["access-control-allow-origin"] == "*"


@proves("ground.request-id")
def test_every_answer_has_an_id(client: httpx.Client) -> None:
    ids = {client.post(path, json={}).headers["x-request-id"] for path in ("/Tool/Detail", "/Nothing", "/Task/Detail")}
    assert len(ids) == 3
    assert client.post("/Nothing", headers={"x-request-id": "my.id-1"}).headers["x-request-id"] == "my.id-1"
    assert client.post("/Nothing", headers={"x-request-id": "a" * 65}).headers["x-request-id"] != "a" * 65
    assert httpx.get(str(client.base_url.copy_with(path="/healthz"))).headers["x-request-id"]


@proves("ground.slugs", "run.answer")
@pytest.mark.parametrize("name", ["gesso/echo", "GESSO/Echo", "%67esso/ech%6F", "gesso/echo/"])
def test_a_model_has_many_spellings(client: httpx.Client, name: str) -> None:
    assert client.post(f"/Run/{name}", json={}).json()["result"]


@pytest.mark.parametrize(
    "name", ["black-forest-labs/FLUX.1-Fill-dev", "black-forest-labs/flux-1-fill-dev", "Black-Forest-Labs/FLUX++1-Fill-dev"]
)
@proves("ground.slugs", "run.files-required")
def test_slugs_with_dots(client: httpx.Client, name: str) -> None:
    answer = client.post(f"/Run/{name}", json={"prompt": "x"}).json()
    assert answer["errors"] == [{"code": 0, "message": "Request files [inputImage] required"}]


@proves("tool.unknown", "run.unknown-model")
def test_an_unknown_model(client: httpx.Client) -> None:
    unknown = {"errors": [{"code": 1, "message": "slug-owner-project-not-exist"}], "result": False}
    for path, fields in (
        ("/Run/a/b", {}),
        ("/Run/gesso%2Fecho/x", {}),
        ("/Tool/Detail", {"slugowner": "a", "slugproject": "b"}),
        ("/Tool/Detail", {}),
    ):
        answer = client.post(path, json=fields)
        assert (answer.status_code, answer.json()) == (200, unknown)


@proves("ground.internal")
def test_a_failure_of_the_server_has_no_details(server: LiveServer, client: httpx.Client) -> None:
    run = client.post("/Run/gesso/echo", files={"inputFile": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100))}).json()
    url = record(client, taskid=run["taskid"])["parameters"]["inputFile"]
    # Bytes that were cut short behind the server's back are a failure that no rule foresees.
    server.stored_files()[url.split("/")[-2]].write_bytes(b"short")
    answer = client.get(url)
    assert answer.status_code == 500
    assert answer.json() == {"errors": [{"code": 0, "message": "Something went wrong in the server."}], "result": False}
    assert answer.headers["access-control-allow-origin"] == "*"


@proves("ground.unavailable")
def test_a_server_that_stops_refuses_runs_and_answers_the_rest(stopping: LiveServer) -> None:
    with stopping.client(stopping.key) as client:
        for path in ("/Run/gesso/echo", "/Run/gesso/echo/sync?stream=true"):
            answer = client.post(path, json={})
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["errors"][0]["code"] == 0
        assert client.post("/Tool/Detail", json=TOOL).json()["result"]
    assert httpx.get(f"{stopping.url}/readyz").status_code == 503
    assert httpx.get(f"{stopping.url}/healthz").status_code == 200


@proves("ground.ready", "ground.unavailable")
def test_a_server_whose_disk_is_full_says_that_it_is_not_ready_until_there_is_room(server: LiveServer, client: httpx.Client) -> None:
    with server.full():
        while (refused := client.post("/Run/gesso/echo", json={"text": "x" * 5000, "outputs": 0})).status_code == 200:
            """There is room in the pages that the database has."""
        assert (refused.status_code, "the disk is full" in refused.text) == (503, True)
        answer = httpx.get(f"{server.url}/readyz")
        assert (answer.status_code, answer.text) == (503, "not accepting tasks: the disk is full")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert client.post("/Run/gesso/echo", json={"outputs": 0}).status_code == 200


@proves("ground.request-id")
def test_health_beside_the_dialects(server: LiveServer) -> None:
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert httpx.get(f"{server.url}/metrics").headers["content-type"].startswith("text/plain")
    assert "gesso" in httpx.get(f"{server.url}/").text
    assert "access-control-allow-origin" not in httpx.get(f"{server.url}/").headers
