"""A run that the client waits for: one answer at the end, or a stream of server-sent events. Source: protocol, section 2.11.

Decided here: a client that leaves before the end withdraws its task, which then costs nothing, as a program expects of a call that it
breaks off. With a callback address somebody else waits for the result, and the task goes on. So it does when it is the server that hangs
up, because it stops: it has accepted the task, and the next one will carry it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import structlog
from starlette.types import Send

from gesso.api.dialect import Answer
from gesso.api.request import Request
from gesso.api.wiro.encode import Encoder, Viewer, submitted
from gesso.api.wiro.errors import explain, refusal
from gesso.api.wiro.frames import frames
from gesso.api.wiro.once import HEADER
from gesso.domain.errors import GessoError
from gesso.domain.event import LiveEvent, Recorded
from gesso.domain.limits import SYNC_WAIT_S
from gesso.domain.task import Task
from gesso.services.tasks import Tasks

log = structlog.get_logger(__name__)

_KEEP_ALIVE_S = 15.0
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # nginx would hold the events back otherwise.
    (b"x-accel-buffering", b"no"),
]
_OUTPUT = "task_output"
_Told = tuple[Task, Recorded | LiveEvent]


def wants_stream(request: Request) -> bool:
    accepted = request.headers.get(b"accept", b"")
    return request.query("stream").lower() in ("true", "1") or b"text/event-stream" in accepted


class Waiting:
    """`wait_s`: how long a client is kept waiting before it is sent away with the means to come back."""

    def __init__(
        self,
        tasks: Tasks,
        encoder: Encoder,
        is_accepting: Callable[[], bool],
        wait_s: float = SYNC_WAIT_S,
        keep_alive_s: float = _KEEP_ALIVE_S,
    ) -> None:
        self._tasks = tasks
        self._encoder = encoder
        self._is_accepting = is_accepting
        self._wait_s = wait_s
        self._keep_alive_s = keep_alive_s

    async def answer(self, task: Task, viewer: Viewer, request: Request, send: Send) -> None:
        """Answer with the task's record when it has ended."""
        ended = asyncio.ensure_future(self._tasks.wait(task, self._wait_s))
        gone = asyncio.ensure_future(request.gone())
        try:
            await asyncio.wait({ended, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._leave(task, request)
                return
        finally:
            ended.cancel()
            gone.cancel()
        now = ended.result()
        answer = Answer(self._encoder.answer(now, viewer)) if now.state.is_terminal else self._late(task)
        await answer.send(send)

    async def stream(self, task: Task, viewer: Viewer, request: Request, send: Send) -> None:
        """Answer with events: `start`, `task_output` as it comes, and `done` with the task's record; `error` when it takes too long."""
        await send({"type": "http.response.start", "status": 200, "headers": [*_STREAM_HEADERS]})
        await _write(send, _event("start", submitted(task)))
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._wait_s
        gone = asyncio.ensure_future(request.gone())
        told = aiter(self._tasks.follow(task))
        coming = asyncio.create_task(_next(told))
        last = b""
        try:
            while not last:
                await asyncio.wait({coming, gone}, timeout=min(self._keep_alive_s, deadline - clock()), return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    await self._leave(task, request)
                    return
                if not coming.done():
                    is_late = clock() >= deadline
                    last = _broken(self._late(task)) if is_late else b""
                    await _write(send, last or b": keep-alive\n\n")
                elif (happened := coming.result()) is None:
                    last = _event("done", self._encoder.detail(task, viewer))
                    await _write(send, last)
                elif isinstance(happened, GessoError):
                    last = _broken(explain(happened))
                    await _write(send, last)
                else:
                    task = happened[0]
                    coming = asyncio.create_task(_next(told))
                    for frame in frames(*happened, viewer):
                        if frame["type"] == _OUTPUT:
                            await _write(send, _event(_OUTPUT, frame))
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            # Cancelled inside of `follow`, which ends it and its subscription.
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    def _late(self, task: Task) -> Answer:
        names = {"taskid": str(task.id), "socketaccesstoken": task.token}
        return refusal(504, 0, "The task has not ended yet. It goes on: ask for it by its id or its token.", names)

    async def _leave(self, task: Task, request: Request) -> None:
        # With a key of its own a client means to ask again for the very same task.
        if task.callback_url or HEADER in request.headers or not self._is_accepting():
            return
        try:
            await self._tasks.kill(task)
        except GessoError as error:
            # It has ended meanwhile, or cannot be stopped now. Nobody is left to be told.
            log.info("a task outlives its client", task_id=task.id, error=str(error))


async def _next(told: AsyncIterator[_Told]) -> _Told | GessoError | None:
    """What happened next; None after the end. Errors come as values, because half of the answer is out already."""
    try:
        return await anext(told, None)
    except GessoError as error:
        return error


def _broken(answer: Answer) -> bytes:
    return b"event: error\ndata: " + answer.body + b"\n\n"


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


async def _write(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})
