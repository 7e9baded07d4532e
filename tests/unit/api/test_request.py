"""A request's path, origin and body."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.api.request import Request
from gesso.domain.errors import BodyTooLarge, BodyUnreadable


def _request(*messages: dict[str, Any], headers: dict[str, bytes] | None = None, **scope: Any) -> Request:
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0)

    given_headers = [(name.encode(), value) for name, value in (headers or {}).items()]
    return Request({"type": "http", "path": "/v1", "query_string": b"", "headers": given_headers, **scope}, receive)


def _read(request: Request, max_bytes: int = 10) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in request.chunks(max_bytes)])

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        (b"/v1", [""]),
        (b"/v1/", [""]),
        (b"/v1/Run/a%2Fb/c%20d", ["Run", "a/b", "c d"]),
        (b"/v1/Run/%E2%82%AC/", ["Run", "€"]),
        (b"/v1/Run/a+b?x=/y", ["Run", "a+b"]),
        (b"/v1/%ff", ["\ufffd"]),
    ],
)
def test_a_path_is_split_before_it_is_decoded(raw: bytes, segments: list[str]) -> None:
    assert _request(raw_path=raw).segments("/v1") == segments


@given(st.binary(max_size=100))
def test_any_path_has_segments(raw: bytes) -> None:
    assert _request(raw_path=b"/v1" + raw).segments("/v1")


@pytest.mark.parametrize(
    ("query", "value"),
    [(b"", ""), (b"stream=true", "true"), (b"a=1&stream=0&stream=true", "true"), (b"stream", ""), (b"&" * 500, ""), (b"x=1" * 500, "")],
)
def test_a_query_value(query: bytes, value: str) -> None:
    assert _request(query_string=query).query("stream") == value


def test_an_origin_without_a_host_is_the_socket() -> None:
    assert _request(server=("127.0.0.1", 8700)).origin() == "http://127.0.0.1:8700"
    assert _request(scheme="wss", server=("a.example", None)).origin() == "https://a.example"


@given(st.dictionaries(st.sampled_from(["host", "x-forwarded-host", "x-forwarded-proto"]), st.binary(max_size=60)))
def test_an_origin_is_always_an_origin(headers: dict[str, bytes]) -> None:
    origin = _request(headers=headers).origin()
    assert origin.startswith(("http://", "https://"))
    assert not set(origin.partition("://")[2]) & set("/\\<>\"' @?#")


def test_a_body_within_its_limit() -> None:
    parts = [{"type": "http.request", "body": b"12345", "more_body": True}, {"type": "http.request", "body": b"67890"}]
    assert _read(_request(*parts)) == b"1234567890"
    with pytest.raises(BodyTooLarge):
        _read(_request(*parts), 9)


def test_a_client_that_breaks_off() -> None:
    with pytest.raises(BodyUnreadable):
        _read(_request({"type": "http.request", "body": b"1", "more_body": True}, {"type": "http.disconnect"}))


@pytest.mark.parametrize(("text", "length"), [(b"5", 5), (b"", None), (b"-5", None), (b"x", None), (b"9" * 30, None), (b"\xb2", None)])
def test_a_length(text: bytes, length: int | None) -> None:
    assert _request(headers={"content-length": text}).content_length() == length
