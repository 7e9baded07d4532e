"""Stored files over HTTP: whole, in part, or only their headers. Sources: RFC 9110, sections 13 and 14; RFC 6266.

A file never changes under its access key, so the key is its strong validator and its copies stay good for ever. What a browser would
execute, or nobody has a use for seeing in place, is sent as an attachment.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from urllib.parse import quote

from starlette.types import Send

from gesso.api.dialect import Answer, Headers, send_whole
from gesso.api.request import Request
from gesso.domain.errors import FileUnknown
from gesso.domain.file import File
from gesso.domain.limits import KIB

_WHOLE_MAX_BYTES = 256 * KIB
_CHUNK_BYTES = 512 * KIB
_RANGE = re.compile(rb"bytes=(\d{0,40})-(\d{0,40})", re.IGNORECASE)
_SHOWN = ("image/", "video/", "audio/", "text/plain", "application/pdf", "application/json")
_CONSTANT: Headers = (
    (b"accept-ranges", b"bytes"),
    (b"cache-control", b"private, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
)


async def deliver(file: File, path: Path, request: Request, send: Send) -> None:
    """Answer `request` with the bytes at `path`. Errors: FileUnknown when they are gone."""
    tag = b'"' + file.access_key.encode() + b'"'
    headers = [*_CONSTANT, (b"etag", tag)]
    if _is_known(request.headers.get(b"if-none-match"), tag):
        await _start(send, 304, headers)
        await send({"type": "http.response.body", "body": b""})
        return
    span = _span(request, tag, file.size_bytes)
    if span is None:
        unsatisfiable = (b"content-range", b"bytes */%d" % file.size_bytes)
        await Answer(b"", 416, b"text/plain; charset=utf-8", (*headers, unsatisfiable)).send(send)
        return
    first, length, is_part = span
    headers += [(b"content-type", file.content_type.encode("latin-1", "replace")), (b"content-length", b"%d" % length)]
    if is_part:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (first, first + length - 1, file.size_bytes)))
    if not file.content_type.startswith(_SHOWN) or file.content_type.startswith("image/svg"):
        headers.append((b"content-disposition", f"attachment; filename*=UTF-8''{quote(file.name, safe='')}".encode()))
    status = 206 if is_part else 200
    if request.method == "HEAD":
        await _start(send, status, headers)
        await send({"type": "http.response.body", "body": b""})
    elif length <= _WHOLE_MAX_BYTES:
        await _send_whole(path, first, length, status, headers, send)
    else:
        await _send_chunks(path, first, length, status, headers, send)


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send_whole(path: Path, first: int, length: int, status: int, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    # An Output is read right after it was made, from the page cache. What is not there is read in the pool, in one visit for open, read
    # and close, because the visits cost more than the reading.
    body = _read_cached(path, first, length)
    if body is None:
        body = await asyncio.get_running_loop().run_in_executor(None, _read, path, first, length)
    await send_whole(send, status, headers, body)


async def _send_chunks(path: Path, first: int, length: int, status: int, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    loop = asyncio.get_running_loop()
    descriptor = await loop.run_in_executor(None, _open, path)
    try:
        await _start(send, status, headers)
        end = first + length
        while first < end:
            chunk = await loop.run_in_executor(None, os.pread, descriptor, min(_CHUNK_BYTES, end - first), first)
            if not chunk:
                raise OSError(f"{path.name} is shorter than its record says")
            first += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": first < end})
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise FileUnknown from None


def _read_cached(path: Path, first: int, length: int) -> bytes | None:
    """The bytes if no disk is needed for them, else None, so that the event loop never waits for one. Errors: FileUnknown."""
    if not hasattr(os, "RWF_NOWAIT"):
        return None
    descriptor = _open(path)
    try:
        body = bytearray(length)
        return bytes(body) if os.preadv(descriptor, [body], first, os.RWF_NOWAIT) == length else None
    except OSError:
        # EAGAIN: not in the page cache. EOPNOTSUPP: a file system that cannot tell.
        return None
    finally:
        os.close(descriptor)


def _read(path: Path, first: int, length: int) -> bytes:
    descriptor = _open(path)
    try:
        body = os.pread(descriptor, length, first)
    finally:
        os.close(descriptor)
    if len(body) != length:
        raise OSError(f"{path.name} is shorter than its record says")
    return body


def _is_known(given: bytes | None, tag: bytes) -> bool:
    if given is None:
        return False
    # A weak validator of the client's matches too (RFC 9110, 13.1.2).
    return given.strip() == b"*" or any(one.strip().removeprefix(b"W/") == tag for one in given.split(b","))


def _span(request: Request, tag: bytes, size: int) -> tuple[int, int, bool] | None:
    """First byte and length to send, and whether that answers a range: 206 also for one that holds everything, because players ask for
    `bytes=0-` to learn whether they can seek. None when the range lies outside the file. Several ranges, or none that can be read: all."""
    asked = request.headers.get(b"range")
    found = _RANGE.fullmatch(asked.strip()) if asked else None
    condition = request.headers.get(b"if-range")
    if found is None or found[0].endswith(b"=-") or request.method != "GET" or (condition is not None and condition.strip() != tag):
        return 0, size, False
    low, high = map(_position, found.groups())
    if low is None:
        length = min(high or 0, size)
        return (size - length, length, True) if length else None
    if high is not None and high < low:
        return 0, size, False
    last = size - 1 if high is None else min(high, size - 1)
    return (low, last - low + 1, True) if low < size else None


def _position(digits: bytes) -> int | None:
    return int(digits) if digits else None
