"""The outermost layer of every request: its id, the way to its dialect, and the catch-all. It holds nothing back and decides nothing.

Pure ASGI, because a BaseHTTPMiddleware breaks streaming and cancellation, and one layer, because each costs on every request.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gesso.api.dialect import WHOLE, Answer, Dialect, Headers, Whole

log = structlog.get_logger(__name__)

_REQUEST_ID = b"x-request-id"
# Ids need not be secret, only other than those of other servers and of earlier starts.
_PROCESS = secrets.token_hex(4).encode()
_numbers = itertools.count(1)
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NONE: dict[str, Any] = {}
_PLAIN_INTERNAL = Answer(b"Internal Server Error", 500, b"text/plain; charset=utf-8")


class Edge:
    """`inner` serves what no dialect does."""

    def __init__(self, inner: ASGIApp, dialects: Sequence[Dialect]) -> None:
        self._inner = inner
        self._dialects = tuple((dialect.prefix, dialect.prefix + "/", dialect) for dialect in dialects)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        dialect = self._dialect_of(scope["path"])
        if dialect is None and scope["path"].startswith("//"):
            # A base address that ends in a slash, with a path that begins with one. No page is named so.
            shorter = _without_empty_start(scope)
            dialect = self._dialect_of(shorter["path"])
            scope = shorter if dialect else scope
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        if scope["type"] == "websocket":
            await (dialect or self._inner)(scope, receive, send)
            return
        whole = (scope.get("extensions") or _NONE).get(WHOLE, _NONE).get("send")
        marked = _Marked(send, ((_REQUEST_ID, request_id), *(dialect.headers if dialect else ())), whole)
        try:
            if dialect is None:
                await self._inner(scope, receive, marked)
            elif scope["method"] == "OPTIONS":
                await dialect.preflight.send(marked)
            else:
                await dialect(scope, receive, marked)
        except Exception:
            log.exception("a request failed", method=scope["method"], path=scope["path"])
            if marked.is_started:
                # Half an answer is out: only a broken connection tells the client that the rest is missing.
                raise
            await (dialect.internal() if dialect else _PLAIN_INTERNAL).send(marked)

    def _dialect_of(self, path: str) -> Dialect | None:
        for prefix, below, dialect in self._dialects:
            if path.startswith(below) or path == prefix:
                return dialect
        return None


def _without_empty_start(scope: Scope) -> Scope:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": "/" + scope["path"].lstrip("/"), "raw_path": b"/" + raw.lstrip(b"/")}


class _Marked:
    """A `send` that adds headers to the answer and knows whether it has begun. `whole`: how the server sends one at once, if it can."""

    __slots__ = ("_headers", "_send", "_whole", "is_started")

    def __init__(self, send: Send, headers: Headers, whole: Whole | None) -> None:
        self._send = send
        self._headers = headers
        self._whole = whole
        self.is_started = False

    def whole(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        if self._whole is None or not self._whole(status, (*headers, *self._headers), body):
            return False
        self.is_started = True
        return True

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)


def _request_id(scope: Scope) -> bytes:
    """The client's own id where it has sent a harmless one, so that its logs and ours can be joined."""
    for name, value in scope["headers"]:
        if name == _REQUEST_ID and _GIVEN_ID.fullmatch(value):
            return value
    return b"%s%08x" % (_PROCESS, next(_numbers))
