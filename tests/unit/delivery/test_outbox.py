"""When the outbox tries, and when it sleeps: with the real outbox in simulated time, over a store in memory and receivers in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from gesso.delivery.outbox import Outbox
from gesso.delivery.webhooks import Sender
from gesso.domain.errors import TaskUnknown, Unavailable
from gesso.domain.limits import (
    WEBHOOK_BACKOFF_S,
    WEBHOOK_LOOK_MAX_S,
    WEBHOOK_RETRY_AFTER_MAX_S,
    WEBHOOK_TROUBLE_S,
    WEBHOOKS_AT_ONCE_MAX_COUNT,
)
from gesso.domain.notice import Notice
from gesso.domain.task import Task, TaskState
from gesso.ports import AddressForbidden, Busy
from gesso.testing import LoopClock, MemoryNotices, NothingLeftToHappen, make_task, simulate
from gesso.testing.clock import EPOCH_US

Answer = Callable[[httpx.Request], httpx.Response]


def refuse(request: httpx.Request) -> httpx.Response:
    return httpx.Response(500)


def make_notice(task_id: int = 1, host: str = "a.example:443", due_at: int = EPOCH_US, project_id: int = 1) -> Notice:
    return Notice(task_id, project_id, f"https://{host}/hook", host, due_at)


class Nothing(httpx.AsyncByteStream):
    """A body as it comes from a network; those of httpx's own doubles are read already."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""


class TroubledNotices(MemoryNotices):
    """Each kind of reading fails `troubles` times. `looks`: how often the outbox was read."""

    def __init__(self, troubles: int = 0) -> None:
        super().__init__()
        self.looks = 0
        self._left = {"due": troubles, "secret": troubles}

    def _fail(self, name: str) -> None:
        self._left[name] -= 1
        if self._left[name] >= 0:
            raise Unavailable("the database is locked by another process")

    async def due(self, now: int, limit: int, busy: Busy) -> tuple[list[Notice], int]:
        self.looks += 1
        self._fail("due")
        return await super().due(now, limit, busy)

    async def secret(self, project_id: int) -> str:
        self._fail("secret")
        return await super().secret(project_id)


class World:
    """Notes when each request came, in seconds since the start, and for which host."""

    def __init__(
        self, answer: Answer = lambda request: httpx.Response(500), luck: float = 0.0, store: TroubledNotices | None = None
    ) -> None:
        self.store = store or TroubledNotices()
        self.times: list[float] = []
        self.hosts: list[str] = []
        self._answer = answer
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._receive))
        self.outbox = Outbox(self.store, self._see, {"wiro": self._encode}, Sender(client), LoopClock(), lambda: luck)

    def _receive(self, request: httpx.Request) -> httpx.Response:
        self.times.append(round(asyncio.get_running_loop().time(), 3))
        self.hosts.append(request.url.host)
        answer = self._answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=Nothing())

    async def _see(self, task_id: int) -> Task:
        if task_id == 404:
            raise TaskUnknown
        return make_task(TaskState.SUCCEEDED, id=task_id)

    async def _encode(self, task: Task) -> bytes:
        if task.id == 500:
            raise KeyError("a defect")
        return b"{}"

    def live(self, begin: Callable[[], Any] = lambda: None) -> None:
        """Start, and go on until nothing can happen any more: no timer is set, and nothing is under way."""

        async def life() -> None:
            self.outbox.start()
            begin()
            await asyncio.Event().wait()

        with pytest.raises(NothingLeftToHappen):
            simulate(life())


def test_an_empty_outbox_sets_no_timer() -> None:
    world = World()
    world.live()
    assert world.times == []


def test_the_end_of_a_task_without_an_address_wakes_nobody() -> None:
    world = World()
    world.live(lambda: world.outbox.observe(make_task(TaskState.SUCCEEDED), ()))
    assert world.store.looks == 1


def test_tries_come_at_growing_distances_and_end() -> None:
    world = World()
    world.store.add(make_notice())
    world.live()
    distances = [later - earlier for earlier, later in zip(world.times, world.times[1:], strict=False)]
    assert distances == pytest.approx(list(WEBHOOK_BACKOFF_S))
    assert world.store.notices[1].due_at == 0
    assert [delivery.status for _, delivery in world.store.log] == [500] * (len(WEBHOOK_BACKOFF_S) + 1)


def test_luck_spreads_tries_later_never_earlier() -> None:
    world = World(luck=1.0)
    world.store.add(make_notice())
    world.live()
    assert world.times[1] == pytest.approx(WEBHOOK_BACKOFF_S[0] * 1.25)


def test_a_success_ends_it() -> None:
    answers = iter([503, 500, 200])
    world = World(lambda request: httpx.Response(next(answers)))
    world.store.add(make_notice())
    world.live()
    assert world.times == [0.0, 2.0, 12.0]
    assert world.store.notices[1].due_at == 0


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("90", 90.0),
        ("1", WEBHOOK_BACKOFF_S[0]),
        ("-5", WEBHOOK_BACKOFF_S[0]),
        ("soon", WEBHOOK_BACKOFF_S[0]),
        ("9" * 400, WEBHOOK_RETRY_AFTER_MAX_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", WEBHOOK_RETRY_AFTER_MAX_S),
        ("Wed, 21 Oct 2015 07:28:00 GMT", WEBHOOK_BACKOFF_S[0]),
    ],
)
def test_a_receiver_may_ask_for_time_within_bounds(asked: str, wait_s: float) -> None:
    answers = iter([httpx.Response(429, headers={"retry-after": asked}), httpx.Response(200)])
    world = World(lambda request: next(answers))
    world.store.add(make_notice())
    world.live()
    assert world.times == pytest.approx([0.0, wait_s])


def test_a_forbidden_address_and_a_lost_task_are_tried_once() -> None:
    class Forbidden(httpx.ConnectError, AddressForbidden):
        """As the guarded client raises it."""

    def forbid(request: httpx.Request) -> httpx.Response:
        raise Forbidden("it leads to a private address")

    world = World(forbid)
    world.store.add(make_notice(1))
    world.store.add(make_notice(404))
    world.live()
    assert world.times == [0.0]
    assert {delivery.error for _, delivery in world.store.log} == {
        "The address is not allowed: it leads to a private address",
        "The task is no longer there",
    }


def test_a_notice_in_the_future_is_waited_for_with_few_looks() -> None:
    world = World(lambda request: httpx.Response(200))
    world.store.add(make_notice(due_at=EPOCH_US + 100 * 1_000_000))
    world.live()
    assert world.times == [100.0]
    assert WEBHOOK_LOOK_MAX_S < 100


def test_many_are_sent_longest_due_first_and_hosts_in_turn() -> None:
    count = 3 * WEBHOOKS_AT_ONCE_MAX_COUNT
    world = World(lambda request: httpx.Response(200))
    for number in range(count):
        world.store.add(make_notice(number + 1, "busy.example:443", EPOCH_US - count + number))
    world.store.add(make_notice(count + 1, "quiet.example:443", project_id=2))
    world.live()
    assert len(world.hosts) == count + 1
    # It is the youngest of all, but those before it are to one host, which has its few places.
    assert world.hosts.index("quiet.example") < 10
    order = [task_id for task_id, _ in world.store.log if task_id <= count]
    assert order == sorted(order)


def test_trouble_of_the_store_is_waited_for() -> None:
    world = World(lambda request: httpx.Response(200), store=TroubledNotices(2))
    world.store.add(make_notice())
    world.live()
    assert world.times == [4 * WEBHOOK_TROUBLE_S]
    assert world.store.notices[1].due_at == 0


def test_a_task_that_cannot_be_told_of_is_given_up_in_the_end() -> None:
    world = World()
    world.store.add(make_notice(500))
    world.live()
    assert [delivery.error for _, delivery in world.store.log] == ["The server could not send it; its log says why"] * 8
    assert world.times == []
    assert world.store.notices[500].due_at == 0


def test_nothing_begins_after_the_stop() -> None:
    world = World(lambda request: httpx.Response(200))

    async def life() -> None:
        world.outbox.start()
        await world.outbox.stop()
        world.store.add(make_notice())
        world.outbox.wake()
        world.outbox.observe(make_task(TaskState.SUCCEEDED, callback_url="https://a.example/"), ())
        await world.outbox.stop()
        assert world.outbox.is_asleep()

    simulate(life())
    assert world.times == []
