"""Archives from honest and from hostile hands: what is kept, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import asyncio
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.domain import limits
from gesso.domain.errors import Unavailable, UploadRefused
from gesso.ports import Contents
from gesso.store.archive import ZipArchives

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(100))
Write = Callable[[zipfile.ZipFile], object]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def archives(scratch: Path) -> Iterator[ZipArchives]:
    made = ZipArchives(scratch)
    yield made
    made.close()


def zipped(write: Write) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return buffer.getvalue()


def of(**files: bytes) -> bytes:
    return zipped(lambda archive: [archive.writestr(name, data) for name, data in files.items()])


def unpack(archives: ZipArchives, tmp_path: Path, data: bytes) -> Contents:
    path = tmp_path / "archive"
    path.write_bytes(data)
    return asyncio.run(archives.unpack(path, "photos.zip"))


def refusal(archives: ZipArchives, tmp_path: Path, data: bytes, scratch: Path) -> str:
    with pytest.raises(UploadRefused) as caught:
        unpack(archives, tmp_path, data)
    assert not list(scratch.iterdir())
    return f"archive: {caught.value}"


def test_files_come_out_byte_for_byte_in_their_order(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    inner = of(**{"x.png": PNG})
    contents = unpack(archives, tmp_path, of(**{"b.png": PNG, "b.txt": b"a caption", "deep/er/a.csv": b"1,2", "inner.zip": inner}))
    assert [file.name for file in contents.files] == ["b.png", "b.txt", "a.csv", "inner.zip"]
    assert [file.path.read_bytes() for file in contents.files] == [PNG, b"a caption", b"1,2", inner]
    assert [file.content_type for file in contents.files] == ["image/png", "text/plain", "text/csv", "application/zip"]
    assert [file.size_bytes for file in contents.files] == [len(PNG), 9, 3, len(inner)]
    asyncio.run(archives.discard(contents))
    assert not list(scratch.iterdir())


def test_what_is_not_kept_is_told_and_litter_is_not(archives: ZipArchives, tmp_path: Path) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        archive.mkdir("folder")
        for name in ("a.png", "__MACOSX/._a.png", "folder/.DS_Store", "._b.png", "Thumbs.db"):
            archive.writestr(name, PNG)
        archive.writestr("page.html", b"<script>")
        archive.writestr("run.exe", b"MZ")
        archive.writestr("false.png", b"<script>")
        archive.writestr("empty.txt", b"")

    contents = unpack(archives, tmp_path, zipped(write))
    assert [file.name for file in contents.files] == ["a.png"]
    assert [name for name, _ in contents.skipped] == ["page.html", "run.exe", "false.png", "empty.txt"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("/etc/passwd.txt", "passwd.txt"),
        ("C:\\Windows\\system.txt", "system.txt"),
        ("..\\..\\up.txt", "up.txt"),
        ("a/./b/../c.txt", "c.txt"),
        ("bell\x07.txt", "bell_.txt"),
        (f"{'n' * 300}.txt", f"{'n' * 100}.txt"),
    ],
)
def test_a_name_in_an_archive_chooses_no_path(archives: ZipArchives, tmp_path: Path, scratch: Path, sent: str, kept: str) -> None:
    contents = unpack(archives, tmp_path, of(**{sent: b"words"}))
    assert [file.name for file in contents.files] == [kept]
    assert not list(tmp_path.rglob("*.txt"))
    assert contents.files[0].path.parent.parent == scratch


def test_files_of_one_name_keep_their_folders_in_it(archives: ZipArchives, tmp_path: Path) -> None:
    given_names = ("cats/1.png", "cats/1.txt", "dogs/1.png", "dogs/1.txt", "dogs/2.png")
    contents = unpack(archives, tmp_path, of(**{name: PNG if name.endswith("png") else b"a caption" for name in given_names}))
    assert [file.name for file in contents.files] == ["cats-1.png", "cats-1.txt", "dogs-1.png", "dogs-1.txt", "2.png"]


def _link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("link.txt")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def _device(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("null.txt")
    entry.external_attr = (stat.S_IFCHR | 0o666) << 16
    archive.writestr(entry, "")


def _method(method: int) -> Write:
    return lambda archive: archive.writestr("a.txt", b"words", compress_type=method)


def encrypted() -> bytes:
    """An archive whose headers say that it is encrypted."""
    data = bytearray(of(**{"a.txt": b"words"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(_link), "a link or a device"),
        (zipped(_device), "a link or a device"),
        (zipped(_method(zipfile.ZIP_LZMA)), "another way than Deflate"),
        (zipped(_method(zipfile.ZIP_BZIP2)), "another way than Deflate"),
        (encrypted(), "encrypted"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"", "damaged"),
        (of(**{"a.png": PNG * 50})[:-30], "damaged"),
    ],
    ids=["link", "device", "lzma", "bzip2", "encrypted", "stub", "nothing", "cut off"],
)
def test_refusals(archives: ZipArchives, tmp_path: Path, scratch: Path, data: bytes, words: str) -> None:
    assert words in refusal(archives, tmp_path, data, scratch)


def test_one_damaged_file_refuses_all(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    data = bytearray(zipped(lambda archive: [archive.writestr(name, PNG * 9, zipfile.ZIP_STORED) for name in ("a.png", "b.png")]))
    data[data.rindex(PNG) + 20] ^= 0xFF
    assert "damaged" in refusal(archives, tmp_path, bytes(data), scratch)


def test_a_small_archive_of_zeros_is_no_way_to_fill_the_disk(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    data = zipped(lambda archive: [archive.writestr(f"{number}.txt", bytes(4 * limits.MIB)) for number in range(8)])
    assert len(data) < limits.MIB
    assert "100 times" in refusal(archives, tmp_path, data, scratch)


def test_a_false_size_in_the_headers_ends_in_a_refusal(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    data = bytearray(of(**{"a.txt": b"words " * 1000}))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 10)
    assert "damaged" in refusal(archives, tmp_path, bytes(data), scratch)


def test_overlapping_files_are_counted_as_often_as_they_are_named(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    """A table that names the same bytes many times: small on disk, large when unpacked."""
    body = zlib.compress(bytes(limits.MIB), 9)[2:-4]
    checksum = zlib.crc32(bytes(limits.MIB))
    fields = (20, 0, 8, 0, 0, checksum, len(body), limits.MIB, 5, 0)
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", *fields) + b"a.txt" + body
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, *fields[:9], 0, 0, 0, 0, 0, 0) + b"a.txt"
    count = 200
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, len(local), 0)
    # Newer versions of Python refuse overlaps themselves.
    assert "archive" in refusal(archives, tmp_path, local + entry * count + end, scratch)


def test_too_many_files(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    count = limits.ARCHIVE_ENTRIES_MAX_COUNT + 1
    data = zipped(lambda archive: [archive.writestr(f"{number}.txt", b"") for number in range(count)])
    assert f"holds {count} files" in refusal(archives, tmp_path, data, scratch)


def test_a_table_of_contents_of_megabytes_is_not_read(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    data = zipped(lambda archive: [archive.writestr(f"{'n' * 60_000}{number}", b"") for number in range(20)])
    assert "damaged" in refusal(archives, tmp_path, data, scratch)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), flipped=st.integers(1, 255), end=st.integers(0, 400))
def test_no_damage_raises_anything_else(archives: ZipArchives, tmp_path: Path, scratch: Path, place: int, flipped: int, end: int) -> None:
    data = bytearray(of(**{"a.png": PNG, "b/b.txt": b"words" * 30, "c.csv": b"1,2,3"}))
    data[place % len(data)] ^= flipped
    try:
        contents = unpack(archives, tmp_path, bytes(data[: len(data) - end // 3]))
    except UploadRefused:
        assert not list(scratch.iterdir())
    else:
        asyncio.run(archives.discard(contents))


def test_an_archive_in_work_is_given_up_when_the_server_stops(tmp_path: Path) -> None:
    archives = ZipArchives(tmp_path / "scratch")
    archives.close()
    with pytest.raises(Unavailable):
        unpack(archives, tmp_path, of(**{"a.png": PNG}))


def test_nothing_is_left_by_one_who_does_not_wait(archives: ZipArchives, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(of(**{f"{number}.png": PNG for number in range(300)}))

    async def scenario() -> None:
        waiting = asyncio.create_task(archives.unpack(path, "photos.zip"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(scenario())
    archives.close()
    assert not list(scratch.iterdir())
