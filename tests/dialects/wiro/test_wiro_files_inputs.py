"""Several files for one parameter, in every way in which clients send them, and addresses of this very server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from wiro_server import LiveServer, web_server

from gesso.api.request import Request
from gesso.api.wiro.inputs import FileField
from gesso.api.wiro.owners import Owners
from gesso.domain.parameter import Kind, Parameter

A, B, C, D = (b"\x89PNG\r\n\x1a\n" + bytes([number] * 100) for number in range(4))


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    """The origin of another web server."""
    with web_server({"/a.png": A, "/b.png": B, "/c,d.png": C}) as origin:
        yield origin


@pytest.fixture(scope="module")
def kept(server: LiveServer) -> list[str]:
    """Addresses of two uploads."""
    with server.client(server.key) as client:
        answer = client.post("/File/Upload", files=[("file", ("a.png", A)), ("file", ("b.png", B))]).json()
    return [one["url"] for one in answer["list"]]


def given_back(answer: httpx.Response) -> list[bytes]:
    """What echo gave back."""
    (task,) = answer.json()["tasklist"]
    assert task["pexit"] == "0", task["debugerror"]
    shown = task["parameters"]["inputFiles"]
    assert isinstance(shown, list)
    files = [httpx.get(output["url"]).content for output in task["outputs"]]
    assert [httpx.get(url).content for url in shown] == files
    return files


@pytest.mark.parametrize("shape", ["list", "json text", "commas", "commas and blanks", "lines", "url key", "url key list"])
@proves("files.several", "files.url-key", "files.url-text")
def test_addresses_in_a_json_body(client: httpx.Client, foreign: str, kept: list[str], shape: str) -> None:
    urls = [f"{foreign}/a.png", kept[1], f"{foreign}/c,d.png"]
    fields: dict[str, Any] = {
        "list": {"inputFiles": urls},
        "json text": {"inputFiles": orjson.dumps(urls).decode()},
        "commas": {"inputFiles": ",".join(urls)},
        "commas and blanks": {"inputFiles": " , ".join(urls) + ","},
        "lines": {"inputFiles": "\n".join(urls)},
        "url key": {"inputFiles": "", "inputFilesUrl": ",".join(urls)},
        "url key list": {"inputFiles": [], "inputFilesUrl": urls},
    }[shape]
    assert given_back(client.post("/Run/gesso/echo/sync", json={**fields, "outputs": 0})) == [A, B, C]


@pytest.mark.parametrize("is_multipart", [True, False])
@proves("files.several")
def test_addresses_in_a_form(client: httpx.Client, foreign: str, kept: list[str], is_multipart: bool) -> None:
    text = orjson.dumps([f"{foreign}/a.png", kept[1]]).decode()
    sent: dict[str, Any] = (
        {"files": {"inputFiles": (None, text), "outputs": (None, "0")}} if is_multipart else {"data": {"inputFiles": text, "outputs": "0"}}
    )
    assert given_back(client.post("/Run/gesso/echo/sync", **sent)) == [A, B]


@proves("files.several", "files.part")
def test_parts_addresses_and_lists_together(client: httpx.Client, foreign: str, kept: list[str]) -> None:
    parts: list[Any] = [
        ("inputFiles", ("c.png", C)),
        ("inputFiles", (None, kept[1])),
        ("inputFiles[]", ("d.png", D)),
        ("inputFilesUrl", (None, f"{foreign}/a.png, {kept[0]}")),
        ("outputs", (None, "0")),
    ]
    assert given_back(client.post("/Run/gesso/echo/sync", files=parts)) == [C, D, B, A, A]


@pytest.mark.parametrize("key", ["inputDocumentMultipleUrl", "inputDocumentUrlMultiple", "inputDocumentMultiple"])
@proves("files.n8n")
def test_the_spellings_of_n8n(key: str) -> None:
    field = FileField(Parameter("inputDocumentMultiple", Kind.FILES))
    given = field.inputs({key: "https://a.example/1.pdf,https://a.example/2.pdf"}, (), ())
    assert [one.url for one in given] == ["https://a.example/1.pdf", "https://a.example/2.pdf"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
@proves("files.own-names", "files.own")
def test_this_server_by_its_other_names(server: LiveServer, client: httpx.Client, kept: list[str], host: str) -> None:
    url = kept[0].replace("127.0.0.1", host)
    answer = client.post("/Run/gesso/echo", json={"inputFiles": [url]}, headers={"host": "gesso.example"}).json()
    shown = client.post("/Task/Detail", json={"taskid": answer["taskid"]}).json()["tasklist"][0]["parameters"]["inputFiles"]
    # Stored at once, under the key that it had: nothing was fetched.
    assert shown == [kept[0]]


@proves("files.own-names")
def test_the_public_origin_names_this_server(stopping: LiveServer) -> None:
    with stopping.client(stopping.key) as client:
        (kept,) = client.post("/File/Upload", files={"file": ("a.png", A)}).json()["list"]
    assert kept["url"].startswith("https://gesso.example/v1/File/")
    request = Request({"type": "http", "headers": [(b"host", b"inner:80")], "server": ("10.0.0.1", 8700)}, _never)
    origins = Owners(stopping.house.services).origins(request)
    (given,) = FileField(Parameter("inputFiles", Kind.FILES)).inputs({"inputFiles": kept["url"]}, (), origins)
    assert (given.access_key, given.url) == (kept["accesskey"], "")
    assert {"http://inner:80", "http://localhost:8700"} <= set(origins)


async def _never() -> Any:
    raise AssertionError("nothing is received")


@proves("files.capability", "files.own")
def test_an_address_is_enough_also_for_another_project(server: LiveServer, kept: list[str]) -> None:
    with server.client(server.other) as stranger:
        assert given_back(stranger.post("/Run/gesso/echo/sync", json={"inputFiles": kept, "outputs": 0})) == [A, B]


NO_PICTURES = {
    "page": (b"<!doctype html><title>Sign in</title>", "a web page"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    "words.png": (b"no picture", "text"),
    "empty.png": (b"", "empty"),
    "bytes": (bytes(range(8)), "of no type that is known here"),
}


@pytest.mark.parametrize("name", NO_PICTURES)
@proves("files.likeness")
def test_what_is_no_picture_is_told_what_it_is(client: httpx.Client, name: str) -> None:
    data, what = NO_PICTURES[name]
    (error,) = client.post("/Run/gesso/heal", files={"inputImage": (name, data), "inputImageMask": ("mask.png", A)}).json()["errors"]
    assert error == {"code": 0, "message": f"Request files [inputImage] cannot be used: it is {what}, and a picture is needed"}
    with web_server({f"/{name}": data}) as origin:
        fields = {"inputImage": f"{origin}/{name}", "inputImageMask": f"{origin}/{name}"}
        (task,) = client.post("/Run/gesso/heal/sync", json=fields).json()["tasklist"]
    assert task["pexit"] == "1"
    assert f"it is {what}, and a picture is needed" in task["debugerror"]


@proves("files.gone")
def test_a_deleted_file_is_refused_with_a_sentence(client: httpx.Client) -> None:
    (upload,) = client.post("/File/Upload", files={"file": ("gone.png", A)}).json()["list"]
    client.post("/File/Delete", json={"id": upload["id"]})
    answer = client.post("/Run/gesso/echo", json={"inputFiles": [upload["url"]]}).json()
    assert answer["result"] is False
    text = "Request files [inputFiles] cannot be used: gone.png is not on this server, or was deleted"
    assert answer["errors"] == [{"code": 0, "message": text}]
