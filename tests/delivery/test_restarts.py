"""What is due outlives the server, however it ends; redelivery; and the doorbell that commands ring."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from receivers import TIMEOUT_S, PostOffice, hang, post_office, receiving, status

from gesso.delivery.doorbell import Doorbell, ring
from gesso.testing import FakeClock

HERE = Path(__file__).parent


def test_what_an_earlier_server_left_is_delivered_at_the_next_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving() as receiver:
            before = PostOffice(tmp_path)
            await before.project()
            task = await before.end_a_task(receiver.url)
            await before.outbox.stop()
            before.store.close()
            assert receiver.connections == 0
            after = PostOffice(tmp_path)
            after.outbox.start()
            assert (await after.recorded())[0].task_id == task.id
            await after.outbox.stop()
            after.store.close()

    asyncio.run(scenario())


def test_a_server_killed_before_its_note_of_a_delivery_sends_it_again_with_the_same_id(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(hang, status(200)) as receiver:
            doomed = await asyncio.create_subprocess_exec(sys.executable, str(HERE / "doomed_outbox.py"), str(tmp_path), receiver.url)
            first = await receiver.next()
            doomed.kill()
            await doomed.wait()
            async with post_office(tmp_path) as office:
                second = await receiver.next()
                _, delivery, _ = await office.recorded()
                assert first.headers["webhook-id"] == second.headers["webhook-id"]
                assert first.body == second.body
                assert delivery.status == 200
                assert len(await office.notices.log(1)) == 1

    asyncio.run(scenario())


def test_a_try_under_way_may_end_while_the_server_stops(tmp_path: Path) -> None:
    async def scenario() -> None:
        may_answer = asyncio.Event()

        async def answer(writer: asyncio.StreamWriter) -> None:
            await may_answer.wait()
            writer.write(status(200))
            await writer.drain()

        async with receiving(answer) as receiver, post_office(tmp_path) as office:
            await office.end_a_task(receiver.url)
            await receiver.next()
            stopping = asyncio.create_task(office.outbox.stop(TIMEOUT_S))
            await asyncio.sleep(0)
            await office.end_a_task(receiver.url)
            may_answer.set()
            await stopping
            assert [record.state for record in await office.notices.latest(9)] == ["waiting", "delivered"]
            assert receiver.connections == 1

    asyncio.run(scenario())


def test_a_try_that_is_cut_off_stays_due_and_does_not_count(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(hang) as receiver, post_office(tmp_path) as office:
            task = await office.end_a_task(receiver.url)
            await receiver.next()
            await office.outbox.stop(0)
            (record,) = await office.notices.latest(9)
            assert (record.state, record.notice.tries) == ("waiting", 0)
            assert await office.notices.log(task.id) == []

    asyncio.run(scenario())


def test_redelivery_sends_again_with_the_same_id_and_all_tries_before_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(status(410), status(200)) as receiver, post_office(tmp_path) as office:
            task = await office.end_a_task(receiver.url)
            first = await receiver.next()
            await office.recorded()
            assert await office.notices.redeliver(task.id)
            assert not await office.notices.redeliver(task.id + 1)
            office.outbox.wake()
            second = await receiver.next()
            notice, _, _ = await office.recorded()
            assert first.headers["webhook-id"] == second.headers["webhook-id"]
            assert notice.tries == 0
            assert [each.status for each in await office.notices.log(task.id)] == [410, 200]
            assert [record.state for record in await office.notices.latest(9)] == ["delivered"]

    asyncio.run(scenario())


def test_redelivery_asked_for_during_a_try_is_not_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        may_answer, clock = asyncio.Event(), FakeClock()

        async def answer(writer: asyncio.StreamWriter) -> None:
            await may_answer.wait()
            writer.write(status(200))
            await writer.drain()

        async with receiving(answer, status(200)) as receiver, post_office(tmp_path, clock=clock) as office:
            task = await office.end_a_task(receiver.url)
            await receiver.next()
            clock.advance(1)
            assert await office.notices.redeliver(task.id)
            may_answer.set()
            await office.recorded()
            await receiver.next()
            await office.recorded()
            assert [record.state for record in await office.notices.latest(9)] == ["delivered"]

    asyncio.run(scenario())


def test_a_renewed_secret_signs_from_then_on(tmp_path: Path) -> None:
    async def scenario() -> str:
        async with post_office(tmp_path) as office:
            first, same, *_ = await asyncio.gather(*(office.notices.secret(1) for _ in range(5)))
            assert first == same == await office.notices.secret(1)
            renewed = await office.notices.renew_secret(1)
            assert renewed != first
            assert renewed == await office.notices.secret(1)
            return renewed

    renewed = asyncio.run(scenario())
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert renewed.encode() not in content


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_doorbell_is_heard_each_time(tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scenario() -> None:
        path, heard = tmp_path / "bell", asyncio.Event()
        assert not ring(path)
        bell = Doorbell(path, heard.set)
        bell.open()
        for _ in range(3):
            assert await asyncio.to_thread(ring, path)
            async with asyncio.timeout(TIMEOUT_S):
                await heard.wait()
            heard.clear()
        # A pipe that is full does not hold up the command.
        assert all(ring(path) for _ in range(70_000))
        bell.close()
        bell.close()
        assert not path.exists()
        assert not ring(path)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


def test_a_doorbell_that_a_killed_server_left_is_no_server_and_no_hindrance(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, heard = tmp_path / "bell", asyncio.Event()
        os.mkfifo(path)
        assert not ring(path)
        bell = Doorbell(path, heard.set)
        bell.open()
        assert ring(path)
        async with asyncio.timeout(TIMEOUT_S):
            await heard.wait()
        bell.close()

    asyncio.run(scenario())


def test_ringing_writes_into_no_file_and_follows_no_link(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"kept")
    (tmp_path / "link").symlink_to(file)
    assert not ring(file)
    assert not ring(tmp_path / "link")
    assert file.read_bytes() == b"kept"


def test_a_server_lives_where_there_can_be_no_doorbell(tmp_path: Path) -> None:
    async def scenario() -> None:
        bell = Doorbell(tmp_path / "no folder" / "bell", lambda: None)
        bell.open()
        bell.close()

    asyncio.run(scenario())
