"""Stored files, whole and in part, from a real folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.api.download import deliver
from gesso.api.request import Request
from gesso.domain.errors import FileUnknown
from gesso.domain.file import File

CONTENT = bytes(range(256)) * 2
LARGE = CONTENT * 4096


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    (made / "small").write_bytes(CONTENT)
    (made / "large").write_bytes(LARGE)
    (made / "empty").write_bytes(b"")
    return made


def _get(path: Path, size: int, method: str = "GET", **headers: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is received")

    given_headers = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    request = Request({"type": "http", "method": method, "path": "/", "headers": given_headers}, receive)
    file = File("k" * 30, 1, "ü.png", "image/png", size, "", 0)
    asyncio.run(deliver(file, path, request, send))
    assert not sent[-1].get("more_body")
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent)


@given(st.one_of(st.binary(max_size=40), st.from_regex(rb"\Abytes=[0-9]{0,4}-[0-9]{0,4}\Z")))
def test_any_range_is_answered_truly(folder: Path, asked: bytes) -> None:
    status, headers, body = _get(folder / "small", len(CONTENT), range=asked)
    assert status in (200, 206, 416)
    assert headers.get(b"content-length") == str(len(body)).encode()
    if status == 200:
        assert body == CONTENT
    elif status == 206:
        first, last = map(int, headers[b"content-range"].removeprefix(b"bytes ").partition(b"/")[0].split(b"-"))
        assert body == CONTENT[first : last + 1]
        assert 0 < len(body) <= len(CONTENT)
    else:
        assert body == b""


def test_a_large_file_comes_in_pieces(folder: Path) -> None:
    assert _get(folder / "large", len(LARGE))[2] == LARGE
    status, _, body = _get(folder / "large", len(LARGE), range=b"bytes=100-1500000")
    assert (status, body) == (206, LARGE[100:1500001])


def test_an_empty_file(folder: Path) -> None:
    assert _get(folder / "empty", 0)[::2] == (200, b"")
    assert _get(folder / "empty", 0, range=b"bytes=0-")[0] == 416


@pytest.mark.parametrize("size", [100, 10**7])
def test_bytes_that_are_gone(folder: Path, size: int) -> None:
    with pytest.raises(FileUnknown):
        _get(folder / "none", size)


@pytest.mark.parametrize("size", [len(CONTENT) + 1, 10**7])
def test_bytes_that_were_cut_short(folder: Path, size: int) -> None:
    with pytest.raises(OSError, match="shorter than its record"):
        _get(folder / "small", size)
