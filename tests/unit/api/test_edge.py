"""The edge: ids, the way to a dialect, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from gesso.api.dialect import Answer
from gesso.api.edge import Edge


class OneDialect:
    """A dialect below /d that answers, breaks, or breaks in the middle of its answer."""

    name = "one"
    prefix = "/d"
    headers = ((b"x-dialect", b"one"),)
    preflight = Answer(b"preflight")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/d/half":
            await send({"type": "http.response.start", "status": 200})
        if scope["path"] in ("/d/half", "/d/broken"):
            raise RuntimeError("a secret")
        await Answer(scope["type"].encode()).send(send)

    def internal(self) -> Answer:
        return Answer(b"internal", 500)


async def _inner(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/broken":
        raise RuntimeError("a secret")
    await Answer(b"inner").send(send)


def _ask(path: str, method: str = "GET", *headers: tuple[bytes, bytes], kind: str = "http") -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is received")

    scope = {"type": kind, "method": method, "path": path, "headers": list(headers)}
    asyncio.run(Edge(_inner, (OneDialect(),))(scope, receive, send))
    return sent


def _body(sent: list[Any]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/d", b"http"), ("/d/", b"http"), ("/d/x/y", b"http"), ("/", b"inner"), ("/dd", b"inner"), ("/x/d", b"inner")],
)
def test_a_dialect_has_its_prefix_and_no_more(path: str, body: bytes) -> None:
    sent = _ask(path)
    assert _body(sent) == body
    assert ((b"x-dialect", b"one") in sent[0]["headers"]) == (body == b"http")


def test_a_socket_is_passed_on_without_headers() -> None:
    assert _body(_ask("/d", kind="websocket")) == b"websocket"


def test_a_preflight_is_answered_for_the_dialect() -> None:
    assert _body(_ask("/d/anything", "OPTIONS")) == b"preflight"
    assert _body(_ask("/", "OPTIONS")) == b"inner"


@pytest.mark.parametrize(("path", "body"), [("/d/broken", b"internal"), ("/broken", b"Internal Server Error")])
def test_a_failure_is_answered_without_details(path: str, body: bytes) -> None:
    sent = _ask(path)
    assert (sent[0]["status"], _body(sent)) == (500, body)
    assert b"secret" not in repr(sent).encode()


def test_half_an_answer_breaks_the_connection() -> None:
    with pytest.raises(RuntimeError):
        _ask("/d/half")


@pytest.mark.parametrize(
    ("given_id", "is_kept"), [(b"a.B-1_2", True), (b"x" * 64, True), (b"x" * 65, False), (b"a b", False), (b"a\xff", False), (b"", False)]
)
def test_a_harmless_id_is_kept_and_any_other_replaced(given_id: bytes, is_kept: bool) -> None:
    headers = dict(_ask("/", "GET", (b"x-request-id", given_id))[0]["headers"])
    assert (headers[b"x-request-id"] == given_id) == is_kept
    assert is_kept or re.fullmatch(rb"[0-9a-f]{16}", headers[b"x-request-id"])
