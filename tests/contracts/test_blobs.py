"""The port `Blobs` on a folder: durable under a new key or not there at all, whatever fails or is cancelled in between."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import string
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gesso.domain.errors import BodyTooLarge, FileUnknown, Unavailable
from gesso.domain.limits import FILE_MAX_BYTES, MIB, RECEIVE_CHUNK_BYTES
from gesso.store.blobs import FolderBlobs
from gesso.testing import Disk, MemoryBlobs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SIZES = [0, 1, 1000, RECEIVE_CHUNK_BYTES - 1, RECEIVE_CHUNK_BYTES, RECEIVE_CHUNK_BYTES + 1, 3 * RECEIVE_CHUNK_BYTES + 7]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(root: Path) -> Iterator[FolderBlobs]:
    made = FolderBlobs(root)
    yield made
    made.close()


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


async def received(blobs: FolderBlobs, content: bytes, name: str = "x.bin", step: int = 65536) -> str:
    writer = blobs.receive()
    for start in range(0, len(content), step):
        await writer.write(content[start : start + step])
    return (await writer.finish(name)).access_key


@pytest.mark.parametrize("size_bytes", SIZES)
@pytest.mark.parametrize("step", [4093, RECEIVE_CHUNK_BYTES, 2 * MIB])
def test_what_is_received_can_be_read_under_its_key(blobs: FolderBlobs, root: Path, size_bytes: int, step: int) -> None:
    content = os.urandom(size_bytes)

    async def scenario() -> None:
        writer = blobs.receive()
        for start in range(0, size_bytes, step):
            await writer.write(content[start : start + step])
        before = [path for path in files_below(root) if path.parent.name != "incoming"]
        assert not before, "nothing exists under a key before finish"
        got = await writer.finish("picture.bin")
        assert (got.size_bytes, got.sha256) == (size_bytes, hashlib.sha256(content).hexdigest())
        assert blobs.path(got.access_key).read_bytes() == content
        assert files_below(root) == [blobs.path(got.access_key)]

    asyncio.run(scenario())


def test_the_type_is_seen_in_the_bytes_and_the_name_is_made_safe(blobs: FolderBlobs) -> None:
    async def scenario() -> None:
        writer = blobs.receive()
        for byte in PNG:
            await writer.write(bytes([byte]))
        got = await writer.finish("../../etc/passwd.html")
        assert (got.content_type, got.file_name) == ("image/png", "passwd.html")

    asyncio.run(scenario())


def test_what_shows_no_type_is_told_in_words_also_by_the_double(blobs: FolderBlobs) -> None:
    async def scenario() -> None:
        for place in (blobs, MemoryBlobs(Disk())):
            writer = place.receive()
            await writer.write(b"<!-- " + b"x" * 200 + b" --><!doctype html>")
            got = await writer.finish("a.png")
            assert (got.content_type, got.likeness) == ("application/octet-stream", "a web page")

    asyncio.run(scenario())


def test_a_small_upload_visits_the_pool_once(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    visits = []
    submit = ThreadPoolExecutor.submit
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda *values: visits.append(values) or submit(*values))

    async def scenario() -> None:
        writer = blobs.receive()
        for _ in range(10):
            await writer.write(bytes(1000))
        assert not visits
        await writer.finish("x")
        await blobs.receive().discard()

    asyncio.run(scenario())
    assert len(visits) == 1


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is flushed and renamed, in order, as paths."""
    seen: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        seen.append(f"flush {Path(f'/proc/self/fd/{descriptor}').readlink()}")
        fsync(descriptor)

    def noted_rename(source: Path, target: Path) -> Path:
        seen.append(f"name {target}")
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    return seen


def test_bytes_are_flushed_before_they_get_their_name_and_the_name_after(blobs: FolderBlobs, root: Path, disk: list[str]) -> None:
    path = blobs.path(asyncio.run(received(blobs, PNG)))
    assert disk == [f"flush {root}/incoming/{path.name}", f"name {path}", f"flush {path.parent}"]


def test_shelves_are_durable_before_anything_is_put_on_one(root: Path, disk: list[str]) -> None:
    blobs = FolderBlobs(root)
    assert disk == [f"flush {root}"]
    assert all(blobs.path(letter + "a" * 29).parent.is_dir() for letter in string.ascii_letters)
    blobs.close()


def test_a_discarded_upload_leaves_nothing(blobs: FolderBlobs, root: Path) -> None:
    async def scenario() -> None:
        for size_bytes in SIZES:
            writer = blobs.receive()
            await writer.write(bytes(size_bytes))
            await writer.discard()
            await writer.discard()

    asyncio.run(scenario())
    assert files_below(root) == []


def test_discarding_a_finished_upload_keeps_it(blobs: FolderBlobs, root: Path) -> None:
    async def scenario() -> None:
        writer = blobs.receive()
        await writer.write(PNG)
        await writer.finish("x.png")
        await writer.discard()

    asyncio.run(scenario())
    assert len(files_below(root)) == 1


def test_a_file_over_the_limit_is_refused(blobs: FolderBlobs, root: Path) -> None:
    async def scenario() -> None:
        writer = blobs.receive()
        chunk = bytes(20 * MIB)
        for _ in range(FILE_MAX_BYTES // len(chunk)):
            await writer.write(chunk)
        with pytest.raises(BodyTooLarge):
            await writer.write(b"x")
        await writer.discard()

    asyncio.run(scenario())
    assert files_below(root) == []


@pytest.mark.parametrize("step", ["fsync", "rename", "write"])
@pytest.mark.parametrize("size_bytes", [10, RECEIVE_CHUNK_BYTES + 10])
@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "full"), (errno.EIO, "refused"), (errno.EROFS, "read-only")])
def test_a_disk_that_refuses_makes_the_server_unavailable_and_leaves_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, step: str, size_bytes: int, number: int, words: str
) -> None:
    blobs = FolderBlobs(root)

    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    if step == "write":
        monkeypatch.setattr(os, "open", refuse)
    else:
        monkeypatch.setattr(*{"fsync": (os, "fsync"), "rename": (Path, "rename")}[step], refuse)

    async def scenario() -> None:
        writer = blobs.receive()
        try:
            await writer.write(bytes(size_bytes))
            await writer.finish("x")
        finally:
            await writer.discard()

    with pytest.raises(Unavailable, match=words):
        asyncio.run(scenario())
    blobs.close()
    monkeypatch.undo()
    assert files_below(root) == []


class Gate:
    """Holds the pool's threads inside a call until the test lets them go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        real: Callable[..., object] = getattr(owner, name)

        def held(*values: object) -> object:
            self.reached.set()
            assert self.opened.wait(10)
            return real(*values)

        monkeypatch.setattr(owner, name, held)


@pytest.mark.parametrize("has_discard", [True, False])
@pytest.mark.parametrize("size_bytes", [10, 2 * RECEIVE_CHUNK_BYTES])
def test_a_cancelled_finish_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int, has_discard: bool) -> None:
    blobs = FolderBlobs(root)

    async def scenario() -> None:
        gate = Gate(monkeypatch, os, "fsync")
        writer = blobs.receive()
        await writer.write(bytes(size_bytes))
        finishing = asyncio.create_task(writer.finish("x"))
        await asyncio.to_thread(gate.reached.wait, 10)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        gate.opened.set()
        if has_discard:
            await writer.discard()

    asyncio.run(scenario())
    blobs.close()
    assert files_below(root) == []


def test_a_write_cancelled_while_it_runs_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FolderBlobs(root)

    async def scenario() -> None:
        gate = Gate(monkeypatch, os, "open")
        writer = blobs.receive()
        writing = asyncio.create_task(writer.write(bytes(RECEIVE_CHUNK_BYTES)))
        await asyncio.to_thread(gate.reached.wait, 10)
        writing.cancel()
        discarding = asyncio.create_task(writer.discard())
        gate.opened.set()
        await discarding

    asyncio.run(scenario())
    blobs.close()
    assert files_below(root) == []


def outputs(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{index}.png" for index in range(count)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_adopted_files_move_in_order(blobs: FolderBlobs, tmp_path: Path) -> None:
    paths = outputs(tmp_path / "scratch", 5)
    keys = asyncio.run(blobs.adopt(paths))
    assert [blobs.path(key).read_text() for key in keys] == [path.name for path in paths]
    assert files_below(tmp_path / "scratch") == []
    assert asyncio.run(blobs.adopt([])) == []


def test_adopting_flushes_each_folder_once_and_no_file(blobs: FolderBlobs, root: Path, tmp_path: Path, disk: list[str]) -> None:
    for _ in range(4):
        disk.clear()
        # So many that some share a folder.
        keys = asyncio.run(blobs.adopt(outputs(tmp_path / "scratch", 300)))
        folders = {blobs.path(key).parent for key in keys}
        flushed = [line.removeprefix("flush ") for line in disk if line.startswith("flush ")]
        assert sorted(line for line in flushed if line != str(root)) == sorted(map(str, folders))
        (tmp_path / "scratch").rmdir()


@pytest.mark.parametrize("kind", ["link to a file", "dangling link", "link to a folder", "folder", "pipe", "missing"])
def test_only_regular_files_are_adopted_and_all_or_none(blobs: FolderBlobs, root: Path, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("secret")
    good, bad = outputs(tmp_path / "scratch", 1)[0], tmp_path / "scratch" / "bad.png"
    match kind:
        case "link to a file":
            bad.symlink_to(secret)
        case "dangling link":
            bad.symlink_to(tmp_path / "nowhere")
        case "link to a folder":
            bad.symlink_to(tmp_path)
        case "folder":
            bad.mkdir()
        case "pipe":
            os.mkfifo(bad)
    with pytest.raises(Unavailable):
        asyncio.run(blobs.adopt([good, bad]))
    assert files_below(root) == []
    assert good.read_text() == "0.png"
    assert os.path.lexists(bad) == (kind != "missing")
    assert secret.read_text() == "secret"


def test_a_cancelled_adoption_puts_the_files_back(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FolderBlobs(root)
    paths = outputs(tmp_path / "scratch", 3)

    async def scenario() -> None:
        gate = Gate(monkeypatch, os, "fsync")
        adopting = asyncio.create_task(blobs.adopt(paths))
        await asyncio.to_thread(gate.reached.wait, 10)
        adopting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adopting
        gate.opened.set()

    asyncio.run(scenario())
    blobs.close()
    assert files_below(root) == []
    assert all(path.exists() for path in paths)


def test_deleting_is_repeatable(blobs: FolderBlobs, root: Path) -> None:
    async def scenario() -> None:
        keys = [await received(blobs, PNG) for _ in range(3)]
        await blobs.delete([*keys[:2], keys[0], "neverThere"])
        assert files_below(root) == [blobs.path(keys[2])]
        await blobs.delete(keys)
        await blobs.delete([])

    asyncio.run(scenario())
    assert files_below(root) == []


@pytest.mark.parametrize("key", ["", "a", "ab", "../../etc/passwd", "ab/../../x", "abc.d", "abc d", "abc\x00", "abcé", "abc\n", "²³¹abc"])
def test_a_key_cannot_lead_out_of_the_folder(blobs: FolderBlobs, key: str) -> None:
    with pytest.raises(FileUnknown):
        blobs.path(key)
    with pytest.raises(FileUnknown):
        asyncio.run(blobs.delete([key]))


def test_a_start_clears_what_was_on_its_way_and_keeps_the_rest(root: Path) -> None:
    first = FolderBlobs(root)
    key = asyncio.run(received(first, PNG))
    first.close()
    (root / "incoming" / "leftover").write_bytes(b"half")
    second = FolderBlobs(root)
    assert files_below(root) == [second.path(key)]
    assert asyncio.run(received(second, PNG)) != key
    second.close()


def test_a_closed_store_is_unavailable(root: Path) -> None:
    blobs = FolderBlobs(root)
    blobs.close()
    with pytest.raises(Unavailable):
        asyncio.run(received(blobs, PNG))


def test_many_uploads_at_once_stay_apart(blobs: FolderBlobs) -> None:
    contents = [os.urandom(2000 + index) for index in range(200)]

    async def scenario() -> list[str]:
        uploads: list[Awaitable[str]] = [received(blobs, content, step=333) for content in contents]
        return await asyncio.gather(*uploads)

    keys = asyncio.run(scenario())
    assert [blobs.path(key).read_bytes() for key in keys] == contents
