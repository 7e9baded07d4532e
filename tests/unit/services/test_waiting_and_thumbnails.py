"""Places in line, guesses of when it will be one's turn, small pictures that are kept and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from gesso.domain.errors import FileUnknown, Unavailable
from gesso.domain.file import File
from gesso.domain.ids import new_access_key
from gesso.domain.ledger import Statistics
from gesso.domain.limits import THUMBNAIL_MIN_BYTES, THUMBNAILS_WAITING_MAX_COUNT
from gesso.domain.task import TaskState
from gesso.ports import QueueEntry
from gesso.scheduling.policy import WaitingLine
from gesso.services.files import Files
from gesso.services.thumbnails import TYPE, Thumbnails
from gesso.services.waiting import Place, Waiting
from gesso.testing import EPOCH_US, FakeClock, MemoryBlobs, MemoryFiles, make_task

_S = 1_000_000


class Line:
    def __init__(self, workers: int) -> None:
        self._workers = workers

    def places(self, model: str, project_id: int, limit: int) -> dict[int, int]:
        return {10: 1, 11: 2}

    def worker_count(self, model: str) -> int:
        return self._workers


class Counts:
    async def model_statistics(self) -> Mapping[str, Statistics]:
        return {"lab/thing": Statistics(succeeded=4, billed_us=24 * _S)}

    async def task_counts(self, project_id: int, model: str | None = None) -> Statistics:
        return Statistics()


def places(workers: int, *more: object, clock: FakeClock | None = None) -> Mapping[int, Place]:
    waiting = Waiting(Line(workers), Counts(), clock or FakeClock())
    queued = [make_task(TaskState.QUEUED, id=number) for number in (10, 11)]
    return asyncio.run(waiting.places([*queued, *more]))  # type: ignore[list-item]


def test_the_start_is_guessed_from_how_long_runs_took() -> None:
    assert places(1) == {10: Place(1, 3.0), 11: Place(2, 9.0)}
    assert places(2)[11] == Place(2, 4.5)


def test_nothing_is_guessed_where_nobody_serves_or_a_run_takes_longer_than_others_did() -> None:
    assert places(0)[10] == Place(1, None)
    slow = make_task(TaskState.RUNNING, EPOCH_US - 7 * _S, id=9)
    assert places(1, slow)[10] == Place(1, None)


def test_places_follow_the_turns_of_the_projects() -> None:
    line = WaitingLine()
    for task_id, project_id in ((1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3)):
        line.add(QueueEntry(task_id, project_id, "lab/thing"))
    told = {project: line.places(project, 10) for project in (1, 2, 3)}
    order = [line.take({}).task_id for _ in range(6)]
    assert [task_id for places in told.values() for task_id in places] == [1, 2, 3, 4, 5, 6]
    for places in told.values():
        for task_id, place in places.items():
            assert place == order.index(task_id) + 1, (order, told)
    assert line.places(1, 10) == {}


class Shrink:
    """Makes small pictures as it is told to."""

    def __init__(self, is_picture: bool = True) -> None:
        self.made: list[int] = []
        self.go = asyncio.Event()
        self.go.set()
        self.all_came = asyncio.Event()
        self._came = 0
        self._is_picture = is_picture

    async def make(self, source: Path, target: Path, side: int) -> bool:
        self._came += 1
        if self._came == THUMBNAILS_WAITING_MAX_COUNT:
            self.all_came.set()
        await self.go.wait()
        self.made.append(side)
        if self._is_picture:
            target.write_bytes(b"small")  # noqa: ASYNC240 - five bytes, in a test
        return self._is_picture


async def stored(size: int, content_type: str = "image/png") -> tuple[Files, File]:
    store = MemoryFiles()
    file = File(new_access_key(), 1, "a.png", content_type, size, "0" * 64, EPOCH_US)
    await store.add(file)
    return Files(store, MemoryBlobs()), file


def test_a_small_picture_is_made_once_and_goes_with_its_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        files, file = await stored(THUMBNAIL_MIN_BYTES)
        shrink = Shrink()
        thumbnails = Thumbnails(files, shrink, tmp_path / "small")
        both = await asyncio.gather(thumbnails.open(file.access_key, 90), thumbnails.open(file.access_key, 96))
        assert shrink.made == [96]
        path, content_type = both[0]
        assert (path.read_bytes(), content_type) == (b"small", TYPE)
        await thumbnails.open(file.access_key, 5000)
        assert shrink.made == [96, 768]
        files.forget([file.access_key])
        await asyncio.get_running_loop().shutdown_default_executor()
        assert not list((tmp_path / "small").iterdir())

    asyncio.run(scenario())


def test_a_file_that_is_small_is_shown_as_it_is_and_one_that_is_no_picture_not_at_all(tmp_path: Path) -> None:
    async def scenario() -> None:
        shrink = Shrink(is_picture=False)
        files, file = await stored(THUMBNAIL_MIN_BYTES - 1)
        assert (await Thumbnails(files, shrink, tmp_path / "1").open(file.access_key, 96))[1] == "image/png"
        for content_type in ("image/svg+xml", "text/html", "application/pdf"):
            files, file = await stored(9, content_type)
            with pytest.raises(FileUnknown):
                await Thumbnails(files, shrink, tmp_path / "2").open(file.access_key, 96)
        files, file = await stored(THUMBNAIL_MIN_BYTES)
        thumbnails = Thumbnails(files, shrink, tmp_path / "3")
        for _ in range(3):
            with pytest.raises(FileUnknown):
                await thumbnails.open(file.access_key, 96)
        assert shrink.made == [96], "a file that cannot be shown is tried once"

    asyncio.run(scenario())


def test_no_more_pictures_wait_than_there_is_room_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        shrink = Shrink()
        shrink.go.clear()
        store = MemoryFiles()
        files = Files(store, MemoryBlobs())
        thumbnails = Thumbnails(files, shrink, tmp_path)
        keys = [new_access_key() for _ in range(THUMBNAILS_WAITING_MAX_COUNT + 1)]
        for key in keys:
            await store.add(File(key, 1, "a.png", "image/png", THUMBNAIL_MIN_BYTES, "0" * 64, EPOCH_US))
        waiting = [asyncio.ensure_future(thumbnails.open(key, 96)) for key in keys[:-1]]
        await shrink.all_came.wait()
        with pytest.raises(Unavailable):
            await thumbnails.open(keys[-1], 96)
        shrink.go.set()
        await asyncio.gather(*waiting)

    asyncio.run(scenario())
