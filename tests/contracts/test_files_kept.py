"""Folders, uploads and the files of tasks on a real database: isolation, bounds, all or nothing, and whose a file is when its task goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databases import emptied

from gesso.delivery.bus import Bus
from gesso.domain import limits
from gesso.domain.errors import FolderRefused, FolderUnknown, NotEnded, TaskUnknown
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
from gesso.domain.file import ROOT, File, Folder, Upload, public_id
from gesso.domain.ids import new_folder_id
from gesso.domain.task import Task
from gesso.ports import FileStore, FolderStore
from gesso.services.lifecycle import Lifecycle
from gesso.store.blobs import FolderBlobs
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.files import SqlFiles
from gesso.store.folders import SqlFolders
from gesso.store.migrate import upgrade
from gesso.store.tasks import SqlTasks, write_changes
from gesso.testing import Disk, FakeClock, MemoryFiles, MemoryFolders, make_file, make_task
from gesso.testing.clock import EPOCH_US

Scenario = Callable[[Any], Coroutine[Any, Any, None]]
DAY_US = 24 * 60 * 60 * 1_000_000


class Keeping:
    """A FolderStore and the FileStore beside it."""

    def __init__(self, files: FileStore, folders: FolderStore) -> None:
        self.files = files
        self.folders = folders

    async def folder(self, name: str = "photos", parent_id: str = ROOT, project_id: int = 1) -> Folder:
        return await self.folders.create(Folder(new_folder_id(), project_id, parent_id, name, EPOCH_US))

    async def keep(self, count: int, folder_id: str = ROOT, project_id: int = 1) -> list[Upload]:
        made = [Upload(make_file(name=f"{number}.txt", project_id=project_id), folder_id) for number in range(count)]
        await self.folders.add(made, ())
        return made

    async def names(self, folder_id: str = ROOT, project_id: int = 1, start: int = 0, count: int = 100) -> list[str]:
        page = await self.folders.page(project_id, folder_id, start, count)
        return [folder.name for folder in page.folders] + [upload.file.name for upload in page.uploads]

    async def known(self, *files: File) -> list[bool]:
        return [await self.files.by_access_key(file.access_key) is not None for file in files]


class Shelf(Keeping):
    """The stores of one database, and the lifecycle on them."""

    def __init__(self, database: Database) -> None:
        super().__init__(SqlFiles(database), SqlFolders(database))
        self.database = database
        self.tasks = SqlTasks(database)
        self.clock = FakeClock()
        self.lifecycle = Lifecycle(self.tasks, Bus(), self.clock)

    async def queue(self, files: tuple[File, ...] = (), borrowed: tuple[File, ...] = (), project_id: int = 1) -> Task:
        inputs = tuple(FileInput(file.name, file.access_key) for file in (*files, *borrowed))
        given = {"picture": inputs} if inputs else {}
        return await self.lifecycle.create(make_task(id=self.tasks.next_id(), files=given, project_id=project_id), files)

    async def finish(self, task: Task, outputs: tuple[File, ...] = ()) -> Task:
        steps = (Accepted(1), PreprocessStarted(), PreprocessEnded(), Assigned("w"), Started())
        last = (Ended(0, outputs, 1, Decimal(0), "", ""), PostprocessStarted(), Succeeded())
        await self.lifecycle.record(task.id, None, *steps, *last, files=outputs)
        return await self.lifecycle.see(task.id)


@contextmanager
def shelf_on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Scenario], None]]:
    """Runs scenarios on the database that the fixture's parameter names."""
    if request.param == "postgres":
        engine = emptied(request.getfixturevalue("postgres_engine"))
    else:
        engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
        upgrade(engine)
    database = Database(engine, write_changes)
    yield lambda scenario: asyncio.run(scenario(Shelf(database)))
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Scenario], None]]:
    with shelf_on(request, tmp_path) as play:
        yield play


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def keep(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Scenario], None]]:
    """The adapter and its double keep the same promises."""
    if request.param == "memory":
        disk = Disk()
        yield lambda scenario: asyncio.run(scenario(Keeping(MemoryFiles(disk), MemoryFolders(disk))))
        return
    with shelf_on(request, tmp_path) as play:
        yield play


def test_a_folder_of_the_same_name_in_the_same_place_is_the_same(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        first = await shelf.folder()
        assert await shelf.folder() == first
        inner = await shelf.folder(parent_id=first.id)
        stranger = await shelf.folder(project_id=2)
        assert len({first.id, inner.id, stranger.id}) == 3
        assert await shelf.names() == ["photos"]

    keep(scenario)


def test_a_strangers_folder_does_not_exist(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        mine = await shelf.folder()
        (upload,) = await shelf.keep(1, mine.id)
        assert await shelf.folders.folder(2, mine.id) is None
        assert await shelf.folders.remove_upload(2, upload.id) is None
        assert await shelf.names(mine.id, project_id=2) == []
        with pytest.raises(FolderUnknown):
            await shelf.folder(parent_id=mine.id, project_id=2)
        with pytest.raises(FolderUnknown):
            await shelf.keep(1, mine.id, project_id=2)
        with pytest.raises(FolderUnknown):
            await shelf.folders.remove_folder(2, mine.id)
        assert await shelf.known(upload.file) == [True]

    keep(scenario)


def test_folders_nest_as_deep_as_they_may(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        parent_id = ROOT
        for _ in range(limits.FOLDER_MAX_DEPTH):
            parent_id = (await shelf.folder(parent_id=parent_id)).id
        with pytest.raises(FolderRefused, match="16 deep"):
            await shelf.folder(parent_id=parent_id)
        with pytest.raises(FolderUnknown):
            await shelf.folder(parent_id=new_folder_id())

    keep(scenario)


def test_a_page_has_folders_by_name_and_then_files_by_age(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        for name in ("b", "a", "c"):
            await shelf.folder(name)
        full = await shelf.folder("b")
        await shelf.folder("inner", full.id)
        await shelf.keep(2, full.id)
        made = [Upload(File(f"k{number:029}", 1, f"{9 - number}.txt", "text/plain", 1, "", EPOCH_US + number), ROOT) for number in range(4)]
        await shelf.folders.add(made, ())
        everything = ["a", "b", "c", "9.txt", "8.txt", "7.txt", "6.txt"]
        assert await shelf.names() == everything
        for count in range(1, 8):
            pages = [await shelf.names(start=start, count=count) for start in range(0, 9, count)]
            assert [name for page in pages for name in page] == everything
        latest = await shelf.folders.page(1, ROOT, 2, 3, is_newest_first=True)
        assert [one.name for one in latest.folders] + [one.file.name for one in latest.uploads] == ["c", "6.txt", "7.txt"]
        page = await shelf.folders.page(1, ROOT, 0, 2)
        assert (page.total, [(one.folders, one.files) for one in page.counts]) == (7, [(0, 0), (1, 2)])

    keep(scenario)


def test_new_folders_take_the_first_free_name_and_all_becomes_visible_or_nothing(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        for _ in range(3):
            folder = Folder(new_folder_id(), 1, ROOT, "photos", EPOCH_US)
            await shelf.folders.add([Upload(make_file(), folder.id)], [folder])
        assert await shelf.names() == ["photos", "photos-2", "photos-3"]
        folder = Folder(new_folder_id(), 1, ROOT, "photos", EPOCH_US)
        file = make_file()
        with pytest.raises(FolderUnknown):
            await shelf.folders.add([Upload(file, folder.id), Upload(make_file(), new_folder_id())], [folder])
        assert await shelf.names() == ["photos", "photos-2", "photos-3"]
        assert await shelf.known(file) == [False]

    keep(scenario)


def test_a_folder_goes_with_all_that_is_in_it_step_by_step(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        outer = await shelf.folder()
        inner = await shelf.folder("inner", outer.id)
        beside = await shelf.keep(1)
        made = await shelf.keep(limits.REMOVED_AT_ONCE_MAX_COUNT, outer.id) + await shelf.keep(7, inner.id)
        gone: list[str] = []
        while step := await shelf.folders.remove_folder(1, outer.id):
            assert len(step) <= limits.REMOVED_AT_ONCE_MAX_COUNT
            gone += step
        assert sorted(gone) == sorted(upload.file.access_key for upload in made)
        assert await shelf.names() == ["0.txt"]
        assert await shelf.known(beside[0].file, made[0].file, made[-1].file) == [True, False, False]
        assert await shelf.folders.folder(1, inner.id) is None
        assert await shelf.files.unknown([made[0].file.access_key, beside[0].file.access_key]) == {made[0].file.access_key}

    keep(scenario)


def test_an_upload_is_removed_by_its_public_id(keep: Any) -> None:
    async def scenario(shelf: Keeping) -> None:
        first, second = await shelf.keep(2)
        assert await shelf.folders.remove_upload(1, public_id(first.file.access_key)) == first.file.access_key
        assert await shelf.folders.remove_upload(1, first.id) is None
        assert await shelf.known(first.file, second.file) == [False, True]

    keep(scenario)


def test_the_files_of_a_task_go_once_and_its_record_stays(run: Any) -> None:
    async def scenario(shelf: Shelf) -> None:
        given, made = make_file(name="in.png"), make_file(name="0.png")
        task = await shelf.queue((given,))
        with pytest.raises(NotEnded):
            await shelf.lifecycle.delete_files(task.id)
        ended = await shelf.finish(task, (made,))
        gone = await asyncio.gather(*(shelf.lifecycle.delete_files(task.id) for _ in range(5)))
        assert sorted(gone, key=len) == [[], [], [], [], sorted([given.access_key, made.access_key])]
        stored = await shelf.tasks.by_id(task.id)
        assert stored == await shelf.lifecycle.see(task.id)
        assert stored is not None
        assert (stored.outputs, stored.state, stored.seq, stored.files) == ((), ended.state, ended.seq + 1, ended.files)
        assert [recorded.seq for recorded in await shelf.tasks.events(task.id)] == list(range(1, stored.seq + 1))
        assert await shelf.known(given, made) == [False, False]
        with pytest.raises(TaskUnknown):
            await shelf.lifecycle.delete_files(10**6)

    run(scenario)


def test_uploads_and_what_another_task_uses_stay(run: Any) -> None:
    async def scenario(shelf: Shelf) -> None:
        (upload,) = await shelf.keep(1)
        own, lent = make_file(name="own.png"), make_file(name="lent.png")
        first = await shelf.queue((own, lent), (upload.file,))
        second = await shelf.queue((), (lent,))
        third = await shelf.queue((), (lent,))
        for task in (first, second, third):
            await shelf.finish(task)
        assert await shelf.lifecycle.delete_files(first.id) == [own.access_key]
        assert await shelf.lifecycle.delete_files(third.id) == []
        assert await shelf.known(upload.file, own, lent) == [True, False, True]
        # The last one that uses it takes it along.
        assert await shelf.lifecycle.delete_files(second.id) == [lent.access_key]
        assert await shelf.known(upload.file, lent) == [True, False]

    run(scenario)


def test_a_strangers_task_holds_no_file_back(run: Any) -> None:
    async def scenario(shelf: Shelf) -> None:
        own = make_file(name="own.png")
        mine = await shelf.queue((own,))
        strange = await shelf.queue((), (own,), project_id=2)
        await shelf.finish(mine)
        await shelf.finish(strange)
        assert await shelf.lifecycle.delete_files(strange.id) == []
        assert await shelf.known(own) == [True]
        assert await shelf.lifecycle.delete_files(mine.id) == [own.access_key]

    run(scenario)


def test_an_output_goes_also_when_another_task_was_given_it(run: Any) -> None:
    async def scenario(shelf: Shelf) -> None:
        made = make_file(name="0.png")
        first = await shelf.queue()
        await shelf.finish(first, (made,))
        await shelf.finish(await shelf.queue((), (made,)))
        assert await shelf.lifecycle.delete_files(first.id) == [made.access_key]

    run(scenario)


def test_only_tasks_that_ended_before_and_have_files_are_due_oldest_first(run: Any) -> None:
    async def scenario(shelf: Shelf) -> None:
        expected = []
        for number in range(5):
            task = await shelf.queue((make_file(),))
            shelf.clock.advance(number)
            await shelf.finish(task, (make_file(),))
            expected.append(task.id)
        await shelf.queue((make_file(),))
        await shelf.finish(await shelf.queue())
        later = shelf.clock.now() + DAY_US
        assert await shelf.tasks.with_old_files(later, 10) == expected
        assert await shelf.tasks.with_old_files(later, 2) == expected[:2]
        assert await shelf.tasks.with_old_files(EPOCH_US, 10) == []
        await shelf.lifecycle.delete_files(expected[0])
        assert await shelf.tasks.with_old_files(later, 10) == expected[1:]

    run(scenario)


@pytest.mark.parametrize("run", ["sqlite"], indirect=True)
def test_what_is_due_is_found_by_an_index(run: Any) -> None:
    async def scenario(shelf: Shelf) -> None:
        plan = "EXPLAIN QUERY PLAN SELECT id FROM tasks WHERE files_kept_since > 0 AND files_kept_since < ? ORDER BY files_kept_since"
        rows = await shelf.database.read(lambda connection: connection.exec_driver_sql(plan, (1,)).all())
        assert "tasks_with_files" in str(rows)
        assert "TEMP B-TREE" not in str(rows)

    run(scenario)


@pytest.mark.parametrize("count", [0, 1, limits.ORPHAN_BATCH_MAX_COUNT + 1])
def test_old_blobs_are_found_some_at_a_time(tmp_path: Path, count: int) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")

    async def scenario() -> None:
        sources = [tmp_path / str(number) for number in range(count)]
        for source in sources:
            source.write_bytes(b"bytes")
        access_keys = await blobs.adopt(sources)
        # Still on its way, so it is no blob.
        writer = blobs.receive()
        await writer.write(bytes(limits.RECEIVE_CHUNK_BYTES))
        batches = [batch async for batch in blobs.aged(-60)]
        assert sorted(key for batch in batches for key in batch) == sorted(access_keys)
        assert all(len(batch) <= limits.ORPHAN_BATCH_MAX_COUNT for batch in batches)
        assert not [batch async for batch in blobs.aged(3600)]
        await writer.discard()

    asyncio.run(scenario())
    blobs.close()
