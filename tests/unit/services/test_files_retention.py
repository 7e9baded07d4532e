"""Old files and bytes without a name: what goes, when, and that a disk in trouble ends no sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from gesso.delivery.bus import Bus
from gesso.domain.errors import FileUnknown
from gesso.domain.event import (
    Accepted,
    Assigned,
    Ended,
    FileInput,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Started,
    Succeeded,
)
from gesso.domain.file import File
from gesso.domain.ids import new_access_key
from gesso.domain.limits import ORPHAN_INTERVAL_S, RETENTION_INTERVAL_S, RETENTION_ROUND_MAX_COUNT
from gesso.domain.task import Task
from gesso.services.files import Files
from gesso.services.lifecycle import Lifecycle
from gesso.services.retention import Retention
from gesso.testing import Disk, LoopClock, MemoryBlobs, MemoryFiles, MemoryTasks, make_file, make_task, simulate

DAY_S = 24 * 60 * 60.0


class Room:
    """A server's files in simulated time. `days`: how long it keeps them."""

    def __init__(self, days: float, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.blobs = MemoryBlobs(self.disk)
        self.tasks = MemoryTasks(self.disk)
        clock = LoopClock()
        self.files = Files(MemoryFiles(self.disk), self.blobs)
        self.lifecycle = Lifecycle(self.tasks, Bus(), clock)
        self.retention = Retention(self.lifecycle, self.tasks, MemoryFiles(self.disk), self.files, self.blobs, clock, days)

    def file(self) -> File:
        made = make_file()
        self.disk.bytes_of[self.blobs.path(made.access_key)] = b"bytes"
        return made

    async def ended(self) -> tuple[Task, File, File]:
        """A Task that has just ended, with its input and its Output."""
        given, made = self.file(), self.file()
        new = make_task(id=self.tasks.next_id(), files={"picture": (FileInput(given.name, given.access_key),)})
        task = await self.lifecycle.create(new, (given,))
        steps = (Accepted(1), PreprocessStarted(), PreprocessEnded(), Assigned("w"), Started())
        last = (Ended(0, (made,), 1, Decimal(0), "", ""), PostprocessStarted(), Succeeded())
        await self.lifecycle.record(task.id, None, *steps, *last, files=(made,))
        self.files.remember(made)
        return task, given, made

    def has(self, *files: File) -> list[bool]:
        return [self.blobs.has(file.access_key) for file in files]


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    simulate(scenario())


def test_files_go_when_they_are_old_and_their_task_stays() -> None:
    async def scenario() -> None:
        room = Room(days=2)
        room.retention.start()
        task, given, made = await room.ended()
        await asyncio.sleep(2 * DAY_S - 60)
        assert room.has(given, made) == [True, True]
        later, *newer = await room.ended()
        await asyncio.sleep(60 + 2 * RETENTION_INTERVAL_S)
        assert room.has(given, made) == [False, False]
        assert room.has(*newer) == [True, True]
        assert (await room.lifecycle.see(task.id)).outputs == ()
        assert (await room.lifecycle.see(later.id)).outputs
        with pytest.raises(FileUnknown):
            await room.files.find(made.access_key)
        await room.retention.stop()

    run(scenario)


def test_no_days_are_for_ever() -> None:
    async def scenario() -> None:
        room = Room(days=0)
        room.retention.start()
        _, given, made = await room.ended()
        await asyncio.sleep(30 * DAY_S)
        assert room.has(given, made) == [True, True]
        await room.retention.stop()

    run(scenario)


def test_what_fell_due_while_the_server_was_off_goes_in_bounded_rounds() -> None:
    async def scenario() -> None:
        before = Room(days=0)
        count = RETENTION_ROUND_MAX_COUNT + 10
        old = [await before.ended() for _ in range(count)]
        await asyncio.sleep(3 * DAY_S)
        room = Room(days=1, disk=before.disk)
        assert await room.retention.sweep_old() == RETENTION_ROUND_MAX_COUNT
        room.retention.start()
        await asyncio.sleep(10)
        assert not any(room.has(*(file for _, *files in old for file in files)))
        assert not room.disk.files
        await room.retention.stop()

    run(scenario)


def test_a_disk_in_trouble_only_delays_a_sweep() -> None:
    async def scenario() -> None:
        room = Room(days=1)
        _, given, made = await room.ended()
        room.retention.start()
        await asyncio.sleep(DAY_S - 10)
        room.disk.trouble = "the disk is full"
        await asyncio.sleep(5 * RETENTION_INTERVAL_S)
        assert room.has(given, made) == [True, True]
        room.disk.trouble = ""
        await asyncio.sleep(2 * RETENTION_INTERVAL_S)
        assert room.has(given, made) == [False, False]
        await room.retention.stop()

    run(scenario)


def test_bytes_that_could_not_be_deleted_are_orphans() -> None:
    async def scenario() -> None:
        room = Room(days=0)
        task, given, made = await room.ended()
        _, *others = await room.ended()
        room.blobs.trouble = "the disk is read-only"
        await room.retention.delete_files(task.id)
        assert room.has(given, made) == [True, True]
        room.blobs.trouble = ""
        room.retention.start()
        await asyncio.sleep(2 * RETENTION_INTERVAL_S)
        assert room.has(given, made, *others) == [False, False, True, True]
        key = new_access_key()
        room.disk.bytes_of[room.blobs.path(key)] = b"left by a crash"
        await asyncio.sleep(ORPHAN_INTERVAL_S + 2 * RETENTION_INTERVAL_S)
        assert not room.blobs.has(key)
        await room.retention.stop()

    run(scenario)
