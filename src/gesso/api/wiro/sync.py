"""A run that the client waits for: one answer at the end, or a stream of server-sent events. Source: protocol, section 2.11.

Decided here: a client that leaves before the end withdraws its task, which then costs nothing, as a program expects of a call that it
breaks off. With a callback address somebody else waits for the result, and the task goes on. So it does when it is the server that hangs
up, because it stops: it has accepted the task, and the next one will carry it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import structlog
from starlette.types import Send

from gesso.api.dialect import Answer
from gesso.api.request import Request
from gesso.api.wiro import sse
from gesso.api.wiro.encode import Encoder, Viewer, submitted
from gesso.api.wiro.errors import explain, refusal
from gesso.api.wiro.frames import frames
from gesso.api.wiro.once import HEADER
from gesso.domain.errors import GessoError
from gesso.domain.limits import SYNC_WAIT_S
from gesso.domain.task import Task
from gesso.services.tasks import EarlySubscription, Tasks

log = structlog.get_logger(__name__)

_OUTPUT = "task_output"
_UNWATCHED_S = 0.1


def wants_stream(request: Request) -> bool:
    accepted = request.headers.get(b"accept", b"")
    return request.query("stream").lower() in ("true", "1") or b"text/event-stream" in accepted


class Waiting:
    """`hung_up`: the server stops, and keeps nobody waiting any more. `wait_s`: how long a client is kept waiting otherwise. Either way it
    is sent away with the means to come back."""

    def __init__(
        self,
        tasks: Tasks,
        encoder: Encoder,
        is_accepting: Callable[[], bool],
        hung_up: asyncio.Event,
        wait_s: float = SYNC_WAIT_S,
        keep_alive_s: float = sse.KEEP_ALIVE_S,
    ) -> None:
        self._tasks = tasks
        self._encoder = encoder
        self._is_accepting = is_accepting
        self._hung_up = hung_up
        self._wait_s = wait_s
        self._keep_alive_s = keep_alive_s

    async def answer(self, task: Task, viewer: Viewer, request: Request, send: Send) -> None:
        """Answer with the task's record when it has ended."""
        now, has_left = await self._end(task, request)
        if now.state.is_terminal:
            await Answer(self._encoder.answer(now, viewer)).send(send)
        elif has_left:
            await self._leave(task, request)
        else:
            await self._late(task).send(send)

    async def _end(self, task: Task, request: Request) -> tuple[Task, bool]:
        """The task when it has ended, or as it is when it has taken too long or nobody waits any more; whether its client has left."""
        # The tasks of small models end before it pays to watch their clients: who leaves sooner than this is noticed a moment later.
        now = await self._tasks.wait(task, min(_UNWATCHED_S, self._wait_s))
        if now.state.is_terminal:
            return now, False
        gone = asyncio.ensure_future(request.gone())
        over = asyncio.ensure_future(self._hung_up.wait())
        nobody_waits = asyncio.ensure_future(asyncio.wait({gone, over}, return_when=asyncio.FIRST_COMPLETED))
        try:
            now = await self._tasks.wait(task, self._wait_s, nobody_waits)
        finally:
            has_left = not gone.cancel()
            over.cancel()
            nobody_waits.cancel()
        return now, has_left

    async def stream(self, task: Task, viewer: Viewer, request: Request, send: Send, early: EarlySubscription | None = None) -> None:
        """Answer with events: `start`, `task_output` as it comes, and `done` with the task's record; `error` when it takes too long.

        `early`: of the task, made before it was accepted, so that no output is missed.
        """
        await sse.begin(send)
        await sse.write(send, sse.event("start", submitted(task)))
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._wait_s
        told = self._tasks.follow(task, early=early)
        async with aclosing(sse.heard(told, request, self._hung_up, lambda: min(self._keep_alive_s, deadline - clock()))) as beats:
            async for beat in beats:
                if beat is sse.Silence.LEFT:
                    await self._leave(task, request)
                    return
                if isinstance(beat, GessoError):
                    last = sse.broken(explain(beat))
                    break
                if isinstance(beat, sse.Silence):
                    if beat is sse.Silence.OVER or clock() >= deadline:
                        last = sse.broken(self._late(task))
                        break
                    await sse.write(send, sse.KEEP_ALIVE)
                    continue
                task = beat[0]
                for frame in frames(*beat, viewer):
                    if frame["type"] == _OUTPUT:
                        await sse.write(send, sse.event(_OUTPUT, frame))
            else:
                last = sse.event("done", self._encoder.detail(task, viewer))
        await sse.write(send, last)
        await sse.finish(send)

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
