"""The port NoticeStore, on the database and on its double: what is due, to whom, and what a recorded try changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from receivers import PostOffice
from sqlalchemy import Connection, insert, update

from gesso.domain.limits import WEBHOOK_LOG_MAX_COUNT
from gesso.domain.notice import Delivery, Notice, sign
from gesso.ports import Busy, NoticeStore
from gesso.store.schema import notices
from gesso.testing import MemoryNotices

Opened = tuple[NoticeStore, Callable[[Notice], Awaitable[None]]]
Open = Callable[[Path], AbstractAsyncContextManager[Opened]]
OK = Delivery(7, 1, 200, "", "fine")
BAD = Delivery(8, 1, 500, "The receiver answered 500", "")


def make_notice(task_id: int, due_at: int = 10, project_id: int = 1, host: str = "a:80") -> Notice:
    return Notice(task_id, project_id, f"http://{host}/", host, due_at)


@asynccontextmanager
async def memory(folder: Path) -> AsyncIterator[Opened]:
    store = MemoryNotices()

    async def add(notice: Notice) -> None:
        store.add(notice)

    yield store, add


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[Opened]:
    office = PostOffice(folder)
    await office.project()

    async def add(notice: Notice) -> None:
        row = {name: getattr(notice, name) for name in ("task_id", "project_id", "url", "host", "due_at", "tries")}

        def write(connection: Connection) -> None:
            again = connection.execute(update(notices).where(notices.c.task_id == notice.task_id).values(row))
            if not again.rowcount:
                connection.execute(insert(notices).values(row))

        await office.store.database.call(write)

    try:
        yield office.notices, add
    finally:
        office.store.close()


STORES = pytest.mark.parametrize("opened", [memory, database])


async def due_ids(store: NoticeStore, now: int, limit: int = 9, busy: Busy | None = None) -> tuple[Sequence[int], int]:
    found, next_at = await store.due(now, limit, busy or Busy())
    return [notice.task_id for notice in found], next_at


@STORES
def test_what_is_due_comes_longest_due_first_without_the_busy(opened: Open, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, add):
            assert await due_ids(store, 100) == ([], 0)
            kept = [
                make_notice(1, 30),
                make_notice(2, 10, host="b:80"),
                make_notice(3, 20, project_id=2),
                make_notice(4, 500),
                make_notice(5, 0),
            ]
            for notice in (*kept, make_notice(4, 500), make_notice(5, 0)):
                await add(notice)
            assert (await store.due(100, 9, Busy()))[0] == [kept[1], kept[2], kept[0]]
            assert await due_ids(store, 100) == ([2, 3, 1], 500)
            assert await due_ids(store, 100, limit=2) == ([2, 3], 500)
            assert await due_ids(store, 9) == ([], 10)
            assert await due_ids(store, 500) == ([2, 3, 1, 4], 0)
            assert await due_ids(store, 100, busy=Busy(task_ids=(2,))) == ([3, 1], 500)
            assert await due_ids(store, 100, busy=Busy(hosts=("a:80", "c:80"))) == ([2], 500)
            assert await due_ids(store, 100, busy=Busy(project_ids=(1,))) == ([3], 500)

    asyncio.run(scenario())


@STORES
def test_a_try_settles_or_postpones_its_notice(opened: Open, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, add):
            notice = make_notice(1)
            await add(notice)
            await store.record(notice, BAD, 200)
            again = replace(notice, due_at=200, tries=1)
            assert await store.due(300, 9, Busy()) == ([again], 0)
            await store.record(again, OK, 0)
            assert await due_ids(store, 10_000) == ([], 0)

    asyncio.run(scenario())


@STORES
def test_a_try_does_not_settle_what_was_asked_for_anew_meanwhile(opened: Open, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, add):
            notice = make_notice(1)
            await add(notice)
            await add(replace(notice, due_at=50))
            await store.record(notice, OK, 0)
            assert await due_ids(store, 100) == ([1], 0)

    asyncio.run(scenario())


@STORES
def test_a_project_has_one_secret_that_signs(opened: Open, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, _):
            secret = await store.secret(1)
            assert secret == await store.secret(1)
            assert sign(secret, "id", 1, b"body").startswith("v1,")

    asyncio.run(scenario())


def test_the_log_of_a_notice_is_bounded(tmp_path: Path) -> None:
    async def scenario() -> None:
        office = PostOffice(tmp_path)
        for task_id in (1, 2):
            for number in range(WEBHOOK_LOG_MAX_COUNT + task_id):
                await office.notices.record(make_notice(task_id), replace(BAD, at=number), 0)
        assert [each.at for each in await office.notices.log(1)] == list(range(1, WEBHOOK_LOG_MAX_COUNT + 1))
        assert [each.at for each in await office.notices.log(2)] == list(range(2, WEBHOOK_LOG_MAX_COUNT + 2))
        office.store.close()

    asyncio.run(scenario())
