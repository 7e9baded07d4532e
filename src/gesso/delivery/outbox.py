"""The outbox: each notice that is due is sent, signed, until it is taken or has failed often enough.

A notice stays due on disk until its try is recorded, so none is lost when the server dies; one whose try was not recorded any more is sent
twice, with the same id. It sleeps while nothing is due: a commit, a doorbell or the timer of the next try wakes it. A receiver that hangs
holds only the places of its own host and project.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from gesso.delivery.webhooks import Reply, Sender
from gesso.domain.errors import TaskUnknown, Unavailable
from gesso.domain.event import Recorded
from gesso.domain.limits import (
    WEBHOOK_LOOK_MAX_S,
    WEBHOOK_STOP_GRACE_S,
    WEBHOOK_TROUBLE_S,
    WEBHOOKS_AT_ONCE_MAX_COUNT,
    WEBHOOKS_PER_HOST_MAX_COUNT,
    WEBHOOKS_PER_PROJECT_MAX_COUNT,
)
from gesso.domain.notice import Delivery, Notice, due_after, notice_id, sign
from gesso.domain.task import Task
from gesso.ports import Busy, Clock, NoticeStore

log = structlog.get_logger(__name__)
Encode = Callable[[Task], Awaitable[bytes]]
_US = 1_000_000


class Outbox:
    """`see`: a Task as it may be shown. `encoders`: by dialect, what writes a notice's body. `luck`: 0 to 1, spreads tries."""

    def __init__(
        self,
        store: NoticeStore,
        see: Callable[[int], Awaitable[Task]],
        encoders: Mapping[str, Encode],
        sender: Sender,
        clock: Clock,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._see = see
        self._encoders = encoders
        self._sender = sender
        self._clock = clock
        self._luck = luck
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._hosts: Counter[str] = Counter()
        self._projects: Counter[int] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_woken = False
        self._is_open = False

    def start(self) -> None:
        """Send what an earlier server left, and what comes."""
        self._is_open = True
        self.wake()

    async def stop(self, grace_s: float = WEBHOOK_STOP_GRACE_S) -> None:
        """Begin nothing more; what is under way has `grace_s` seconds. The rest stays due."""
        self._is_open = False
        self._set_timer(None)
        under_way = {*self._sending.values(), *([self._looking] if self._looking else [])}
        if under_way:
            await asyncio.wait(under_way, timeout=grace_s)
        for job in under_way:
            job.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._sender.close()

    def observe(self, task: Task, recorded: Sequence[Recorded]) -> None:
        """An Observer of the lifecycle: the end of a Task with an address to tell is in the outbox by now."""
        if task.callback_url and task.state.is_terminal:
            self.wake()

    def wake(self) -> None:
        """Look soon at what is due; many wakes before that are one."""
        self._is_woken = True
        if self._is_open and self._looking is None:
            # A context of its own: what it logs belongs to no request.
            looking = asyncio.get_running_loop().create_task(self._look(), name="webhooks", context=contextvars.Context())
            self._looking = looking
            looking.add_done_callback(self._looked)

    def is_asleep(self) -> bool:
        """Whether nothing is under way, and no timer is set."""
        return not self._sending and self._looking is None and self._timer is None

    def _looked(self, looking: asyncio.Task[None]) -> None:
        self._looking = None
        if looking.cancelled() or not self._is_open:
            return
        error = looking.exception()
        if error is not None:
            log.error("the outbox could not be read", error=repr(error))
            self._set_timer(WEBHOOK_TROUBLE_S)
        elif self._is_woken:
            self.wake()

    async def _look(self) -> None:
        self._is_woken = False
        self._set_timer(None)
        is_more, next_at = True, 0
        while is_more and self._is_open and (room := WEBHOOKS_AT_ONCE_MAX_COUNT - len(self._sending)) > 0:
            notices, next_at = await self._store.due(self._clock.now(), room, self._busy())
            if not self._is_open:
                return
            begun = [self._begin(notice) for notice in notices if self._has_place(notice)]
            # Where some had no place, those behind them, to others, were perhaps not seen. What finds no place waits for the end of a try.
            is_more = len(begun) < len(notices)
        if next_at:
            # Not longer than the bound: the clock of the machine may be set, and timers stand still while it sleeps.
            self._set_timer(min(max(0.0, (next_at - self._clock.now()) / _US), WEBHOOK_LOOK_MAX_S))

    def _set_timer(self, delay_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if delay_s is None else asyncio.get_running_loop().call_later(delay_s, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self.wake()

    def _busy(self) -> Busy:
        return Busy(
            tuple(self._sending),
            tuple(host for host, count in self._hosts.items() if count >= WEBHOOKS_PER_HOST_MAX_COUNT),
            tuple(project_id for project_id, count in self._projects.items() if count >= WEBHOOKS_PER_PROJECT_MAX_COUNT),
        )

    def _has_place(self, notice: Notice) -> bool:
        return (
            notice.task_id not in self._sending
            and self._hosts[notice.host] < WEBHOOKS_PER_HOST_MAX_COUNT
            and self._projects[notice.project_id] < WEBHOOKS_PER_PROJECT_MAX_COUNT
        )

    def _begin(self, notice: Notice) -> None:
        self._hosts[notice.host] += 1
        self._projects[notice.project_id] += 1
        job = asyncio.get_running_loop().create_task(self._deliver(notice), name=f"webhook {notice.task_id}")
        self._sending[notice.task_id] = job
        job.add_done_callback(lambda _: self._end(notice))

    def _end(self, notice: Notice) -> None:
        del self._sending[notice.task_id]
        # Unlike the subtraction of a number, this one leaves no zeros behind.
        self._hosts -= Counter((notice.host,))
        self._projects -= Counter((notice.project_id,))
        self.wake()

    async def _deliver(self, notice: Notice) -> None:
        try:
            await self._try(notice)
        except Exception:
            # The edge of a delivery: nothing was recorded, so the notice stays due, and must not be tried again without a pause.
            log.exception("a webhook could not be prepared or recorded", task_id=notice.task_id)
            await asyncio.sleep(WEBHOOK_TROUBLE_S)

    async def _try(self, notice: Notice) -> None:
        at, began = self._clock.now(), self._clock.monotonic()
        try:
            reply = await self._send(notice, at // _US)
        except Unavailable:
            raise
        except Exception:
            # A Task that no encoder can tell of must not hold a place for ever: this counts as a try.
            log.exception("a webhook could not be sent", task_id=notice.task_id)
            reply = Reply(error="The server could not send it; its log says why")
        delivery = Delivery(at, round((self._clock.monotonic() - began) * _US), reply.status, reply.error, reply.answer)
        due_at = 0
        if reply.error and not reply.is_final:
            due_at = due_after(notice.tries + 1, self._clock.now(), reply.retry_after_s, self._luck())
        await self._store.record(notice, delivery, due_at)
        if reply.error and not due_at:
            log.warning("a webhook was given up", task_id=notice.task_id, host=notice.host, tries=notice.tries + 1, error=reply.error)

    async def _send(self, notice: Notice, timestamp_s: int) -> Reply:
        """Errors: Unavailable, and whatever an encoder raises."""
        try:
            task = await self._see(notice.task_id)
        except TaskUnknown:
            return Reply(error="The task is no longer there", is_final=True)
        encode = self._encoders.get(task.dialect)
        if encode is None:
            return Reply(error=f"This server no longer speaks {task.dialect}", is_final=True)
        body, secret, message_id = await encode(task), await self._store.secret(notice.project_id), notice_id(task.token)
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": sign(secret, message_id, timestamp_s, body),
        }
        return await self._sender.post(notice.url, headers, body)
