"""The bus holds up nobody: a listener that falls behind is cut, and knows it."""

from __future__ import annotations

import asyncio

from gesso.delivery.bus import Bus
from gesso.domain.event import Preview, Progress, Queued, Recorded
from gesso.domain.limits import SUBSCRIBER_QUEUE_MAX_EVENTS
from gesso.domain.task import TaskState
from gesso.testing import make_task, simulate

TASK = make_task(TaskState.RUNNING)
QUEUED = Recorded(1, 1, Queued())


def test_events_come_in_order_to_those_who_listen_to_the_task() -> None:
    async def scenario() -> None:
        bus = Bus()
        here, there = bus.subscribe(TASK.id), bus.subscribe(TASK.id + 1)
        bus.publish(TASK, [QUEUED])
        bus.publish_live(TASK, Progress(1, 2, 5))
        assert await here.next() == (TASK, QUEUED)
        assert await here.next() == (TASK, Progress(1, 2, 5))
        waiting = asyncio.ensure_future(there.next())
        await asyncio.sleep(1.0)
        assert not waiting.done()
        waiting.cancel()

    simulate(scenario())


def test_a_listener_that_waits_is_woken() -> None:
    async def scenario() -> None:
        bus = Bus()
        subscription = bus.subscribe(TASK.id)
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(1.0)
        bus.publish(TASK, [QUEUED])
        assert await waiting == (TASK, QUEUED)

    simulate(scenario())


def test_a_wait_that_was_given_up_loses_nothing() -> None:
    async def scenario() -> None:
        bus = Bus()
        subscription = bus.subscribe(TASK.id)
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        bus.publish(TASK, [QUEUED])
        assert await subscription.next() == (TASK, QUEUED)

    simulate(scenario())


def test_a_listener_that_falls_behind_is_cut_and_the_others_are_not() -> None:
    async def scenario() -> None:
        bus = Bus()
        slow, quick = bus.subscribe(TASK.id), bus.subscribe(TASK.id)
        for step in range(SUBSCRIBER_QUEUE_MAX_EVENTS + 1):
            bus.publish_live(TASK, Progress(step, 1, 0))
            assert await quick.next() == (TASK, Progress(step, 1, 0))
        assert await slow.next() is None
        bus.publish(TASK, [QUEUED])
        assert await slow.next() is None
        assert await quick.next() == (TASK, QUEUED)

    simulate(scenario())


def test_who_is_gone_hears_nothing_and_may_go_twice() -> None:
    async def scenario() -> None:
        bus = Bus()
        subscription = bus.subscribe(TASK.id)
        subscription.close()
        subscription.close()
        bus.publish(TASK, [QUEUED])
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(1.0)
        assert not waiting.done()
        waiting.cancel()

    simulate(scenario())


def test_of_previews_one_waits_at_most_and_nothing_else_is_left_out() -> None:
    async def scenario() -> None:
        bus = Bus()
        subscription = bus.subscribe(TASK.id)
        for step in range(3):
            bus.publish_live(TASK, Preview(f"picture {step}"))
            bus.publish_live(TASK, Progress(step, 3, 0))
        told = [await subscription.next() for _ in range(4)]
        assert [event for _, event in filter(None, told)] == [Preview("picture 0"), *(Progress(step, 3, 0) for step in range(3))]
        bus.publish_live(TASK, Preview("picture 3"))
        assert await subscription.next() == (TASK, Preview("picture 3"))

    simulate(scenario())
