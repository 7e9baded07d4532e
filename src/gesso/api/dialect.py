"""What the edge gives to a dialect, and what a dialect gives back. It knows HTTP, and no wire language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from gesso.domain.task import Task
from gesso.services.offer import Services

__all__ = ["WHOLE", "Answer", "Dialect", "Headers", "Services", "send_whole"]

Headers = tuple[tuple[bytes, bytes], ...]
# The extension of a scope whose `send` sends a whole answer at once, where it can: status, headers, body, and whether it did.
WHOLE = "gesso.whole"
Whole = Callable[[int, Sequence[tuple[bytes, bytes]], bytes], bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    body: bytes
    status: int = 200
    content_type: bytes = b"application/json"
    headers: Headers = ()

    async def send(self, send: Send) -> None:
        """Built by hand: this is on every hot path, and a Response object takes as long as the rest of the edge."""
        headers = [(b"content-type", self.content_type), (b"content-length", b"%d" % len(self.body)), *self.headers]
        await send_whole(send, self.status, headers, self.body)


async def send_whole(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer at once where server and edge can, else as ASGI's two messages. `headers` have a content-length."""
    whole: Whole | None = getattr(send, "whole", None)
    if whole is None or not whole(status, headers, body):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Dialect(Protocol):
    """A wire language below a path prefix. `headers` go on each of its answers; `preflight` answers every OPTIONS."""

    name: str
    prefix: str
    headers: Headers
    preflight: Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket. Errors of the domain are answered here; others are left to the edge."""
        ...

    def pages(self) -> Sequence[BaseRoute]:
        """What it serves outside of its prefix."""
        ...

    def internal(self) -> Answer:
        """The answer to a request in which the server failed."""
        ...

    async def notice(self, task: Task) -> bytes:
        """The body of the webhook that tells of the end of a Task that came in this language, as JSON."""
        ...
