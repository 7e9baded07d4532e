"""Habits of clients that no page describes: slashes, lists in forms, packed bodies, numbers of other languages, misplaced files."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requirements import proves
from wiro_builders import MODEL, PROJECT, received
from wiro_server import LiveServer, ended, record, run, socket_to, web_server

from gesso.api.body import Body
from gesso.api.inflate import unpacked
from gesso.api.wiro.decode import Form
from gesso.domain.errors import BodyTooLarge, BodyUnreadable, FileRefused
from gesso.domain.limits import FIELDS_MAX_BYTES, HEAD_MAX_BYTES, KIB, MIB

PACKINGS = [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]


@pytest.mark.parametrize("path", ["//v1/Tool/Detail", "/v1//Tool/Detail", "///v1//Tool/Detail/"])
@proves("ground.no-redirect")
def test_a_slash_too_many_changes_nothing(server: LiveServer, path: str) -> None:
    answer = httpx.post(server.url + path, json={"slugowner": "gesso", "slugproject": "echo"})
    assert answer.json()["tool"][0]["slugproject"] == "echo"


def _raw(server: LiveServer, *pieces: bytes) -> bytes:
    """All that is answered until the server closes the connection."""
    host, port = server.origin.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        return b"".join(iter(lambda: connection.recv(65536), b""))


OFFER = b"Connection: Upgrade, HTTP2-Settings%s\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
BODY = b'{"slugowner":"gesso","slugproject":"echo"}'
HEAD = b"POST /v1/Tool/Detail HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
SIZED = b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("body", [SIZED, CHUNKED], ids=["sized", "chunked"])
@proves("ground.offers")
def test_an_offer_of_another_protocol_costs_no_body(server: LiveServer, body: bytes) -> None:
    last = HEAD + OFFER % b", close" + body
    in_bytes = [last[index : index + 1] for index in range(len(last))]
    in_two = [last.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", last.partition(b"\r\n\r\n")[2]]
    for pieces in ([last], in_bytes, in_two):
        answer = _raw(server, *pieces)
        assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b'"slugproject":"echo"') == 1
    several = (HEAD + OFFER % b"" + body) * 50 + HEAD + body + last
    assert _raw(server, several).count(b'"slugproject":"echo"') == 52


@proves("ground.offers")
def test_an_offer_without_a_body_and_a_method_of_proxies(server: LiveServer) -> None:
    assert b"200 OK" in _raw(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + OFFER % b", close" + b"\r\n")
    assert b"200 OK" in _raw(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: TLS/1.0\r\n\r\n")
    assert b"400 Bad Request" in _raw(server, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("start", [HEAD, HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"], ids=["head", "trailer"])
@proves("ground.heads")
def test_a_head_without_end_is_cut_off(server: LiveServer, start: bytes) -> None:
    host, port = server.origin.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(start + b"X: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * HEAD_MAX_BYTES * 1000)


@proves("ground.heads")
def test_a_head_within_the_limit_is_read_and_a_body_is_no_head(server: LiveServer) -> None:
    filler = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(50))
    head = HEAD.partition(b"Content-Type")[0] + filler + b"Connection: close\r\n"
    padded = BODY + b" " * (3 * HEAD_MAX_BYTES)
    pieces = [padded[start : start + 1000] for start in range(0, len(padded), 1000)]
    assert b"200 OK" in _raw(server, head, b"Content-Length: %d\r\n\r\n" % len(padded), *pieces)


@pytest.mark.parametrize("name", ["categories", "categories[]", "categories[0]"])
@proves("ground.members", "ground.bodies")
def test_a_form_names_the_members_of_a_list(client: httpx.Client, name: str) -> None:
    for body in ({"data": {name: "test"}}, {"files": {name: (None, "test")}}):
        found = client.post("/Tool/List", **body).json()["tool"]  # type: ignore[arg-type]
        assert [tool["slugproject"] for tool in found] == ["echo"]


@pytest.mark.parametrize("names", [("inputFiles", "inputFiles"), ("inputFiles[]", "inputFiles[]"), ("inputFiles[0]", "inputFiles[1]")])
@proves("ground.members", "files.several")
def test_a_form_names_the_members_of_a_list_of_files(client: httpx.Client, names: tuple[str, str]) -> None:
    parts = [(name, (f"{number}.txt", b"text")) for number, name in enumerate(names)]
    answer = client.post("/Run/gesso/echo", files=parts).json()
    assert len(record(client, taskid=answer["taskid"])["parameters"]["inputFiles"]) == 2


@pytest.mark.parametrize(("coding", "pack"), PACKINGS)
@proves("ground.packed")
def test_a_packed_body_is_read(client: httpx.Client, coding: str, pack: Any) -> None:
    headers = {"content-encoding": coding, "content-type": "application/json"}
    answer = client.post("/Run/gesso/echo", content=pack(orjson.dumps({"text": "packed"})), headers=headers).json()
    assert record(client, taskid=answer["taskid"])["parameters"]["text"] == "packed"


@proves("ground.packed")
def test_a_packed_form_with_a_file_is_read(client: httpx.Client) -> None:
    form = httpx.Request("POST", "http://x", files={"inputFile": ("a.txt", b"text" * 200_000)})
    headers = {"content-encoding": "gzip", "content-type": form.headers["content-type"]}
    answer = client.post("/Run/gesso/echo", content=gzip.compress(form.read()), headers=headers).json()
    assert client.get(record(client, taskid=answer["taskid"])["parameters"]["inputFile"]).content == b"text" * 200_000


@pytest.mark.parametrize("coding", ["gzip", "utf-8", "br"])
@proves("ground.packed")
def test_a_plain_body_with_a_false_coding_is_read(client: httpx.Client, coding: str) -> None:
    assert client.post("/Run/gesso/echo", content=b'{"text":"plain"}', headers={"content-encoding": coding}).json()["result"]


@proves("ground.packed", "ground.too-large", "ground.unreadable")
def test_a_packed_body_has_the_limits_of_an_unpacked_one(client: httpx.Client) -> None:
    bomb = gzip.compress(b'{"a":"' + b"x" * (64 * MIB))
    for path in ("/Tool/List", "/Run/gesso/echo"):
        answer = client.post(path, content=bomb, headers={"content-encoding": "gzip"})
        assert str(FIELDS_MAX_BYTES) in answer.json()["errors"][0]["message"]
    for damaged in (bomb[:1000], b"\x1f\x8b" + b"x" * 100):
        answer = client.post("/Tool/List", content=damaged, headers={"content-encoding": "gzip"})
        assert answer.json()["errors"][0]["message"] == "Request parameters are invalid."


@given(st.binary(max_size=4 * KIB), st.integers(1, 999), st.sampled_from(PACKINGS))
@proves("ground.packed")
def test_a_packed_body_may_come_in_any_pieces(body: bytes, size: int, packing: Any) -> None:
    packed = packing[1](body)
    assert _unpack([packed[start : start + size] for start in range(0, len(packed), size)], len(body)) == body


@given(st.lists(st.binary(min_size=1, max_size=64), max_size=4))
@proves("ground.packed")
def test_nothing_that_only_looks_packed_makes_the_server_fail(chunks: list[bytes]) -> None:
    for beginning in (b"\x1f\x8b\x08", b"\x78\x9c"):
        with contextlib.suppress(BodyUnreadable, BodyTooLarge):
            _unpack([beginning, *chunks], KIB)


def _unpack(chunks: list[bytes], max_bytes: int) -> bytes:
    async def come() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def unpack() -> bytes:
        return b"".join([piece async for piece in unpacked(come(), max_bytes)])

    return asyncio.run(unpack())


@proves("ground.numbers", "detail.names")
def test_whole_numbers_of_other_languages(server: LiveServer, client: httpx.Client) -> None:
    task = ended(server, client, steps=2.0, seed=7.0)
    assert (task["parameters"]["steps"], task["parameters"]["seed"]) == (2, "7")
    assert record(client, taskid=float(task["id"]))["id"] == task["id"]


@pytest.mark.parametrize(("value", "told"), [(True, "true"), (False, "false"), (5, "5"), (0.5, "0.5")])
@proves("ground.numbers", "run.text-forms")
def test_a_text_may_come_as_another_value(client: httpx.Client, value: Any, told: str) -> None:
    assert record(client, taskid=run(client, text=value)["taskid"])["parameters"]["text"] == told


@proves("files.stray", "ground.stray-files")
def test_a_file_for_a_value_is_refused(server: LiveServer, client: httpx.Client) -> None:
    before = server.stored_files().keys()
    answer = client.post("/Run/gesso/echo", files={"text": ("text.txt", b"words")}).json()
    assert answer["errors"][0]["message"].startswith("Request files [text] cannot be used: a value was expected")
    assert server.stored_files().keys() == before


@proves("files.stray")
def test_a_file_for_nothing_that_is_known_is_left_aside() -> None:
    part = received("image/png", "a.png")
    assert Form(MODEL).order(PROJECT, Body([], [("image", part)], is_json=False), ()).files == {}
    with pytest.raises(FileRefused):
        Form(MODEL).order(PROJECT, Body([], [("prompt", part)], is_json=False), ())


@proves("files.spaces")
def test_spaces_in_an_address(server: LiveServer, client: httpx.Client) -> None:
    with web_server({"/a%20b.txt?c%20d": b"spaced"}) as origin:
        task = ended(server, client, inputFile=f"{origin}/a b.txt?c d")
    assert (task["pexit"], client.get(task["outputs"][-1]["url"]).content) == ("0", b"spaced")
    answer = client.post("/Run/gesso/echo", json={"inputFile": "http://a b.example/x.txt"}).json()
    assert "is neither a file nor an http(s) address" in answer["errors"][0]["message"]


@proves("socket.bytes")
def test_a_registration_may_come_as_bytes(server: LiveServer, client: httpx.Client) -> None:
    token = run(client)["socketaccesstoken"]
    with socket_to(server) as listener:
        listener.send(orjson.dumps({"type": "task_info", "tasktoken": token}))
        assert listener.until("task_postprocess_end")[-1]["tasktoken"] == token
