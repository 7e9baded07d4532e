"""Server-sent events: how they are written, and how what happens to a task is heard while its client may leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from enum import Enum
from typing import Any

import orjson
from starlette.types import Send

from gesso.api.dialect import Answer
from gesso.api.request import Request
from gesso.domain.errors import GessoError
from gesso.domain.event import LiveEvent, Recorded
from gesso.domain.task import Task

KEEP_ALIVE_S = 15.0
KEEP_ALIVE = b": keep-alive\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # nginx would hold the events back otherwise.
    (b"x-accel-buffering", b"no"),
]
Told = tuple[Task, Recorded | LiveEvent]


class Silence(Enum):
    """What is heard when nothing happens: PAUSE, for so long; LEFT, because the client has gone; OVER, because the server stops."""

    PAUSE = "pause"
    LEFT = "left"
    OVER = "over"


async def begin(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})


async def write(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def finish(send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})


def event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """`number`: where a client that comes back may go on from."""
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def broken(answer: Answer) -> bytes:
    """A refusal in the middle of a stream, whose status is out already."""
    return b"event: error\ndata: " + answer.body + b"\n\n"


async def heard(
    told: AsyncIterator[Told], request: Request, hung_up: asyncio.Event, pause_s: Callable[[], float]
) -> AsyncGenerator[Told | GessoError | Silence, None]:
    """What happens, as it comes, up to its end; a PAUSE after `pause_s()` seconds without. An error is a value and the last one, because
    half of the answer is out already; so are LEFT, and OVER once `hung_up` is set. Close it: then `told` is closed too."""
    gone = asyncio.ensure_future(request.gone())
    over = asyncio.ensure_future(hung_up.wait())
    coming = asyncio.create_task(_next(told))
    try:
        while True:
            await asyncio.wait({coming, gone, over}, timeout=pause_s(), return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                yield Silence.LEFT
                return
            if not coming.done():
                if over.done():
                    yield Silence.OVER
                    return
                yield Silence.PAUSE
                continue
            happened = coming.result()
            if happened is None:
                return
            yield happened
            if isinstance(happened, GessoError):
                return
            coming = asyncio.create_task(_next(told))
    finally:
        gone.cancel()
        over.cancel()
        # Cancelled inside of `follow`, which ends it and its subscription.
        coming.cancel()
        await asyncio.gather(coming, gone, over, return_exceptions=True)


async def _next(told: AsyncIterator[Told]) -> Told | GessoError | None:
    """What happened next; None after the end."""
    try:
        return await anext(told, None)
    except GessoError as error:
        return error
