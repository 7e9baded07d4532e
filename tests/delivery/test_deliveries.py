"""Notices to real receivers: what counts as taken, what is tried again, and who waits for whom."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest
from receivers import Answer, Posted, hang, post_office, receiving, status

from gesso.domain.limits import WEBHOOK_ANSWER_MAX_BYTES, WEBHOOK_BACKOFF_S, WEBHOOKS_PER_HOST_MAX_COUNT, WEBHOOKS_PER_PROJECT_MAX_COUNT
from gesso.testing import FakeClock


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def assert_signed(posted: Posted, secret: str) -> None:
    """By the words of the specification, not by our code."""
    headers = posted.headers
    scheme, _, key = secret.partition("_")
    assert scheme == "whsec"
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), posted.body])
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert base64.b64decode(signature) == hmac.digest(base64.b64decode(key), signed, hashlib.sha256)


def test_the_end_of_a_task_is_told_once_and_signed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving() as receiver, post_office(tmp_path) as office:
            task = await office.end_a_task(receiver.url)
            posted = await receiver.next()
            notice, delivery, due_at = await office.recorded()
            assert posted.line == "POST /hook?secret=1 HTTP/1.1"
            assert orjson.loads(posted.body) == {"task": task.id, "state": "cancelled"}
            assert posted.headers["content-type"] == "application/json"
            assert task.token not in str(posted.headers)
            assert len(base64.b64decode((await office.notices.secret(1)).removeprefix("whsec_"))) == 32
            assert_signed(posted, await office.notices.secret(1))
            assert (notice.task_id, delivery.status, delivery.error, delivery.answer, due_at) == (task.id, 200, "", "thanks", 0)
            assert [record.state for record in await office.notices.latest(9)] == ["delivered"]
            assert await office.notices.log(task.id) == [delivery]
            assert receiver.connections == 1

    run(scenario())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(500, b"my fault"), "The receiver answered 500"),
        (status(404), "The receiver answered 404"),
        (status(304), "The receiver answered 304"),
        (b"", "The receiver broke off, or its answer was not HTTP"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "The receiver broke off, or its answer was not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 200_000, "The receiver broke off, or its answer was not HTTP"),
    ],
)
def test_what_fails_is_tried_again_with_the_same_id_until_it_is_taken(tmp_path: Path, answer: Answer, error: str) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with receiving(answer, status(204)) as receiver, post_office(tmp_path, clock=clock) as office:
            await office.end_a_task(receiver.url)
            first = await receiver.next()
            notice, delivery, due_at = await office.recorded()
            assert (delivery.error, notice.tries) == (error, 0)
            assert due_at == clock.now() + WEBHOOK_BACKOFF_S[0] * 1_000_000
            clock.advance(WEBHOOK_BACKOFF_S[0])
            office.outbox.wake()
            second = await receiver.next()
            notice, delivery, due_at = await office.recorded()
            assert (delivery.status, delivery.error, notice.tries, due_at) == (204, "", 1, 0)
            assert first.headers["webhook-id"] == second.headers["webhook-id"]
            assert int(second.headers["webhook-timestamp"]) == int(first.headers["webhook-timestamp"]) + 2
            assert first.body == second.body
            for posted in (first, second):
                assert_signed(posted, await office.notices.secret(1))

    run(scenario())


def test_a_redirect_is_a_failure_and_is_not_followed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            receiving() as inside,
            receiving(status(302, b"", f"Location: {inside.url}")) as receiver,
            post_office(tmp_path) as office,
        ):
            await office.end_a_task(receiver.url)
            _, delivery, due_at = await office.recorded()
            assert delivery.error == "The receiver answered 302, and redirects are not followed"
            assert due_at > 0
            assert inside.connections == 0

    run(scenario())


def test_gone_ends_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(status(410)) as receiver, post_office(tmp_path) as office:
            await office.end_a_task(receiver.url)
            _, delivery, due_at = await office.recorded()
            assert (delivery.error, due_at) == ("The receiver answered 410", 0)
            assert [record.state for record in await office.notices.latest(9)] == ["failed"]

    run(scenario())


def test_a_private_address_is_never_connected_to_and_ends_it_with_a_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving() as receiver, post_office(tmp_path, allowed=()) as office:
            task = await office.end_a_task(receiver.url)
            _, delivery, due_at = await office.recorded()
            assert delivery.error.startswith("The address is not allowed: it leads to a private address, which")
            assert (delivery.status, due_at, receiver.connections) == (0, 0, 0)
            assert await office.notices.log(task.id) == [delivery]

    run(scenario())


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://[::1/", "It is not a valid address"),
        ("http://no-such-host.invalid/", "The receiver could not be reached: there is no host of the name no-such-host.invalid"),
        ("http://127.0.0.1:1/", "The receiver could not be reached: All connection attempts failed"),
    ],
)
def test_what_cannot_be_reached_is_said_in_words(tmp_path: Path, url: str, error: str) -> None:
    async def scenario() -> None:
        async with post_office(tmp_path) as office:
            await office.end_a_task(url)
            assert (await office.recorded())[1].error == error

    run(scenario())


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_body(writer: asyncio.StreamWriter) -> None:
    writer.write(status(202, b"", "X: y").replace(b"Content-Length: 0", b"Content-Length: 500") + b"so")
    while not writer.is_closing():
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("answer", [hang, drip_headers])
def test_an_answer_that_takes_too_long_is_a_failure(tmp_path: Path, answer: Answer) -> None:
    async def scenario() -> None:
        async with receiving(answer) as receiver, post_office(tmp_path, timeout_s=0.3) as office:
            await office.end_a_task(receiver.url)
            _, delivery, due_at = await office.recorded()
            assert (delivery.error, delivery.status) == ("No answer came within 0.3 seconds", 0)
            assert due_at > 0

    run(scenario())


def test_the_status_counts_even_if_the_body_never_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(drip_body) as receiver, post_office(tmp_path, timeout_s=0.3) as office:
            await office.end_a_task(receiver.url)
            _, delivery, due_at = await office.recorded()
            assert (delivery.status, delivery.error, delivery.answer, due_at) == (202, "", "so", 0)

    run(scenario())


def test_a_short_start_of_the_answer_is_kept_in_printable_characters(tmp_path: Path) -> None:
    long = status(200, b"\x1b[31mred\x00\nline\xff" + b"x" * 10_000_000)

    async def scenario() -> None:
        async with receiving(long) as receiver, post_office(tmp_path) as office:
            task = await office.end_a_task(receiver.url)
            _, delivery, _ = await office.recorded()
            assert delivery.answer.startswith("[31mred  line\N{REPLACEMENT CHARACTER}xxx")
            assert len(delivery.answer) < WEBHOOK_ANSWER_MAX_BYTES
            assert await office.notices.log(task.id) == [delivery]

    run(scenario())


def test_a_receiver_that_hangs_delays_nobody_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(hang) as stuck, receiving() as well, post_office(tmp_path) as office:
            other = await office.project()
            for _ in range(3 * WEBHOOKS_PER_PROJECT_MAX_COUNT):
                await office.end_a_task(stuck.url)
            for _ in range(WEBHOOKS_PER_HOST_MAX_COUNT):
                await stuck.next()
            for project_id in (1, other, 1, other):
                task = await office.end_a_task(well.url, project_id)
                assert orjson.loads((await well.next()).body)["task"] == task.id
                assert (await office.recorded())[0].task_id == task.id
            assert stuck.connections == WEBHOOKS_PER_HOST_MAX_COUNT

    run(scenario())


def test_a_project_whose_receivers_all_hang_delays_no_other_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            receiving(hang) as one,
            receiving(hang) as two,
            receiving(hang) as three,
            receiving() as well,
            post_office(tmp_path) as office,
        ):
            other = await office.project()
            for stuck in (one, two, three):
                for _ in range(WEBHOOKS_PER_HOST_MAX_COUNT + 1):
                    await office.end_a_task(stuck.url)
            for _ in range(WEBHOOKS_PER_HOST_MAX_COUNT):
                await one.next()
                await two.next()
            task = await office.end_a_task(well.url, other)
            assert (await office.recorded())[0].task_id == task.id
            assert one.connections + two.connections + three.connections == WEBHOOKS_PER_PROJECT_MAX_COUNT

    run(scenario())


def test_places_that_become_free_go_to_those_that_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving() as receiver, post_office(tmp_path) as office:
            tasks = [await office.end_a_task(receiver.url) for _ in range(5 * WEBHOOKS_PER_HOST_MAX_COUNT)]
            told = {(await office.recorded())[0].task_id for _ in tasks}
            assert told == {task.id for task in tasks}
            assert receiver.connections == len(tasks)

    run(scenario())


def test_a_task_in_a_language_that_is_gone_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving() as receiver, post_office(tmp_path) as office:
            await office.end_a_task(receiver.url, dialect="latin")
            _, delivery, due_at = await office.recorded()
            assert (delivery.error, due_at, receiver.connections) == ("This server no longer speaks latin", 0, 0)

    run(scenario())
