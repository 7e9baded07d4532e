"""Small Outputs between the commit that carries them and the flush of their files: a power cut takes none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from databases import emptied
from sqlalchemy import delete

from gesso.domain.errors import Unavailable
from gesso.domain.event import Ended, PostprocessStarted, Queued, Recorded, Started, Succeeded
from gesso.domain.file import Carried, File
from gesso.domain.limits import CARRIED_AT_ONCE_MAX_COUNT, CARRIED_FLUSH_S, CARRIED_MAX_BYTES
from gesso.domain.price import FREE
from gesso.domain.task import Task, TaskState, apply
from gesso.ports import TaskChange
from gesso.services.carrying import Carrying
from gesso.store.blobs import FolderBlobs
from gesso.store.carried import SqlCarried
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.migrate import upgrade
from gesso.store.schema import files as files_table
from gesso.store.tasks import SqlTasks, write_changes
from gesso.testing import EPOCH_US, MemoryBlobs, make_file, make_task, simulate


def _file(access_key: str, size_bytes: int) -> File:
    return replace(make_file(), access_key=access_key, size_bytes=size_bytes)


class Desk:
    """A server's view of a data folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.tasks = SqlTasks(database)
        self.carried = SqlCarried(database)
        self.blobs = FolderBlobs(folder / "blobs")
        self.carrying = Carrying(self.carried, self.blobs)

    async def end(self, *outputs: tuple[str, bytes]) -> Task:
        """A Task that ended with these Outputs, as it is on disk after the commit and before any flush."""
        task = apply(make_task(id=self.tasks.next_id()), Queued(), EPOCH_US)
        change = TaskChange(
            task,
            0,
            (Recorded(1, EPOCH_US, Queued()),),
            tuple(_file(key, len(data)) for key, data in outputs),
            carried=tuple(Carried(key, data) for key, data in outputs),
        )
        for key, data in outputs:
            self.blobs.path(key).write_bytes(data)
        await self.tasks.write(change)
        return task


@pytest.fixture(params=["sqlite", "postgres"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    if request.param == "postgres":
        engine = emptied(request.getfixturevalue("postgres_engine"))
    else:
        engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
        upgrade(engine)

    def run(scenario: Callable[[Desk], Awaitable[None]]) -> None:
        async def live() -> None:
            desk = Desk(Database(engine, write_changes), tmp_path)
            try:
                await scenario(desk)
            finally:
                desk.blobs.close()
                await asyncio.to_thread(desk.database.close)

        asyncio.run(live())

    return run


Play = Callable[[Callable[[Desk], Awaitable[None]]], None]


def test_what_a_power_cut_took_is_there_after_the_next_start(play: Play) -> None:
    contents = {"awhole": b"whole", "bempty": b"was emptied", "cshort": b"was cut short", "dgone": b"is gone", "eother": b"\x00\xff" * 100}

    async def scenario(desk: Desk) -> None:
        await desk.end(*contents.items())
        desk.blobs.path("bempty").write_bytes(b"")
        desk.blobs.path("cshort").write_bytes(b"was cut")
        desk.blobs.path("dgone").unlink()
        desk.blobs.path("eother").write_bytes(bytes(200))
        inode = desk.blobs.path("awhole").stat().st_ino
        await desk.carrying.start()
        assert {key: desk.blobs.path(key).read_bytes() for key in contents} == contents
        assert desk.blobs.path("dgone").stat().st_mode & 0o777 == 0o600
        assert desk.blobs.path("awhole").stat().st_ino == inode
        assert await desk.carried.last() == 0

    play(scenario)


def test_more_than_a_page_is_put_back(play: Play) -> None:
    count = 2 * CARRIED_AT_ONCE_MAX_COUNT + 3

    async def scenario(desk: Desk) -> None:
        outputs = [(f"key{number}", str(number).encode()) for number in range(count)]
        await desk.end(*outputs)
        for key, _ in outputs:
            desk.blobs.path(key).unlink()
        await desk.carrying.start()
        assert [desk.blobs.path(key).read_bytes() for key, _ in outputs] == [data for _, data in outputs]
        assert await desk.carried.last() == 0

    play(scenario)


def test_what_was_deleted_meanwhile_does_not_come_back(play: Play) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.end(("kept", b"kept"), ("deleted", b"deleted"))
        await desk.database.call(lambda connection: connection.execute(delete(files_table).where(files_table.c.access_key == "deleted")))
        for key in ("kept", "deleted"):
            desk.blobs.path(key).unlink()
        await desk.carrying.start()
        assert desk.blobs.path("kept").exists()
        assert not desk.blobs.path("deleted").exists()

    play(scenario)


def test_a_server_that_stops_leaves_nothing_to_put_back(play: Play) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.carrying.start()
        await desk.end(("small", b"small"))
        desk.carrying.observe(*_succeeded(_file("small", 5)))
        await desk.carrying.stop()
        assert await desk.carried.last() == 0

    play(scenario)


class Rows:
    """A CarriedStore of numbers alone."""

    def __init__(self) -> None:
        self.highest = 0
        self.dropped: list[int] = []

    async def page(self, after: int) -> tuple[list[Carried], int]:
        return [], after

    async def last(self) -> int:
        return self.highest

    async def drop(self, last: int) -> None:
        self.dropped.append(last)


def _succeeded(*outputs: File) -> tuple[Task, list[Recorded]]:
    ended = Ended(0, outputs, 1, FREE, "", "")
    task = replace(make_task(TaskState.SUCCEEDED), outputs=outputs)
    return task, [
        Recorded(number, EPOCH_US, event) for number, event in enumerate((Started(), ended, PostprocessStarted(), Succeeded()), 6)
    ]


def test_many_ends_are_one_flush_and_none_is_none() -> None:
    async def scenario() -> None:
        rows = Rows()
        carrying = Carrying(rows, MemoryBlobs())
        await carrying.start()
        carrying.observe(*_succeeded(_file("key", CARRIED_MAX_BYTES + 1), _file("key", 0)))
        await asyncio.sleep(10 * CARRIED_FLUSH_S)
        assert rows.dropped == []
        for number in (1, 2, 3):
            rows.highest = number
            carrying.observe(*_succeeded(_file("key", CARRIED_MAX_BYTES)))
            await asyncio.sleep(CARRIED_FLUSH_S / 4)
        await asyncio.sleep(10 * CARRIED_FLUSH_S)
        assert rows.dropped == [3]
        await carrying.stop()
        assert rows.dropped == [3]

    simulate(scenario())


def test_bytes_that_cannot_be_flushed_stay_until_they_can() -> None:
    async def scenario() -> None:
        rows, blobs = Rows(), MemoryBlobs()
        carrying = Carrying(rows, blobs)
        rows.highest = 1
        blobs.trouble = "its disk refused a file"
        carrying.observe(*_succeeded(_file("key", 1)))
        await asyncio.sleep(3.5 * CARRIED_FLUSH_S)
        assert rows.dropped == []
        blobs.trouble = ""
        await asyncio.sleep(CARRIED_FLUSH_S)
        assert rows.dropped == [1]
        blobs.trouble = "its disk refused a file"
        carrying.observe(*_succeeded(_file("key", 1)))
        await carrying.stop()
        assert rows.dropped == [1]

    simulate(scenario())


def test_a_start_that_cannot_put_back_does_not_forget() -> None:
    async def scenario() -> None:
        rows, blobs = Rows(), MemoryBlobs()

        async def page(after: int) -> tuple[list[Carried], int]:
            return ([Carried("abc", b"x")], 1) if after == 0 else ([], after)

        rows.page = page
        blobs.trouble = "its disk is full"
        with pytest.raises(Unavailable):
            await Carrying(rows, blobs).start()
        assert rows.dropped == []

    simulate(scenario())
