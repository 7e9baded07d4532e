"""Stored files over HTTP, and the origins of their URLs."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from wiro_builders import new_task
from wiro_server import LiveServer, record

from gesso.api.request import Request
from gesso.api.wiro.owners import Owners
from gesso.api.wiro.routes import Wiro

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(242))
LARGE = b"%PDF-1.7 " + bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def urls(server: LiveServer) -> dict[str, str]:
    """Addresses of stored files by the name that they were sent under."""
    given = {
        "small.png": PNG,
        "large.pdf": LARGE,
        "page.html": b"<script>alert(1)</script>",
        "drawing.svg": b"<svg onload='alert(1)'/>",
        "data.bin": b"\x00\x01",
        "words.txt": b"plain words",
        "false.png": b"<script>alert(1)</script>",
    }
    with server.client(server.key) as client:
        answer = client.post("/Run/gesso/echo", files=[("inputFiles", part) for part in given.items()]).json()
        shown = record(client, taskid=answer["taskid"])["parameters"]["inputFiles"]
    return dict(zip(given, shown, strict=True))


def _get(url: str, method: str = "GET", **headers: str) -> httpx.Response:
    return httpx.request(method, url, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(("name", "content", "kind"), [("small.png", PNG, "image/png"), ("large.pdf", LARGE, "application/pdf")])
@proves("file.get", "file.head", "file.safe")
def test_a_file_is_given_whole_with_exact_headers(urls: dict[str, str], name: str, content: bytes, kind: str) -> None:
    answer, head = _get(urls[name]), _get(urls[name], "HEAD")
    assert (answer.status_code, answer.content) == (200, content)
    assert (head.status_code, head.content) == (200, b"")
    for headers in (answer.headers, head.headers):
        assert headers["content-type"] == kind
        assert headers["content-length"] == str(len(content))
        assert headers["accept-ranges"] == "bytes"
        assert headers["x-content-type-options"] == "nosniff"
        assert "content-disposition" not in headers
        assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("suffix", ["", "/", "/another-name.png"])
@proves("file.get")
def test_the_access_key_is_all_that_counts(urls: dict[str, str], suffix: str) -> None:
    assert _get(urls["small.png"].rpartition("/")[0] + suffix).content == PNG


@pytest.mark.parametrize("content", [PNG, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=10-99999999", slice(10, None)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-", slice(None)),
        ("bytes=-99999999", slice(None)),
        ("Bytes=0-9", slice(0, 10)),
    ],
)
@proves("file.range")
def test_one_range(urls: dict[str, str], content: bytes, asked: str, part: slice) -> None:
    answer = _get(urls["small.png" if content is PNG else "large.pdf"], range=asked)
    assert answer.content == content[part]
    first, last, _ = part.indices(len(content))
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=250-", "bytes=9999-10000", "bytes=-0", f"bytes={10**30}-"])
@proves("file.range")
def test_a_range_outside_the_file(urls: dict[str, str], asked: str) -> None:
    answer = _get(urls["small.png"], range=asked)
    assert (answer.status_code, answer.headers["content-range"], answer.content) == (416, "bytes */250", b"")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "bytes=9-5", "items=0-1", "bytes=a-b", "bytes", ""])
@proves("file.range")
def test_ranges_that_are_not_understood_are_the_whole(urls: dict[str, str], asked: str) -> None:
    answer = _get(urls["small.png"], range=asked)
    assert (answer.status_code, answer.content) == (200, PNG)


@proves("file.etag")
def test_a_copy_is_confirmed_by_its_tag(urls: dict[str, str]) -> None:
    tag = _get(urls["small.png"]).headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = _get(urls["small.png"], if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert _get(urls["small.png"], if_none_match='"x"').status_code == 200
    assert "immutable" in _get(urls["small.png"]).headers["cache-control"]
    assert _get(urls["small.png"], range="bytes=0-1", if_range=tag).status_code == 206
    assert _get(urls["small.png"], range="bytes=0-1", if_range='"x"').status_code == 200


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "data.bin", "false.png"])
@proves("file.safe")
def test_what_could_run_is_an_attachment(urls: dict[str, str], name: str) -> None:
    answer = _get(urls[name])
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] not in ("text/html", "image/png")


@proves("file.safe")
def test_plain_text_is_shown(urls: dict[str, str]) -> None:
    answer = _get(urls["words.txt"])
    assert (answer.headers["content-type"], "content-disposition" in answer.headers) == ("text/plain", False)


@pytest.mark.parametrize("path", ["/File/unknown/a.png", f"/File/{'a' * 30}/a.png", "/File/..%2f..%2fetc/passwd", "/File/%00/x"])
@proves("file.unknown")
def test_an_unknown_file(client: httpx.Client, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = client.request(method, path)
        assert answer.status_code == 404
    assert client.get(path).json() == {"errors": [{"code": 1, "message": "file-not-exist"}], "result": False}


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "gesso.example:8443"}, "http://gesso.example:8443"),
        ({"host": "[::1]:8700"}, "http://[::1]:8700"),
        ({"host": "inner", "x-forwarded-proto": "https", "x-forwarded-host": "outer.example"}, "https://outer.example"),
        ({"host": "a.example", "x-forwarded-proto": "https, http"}, "https://a.example"),
        ({"host": "a.example", "x-forwarded-proto": "javascript"}, "http://a.example"),
        ({"host": "a.example", "x-forwarded-host": "evil/<script>"}, "http://a.example"),
    ],
)
@proves("url.origin")
def test_urls_have_the_origin_that_the_client_used(client: httpx.Client, headers: dict[str, str], origin: str) -> None:
    answer = client.post("/Run/gesso/echo", files={"inputFile": ("a.png", PNG)}).json()
    detail: dict[str, Any] = client.post("/Task/Detail", json={"taskid": answer["taskid"]}, headers=headers).json()
    assert detail["tasklist"][0]["parameters"]["inputFile"].startswith(f"{origin}/v1/File/")


@proves("url.origin", "notice.body")
def test_a_public_url_wins_for_clients_and_for_webhooks(stopping: LiveServer) -> None:
    task = new_task(project_id=stopping.key.project.id)
    notice = orjson.loads(stopping.call(lambda: Wiro(stopping.house.services).notice(task)))
    shown = notice["tasklist"][0]
    assert shown["parameters"]["inputImage"].startswith("https://gesso.example/v1/File/")
    assert shown["uuid"] == stopping.key.project.uuid
    assert Owners(stopping.house.services).base(Request({"type": "http", "headers": []}, _never)) == "https://gesso.example/v1"


async def _never() -> Any:
    raise AssertionError("nothing is received")
