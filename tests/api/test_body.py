"""Request bodies: every kind in every cut, the limits, and no file left behind by a body that is not taken."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.api.body import Body, read_body
from gesso.domain.errors import BodyTooLarge, BodyUnreadable, Unavailable
from gesso.domain.limits import BODY_MAX_BYTES, FIELD_MAX_BYTES, FIELDS_MAX_BYTES, FIELDS_MAX_COUNT, FILE_MAX_BYTES, FILES_MAX_COUNT, MIB
from gesso.ports import BlobWriter
from gesso.store.blobs import FolderBlobs

FORM = "multipart/form-data; boundary=BB"
URLENCODED = "application/x-www-form-urlencoded"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderBlobs]:
    # Durability is tested with the blobs; here thousands of small files only have to be there.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = FolderBlobs(root)
    yield made
    made.close()


def files_on_disk(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def in_chunks(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def read(blobs: FolderBlobs, content_type: str, *chunks: bytes, length: int | None = None) -> Body:
    return asyncio.run(read_body(content_type, length, in_chunks(chunks), blobs))


def part(disposition: str | bytes, content: bytes = b"", *headers: bytes) -> bytes:
    value = disposition.encode() if isinstance(disposition, str) else disposition
    return b"\r\n".join([b"--BB", b"Content-Disposition: " + value, *headers, b"", content, b""])


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--BB--\r\n"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "",
        "text/plain",
        URLENCODED,
        "multipart/form-data",
        FORM,
        "image/png",
        "a;b;;=",
    ],
)
@pytest.mark.parametrize("prefix", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_what_starts_with_a_brace_is_json_under_any_content_type(blobs: FolderBlobs, content_type: str, prefix: bytes) -> None:
    text = prefix + '{"prompt": "é", "n": [1, {"a": null}], "b": true, "n": 2.5}'.encode()
    for cut in range(len(text)):
        body = read(blobs, content_type, text[:cut], b"", text[cut:], length=len(text))
        assert body == Body([("prompt", "é"), ("n", 2.5), ("b", True)], [], is_json=True)
    assert body.as_mapping() == {"prompt": "é", "n": 2.5, "b": True}


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain", URLENCODED, "multipart/form-data", FORM])
@pytest.mark.parametrize("chunks", [[], [b""], [b"", b" \r\n", b""]])
def test_an_empty_body_has_no_fields(blobs: FolderBlobs, content_type: str, chunks: list[bytes]) -> None:
    assert read(blobs, content_type, *chunks).as_mapping() == {}


@pytest.mark.parametrize(
    "text",
    [
        b"[1]",
        b"null",
        b'"a"',
        b"{",
        b'{"a"}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1} x',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": 01}',
        b"{'a': 1}",
        b'{"a":' * 201 + b"1" + b"}" * 201,
        b'{"a":' + b"[" * 100_000,
        b"{" + b",".join(b'"%d":1' % index for index in range(FIELDS_MAX_COUNT + 1)) + b"}",
    ],
)
def test_json_that_is_not_an_object_or_malformed_is_unreadable(blobs: FolderBlobs, text: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        read(blobs, "application/json", text)


def test_json_may_be_deep_and_hold_many_brackets_in_its_texts(blobs: FolderBlobs) -> None:
    assert read(blobs, "", b'{"a":' * 200 + b"1" + b"}" * 200).is_json
    assert read(blobs, "", b'{"a": "' + b"[" * 100_000 + b'"}').as_mapping() == {"a": "[" * 100_000}
    assert gc.isenabled()


def test_a_large_unreadable_json_leaves_the_collector_on(blobs: FolderBlobs) -> None:
    with pytest.raises(BodyUnreadable):
        read(blobs, "", b'{"a": [' + b"[]," * 100_000)
    assert gc.isenabled()


def test_urlencoded_fields(blobs: FolderBlobs) -> None:
    body = read(blobs, URLENCODED + "; charset=UTF-8", b"prompt=a+c%61t&x=&x=%C3", b"%A9&json=%5B%22u%22%5D&flag\r\n")
    assert body.fields == [("prompt", "a cat"), ("x", ""), ("x", "é"), ("json", '["u"]'), ("flag", "")]
    assert body.as_mapping()["x"] == ["", "é"]


@pytest.mark.parametrize("text", [b"a=%FF", b"a=\xff", b"&".join([b"a=1"] * (FIELDS_MAX_COUNT + 1))])
def test_an_urlencoded_form_that_cannot_be_read(blobs: FolderBlobs, text: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        read(blobs, URLENCODED, text)


def test_a_large_urlencoded_form_is_read_too(blobs: FolderBlobs) -> None:
    assert read(blobs, URLENCODED, b"a=" + b"x" * FIELD_MAX_BYTES).as_mapping() == {"a": "x" * FIELD_MAX_BYTES}
    with pytest.raises(BodyTooLarge):
        read(blobs, URLENCODED, b"a=" + b"x" * (FIELD_MAX_BYTES + 1))


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/octet-stream", "multipart/mixed; boundary=BB", "application/json"])
def test_what_is_neither_json_nor_a_form_is_unreadable(blobs: FolderBlobs, content_type: str) -> None:
    with pytest.raises(BodyUnreadable):
        read(blobs, content_type, b"prompt=a+cat")


def test_a_form_with_files_at_every_cut(blobs: FolderBlobs) -> None:
    text = b"\r\n" + form(
        part('form-data; name="prompt"', "ein Fuchs\r\n--B\r\n--BC é".encode()),
        part('form-data; name="inputImage"; filename="a b.png"', PNG, b"content-type: text/html"),
        part("FORM-DATA; NAME=steps", b"25"),
        part('form-data; name="empty"'),
        part('form-data; name="none"; filename=""', b"", b"Content-Type: application/octet-stream"),
        part('form-data; name="zero"; filename="zero.bin"'),
    )

    async def read_all(cut: int) -> Body:
        chunks = in_chunks([text[:cut], text[cut:]])
        body = await read_body('Multipart/Form-Data; charset=utf-8; boundary="BB"', len(text), chunks, blobs)
        assert blobs.path(body.files[0][1].access_key).read_bytes() == PNG
        await blobs.delete([file.access_key for _, file in body.files])
        return body

    async def at_every_cut() -> list[Body]:
        return [await read_all(cut) for cut in range(len(text))]

    for body in asyncio.run(at_every_cut()):
        assert body.fields == [("prompt", "ein Fuchs\r\n--B\r\n--BC é"), ("steps", "25"), ("empty", "")]
        assert [(name, file.file_name, file.content_type, file.size_bytes) for name, file in body.files] == [
            ("inputImage", "a b.png", "image/png", len(PNG)),
            ("zero", "zero.bin", "application/octet-stream", 0),
        ]


def test_a_form_may_come_byte_by_byte(blobs: FolderBlobs) -> None:
    text = form(part('form-data; name="f"; filename="x.png"', PNG), part('form-data; name="a"', b"b"))
    body = read(blobs, FORM, *(bytes([byte]) for byte in text))
    assert body.fields == [("a", "b")]
    assert blobs.path(body.files[0][1].access_key).read_bytes() == PNG


def test_a_form_with_nothing_in_it(blobs: FolderBlobs) -> None:
    assert read(blobs, FORM, b"--BB--\r\n").as_mapping() == {}


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="f"; filename="a;b=c.png"', "a_b_c.png"),
        ('form-data; name="f"; filename="a\\"b.png"', "a_b.png"),
        ('form-data; name="f"; filename="C:\\dir\\a.png"', "a.png"),
        ('form-data; name="f"; filename="../../a.png"', "a.png"),
        ("form-data; name=f; filename=a.png", "a.png"),
        ("form-data ; name = f", None),
        ('form-data; name="f"; filename="写真.png"', "写真.png"),
        ('form-data; name="f"; filename="x.png"; filename*=UTF-8\'\'%E5%86%99%E7%9C%9F.png', "写真.png"),
        ("form-data; name=\"f\"; filename*=iso-8859-1'de'f%FC.png;", "fü.png"),
        ('form-data; name="f"; filename="."', "file"),
    ],
)
def test_file_names(blobs: FolderBlobs, disposition: str, name: str | None) -> None:
    text = form(part(disposition, PNG))
    if name is None:
        with pytest.raises(BodyUnreadable):
            read(blobs, FORM, text)
        return
    [(field, file)] = read(blobs, FORM, text).files
    assert (field, file.file_name, file.content_type) == ("f", name, "image/png")


def test_quoted_field_names_are_unescaped(blobs: FolderBlobs) -> None:
    body = read(blobs, FORM, form(part(r'form-data; name="a\"b\\c\d; e=é"', b"1")))
    assert body.fields == [(r'a"b\c\d; e=é', "1")]


def test_an_unnamed_file_with_bytes_is_a_file(blobs: FolderBlobs) -> None:
    [(_, file)] = read(blobs, FORM, form(part('form-data; name="f"; filename=""', PNG))).files
    assert (file.file_name, file.content_type) == ("file", "image/png")


GOOD = part('form-data; name="f"; filename="x.png"', PNG * 2000)
MALFORMED = {
    "no final boundary": GOOD + GOOD,
    "cut in a file": GOOD + part('form-data; name="g"; filename="x.png"', PNG * 3000)[:-40],
    "cut in a header": GOOD + b"--BB\r\nContent-Dis",
    "cut in the final boundary": GOOD + b"--BB-",
    "no name": GOOD + form(part("form-data", b"1")),
    "empty name": GOOD + form(part('form-data; name=""', b"1")),
    "no disposition": GOOD + form(b"--BB\r\nContent-Type: text/plain\r\n\r\n1\r\n"),
    "no headers": GOOD + form(b"--BB\r\n\r\n1\r\n"),
    "not form-data": GOOD + form(part('attachment; name="a"', b"1")),
    "repeated parameter": GOOD + form(part('form-data; name="a"; name="b"', b"1")),
    "open quote": GOOD + form(part('form-data; name="a', b"1")),
    "bad header": GOOD + form(b"--BB\r\nContent Disposition: x\r\n\r\n1\r\n"),
    "no colon": GOOD + form(b"--BB\r\nContent-Disposition\r\n\r\n1\r\n"),
    "endless header": GOOD + form(part('form-data; name="' + "a" * 100_000 + '"', b"1")),
    "many headers": GOOD + form(part('form-data; name="a"', b"1", *[b"X-%d: 1" % index for index in range(1000)])),
    "name not UTF-8": GOOD + form(part(b'form-data; name="\xff"', b"1")),
    "field not UTF-8": GOOD + form(part('form-data; name="a"', b"\xff")),
    "file name not UTF-8": GOOD + form(part("form-data; name=a; filename*=UTF-8''%FF", b"1")),
    "file name of no charset": GOOD + form(part("form-data; name=a; filename*=x.png", b"1")),
    "encoded part": GOOD + form(part('form-data; name="a"', b"MQ==", b"Content-Transfer-Encoding: base64")),
    "another boundary": GOOD.replace(b"BB", b"CC") + b"--CC--",
    "preamble": b"hello\r\n" + form(GOOD),
    "too many fields": GOOD + form(*[part('form-data; name="a"', b"1")] * (FIELDS_MAX_COUNT + 1)),
    "too many files": form(*[part('form-data; name="a"; filename="a"', b"1")] * (FILES_MAX_COUNT + 1)),
    "too many parts": GOOD + form(*[part('form-data; name="a"; filename=""')] * 1000),
}


@pytest.mark.parametrize("size_bytes", [100, 65536, 100 * MIB])
@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_form_is_unreadable_and_leaves_no_file(blobs: FolderBlobs, root: Path, case: str, size_bytes: int) -> None:
    text = MALFORMED[case]
    chunks = [text[start : start + size_bytes] for start in range(0, len(text), size_bytes)]
    with pytest.raises(BodyUnreadable):
        read(blobs, FORM, *chunks)
    assert files_on_disk(root) == []


def test_the_most_parts_that_are_allowed_are_read(blobs: FolderBlobs) -> None:
    fields = [part('form-data; name="a"', b"1")] * FIELDS_MAX_COUNT
    files = [part('form-data; name="b"; filename="b"', b"1")] * FILES_MAX_COUNT
    body = read(blobs, FORM, form(*fields, *files))
    assert (len(body.as_mapping()["a"]), len(body.files)) == (FIELDS_MAX_COUNT, FILES_MAX_COUNT)


@pytest.mark.parametrize(
    "boundary", ["", "; boundary", "; boundary=", '; boundary=""', "; boundary=a\nb", "; boundary=é", "; boundary=" + "a" * 300]
)
def test_a_form_without_a_valid_boundary_is_unreadable(blobs: FolderBlobs, boundary: str) -> None:
    with pytest.raises(BodyUnreadable, match="boundary"):
        read(blobs, "multipart/form-data" + boundary, form(GOOD))


def zeros(size_bytes: int) -> Iterator[bytes]:
    for _ in range(size_bytes // MIB):
        yield bytes(MIB)
    yield bytes(size_bytes % MIB)


def a_part(header: str, size_bytes: int) -> Iterator[bytes]:
    yield part(header)[:-2]
    yield from zeros(size_bytes)
    yield b"\r\n"


def files_of(total_bytes: int) -> Iterator[bytes]:
    for _ in range(total_bytes // (50 * MIB) + 1):
        yield from a_part("form-data; name=a; filename=a", 50 * MIB)


TOO_LARGE: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "JSON": ("application/json", lambda: iter([b'{"a": "', *zeros(FIELDS_MAX_BYTES), b'"}'])),
    "urlencoded": (URLENCODED, lambda: iter([b"a=", *zeros(FIELDS_MAX_BYTES)])),
    "neither": ("", lambda: zeros(BODY_MAX_BYTES)),
    "field": (FORM, lambda: iter([GOOD, *a_part("form-data; name=a", FIELD_MAX_BYTES + 1), b"--BB--"])),
    "fields": (FORM, lambda: iter([GOOD, *[part("form-data; name=a", bytes(FIELDS_MAX_BYTES // 4))] * 4, b"--BB--"])),
    "names": (FORM, lambda: iter([GOOD, *[part("form-data; name=" + "a" * 4000, bytes(7000))] * 500, b"--BB--"])),
    "file": (FORM, lambda: iter([GOOD, *a_part("form-data; name=a; filename=a", FILE_MAX_BYTES + 1), b"--BB--"])),
    "body": (FORM, lambda: files_of(BODY_MAX_BYTES)),
    "epilogue": (FORM, lambda: iter([form(GOOD), *zeros(BODY_MAX_BYTES)])),
}


@pytest.mark.parametrize("length", [None, 10])
@pytest.mark.parametrize("case", TOO_LARGE)
def test_a_body_over_a_limit_is_refused_and_leaves_no_file(blobs: FolderBlobs, root: Path, case: str, length: int | None) -> None:
    content_type, chunks = TOO_LARGE[case]
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(content_type, length, in_chunks(chunks()), blobs))
    assert files_on_disk(root) == []


def test_an_announced_length_over_the_limit_is_refused_before_reading(blobs: FolderBlobs) -> None:
    chunks = iter([b"{}"])
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body("", BODY_MAX_BYTES + 1, in_chunks(chunks), blobs))
    assert list(chunks) == [b"{}"]


@pytest.mark.parametrize(("content_type", "text"), [("", b"{}"), (URLENCODED, b"a=b"), (FORM, form(GOOD)), (FORM, b"")])
def test_a_body_shorter_than_announced_is_unreadable(blobs: FolderBlobs, root: Path, content_type: str, text: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        read(blobs, content_type, text, length=len(text) + 1)
    assert files_on_disk(root) == []


class HungUp(Exception):
    """What a server raises when the client is gone."""


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_client_that_hangs_up_leaves_no_file(blobs: FolderBlobs, root: Path, count: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield GOOD
        yield GOOD[:-50]
        raise HungUp

    with pytest.raises(HungUp):
        asyncio.run(read_body(FORM, None, chunks(), blobs))
    assert files_on_disk(root) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_request_leaves_no_file(root: Path, times: int) -> None:
    blobs = FolderBlobs(root)

    async def scenario() -> None:
        is_waiting = asyncio.Event()

        async def chunks() -> AsyncIterator[bytes]:
            yield GOOD + GOOD[:-50]
            is_waiting.set()
            await asyncio.Event().wait()

        reading = asyncio.create_task(read_body(FORM, None, chunks(), blobs))
        await is_waiting.wait()
        for _ in range(times):
            reading.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(scenario())
    blobs.close()
    assert files_on_disk(root) == []


def test_a_request_cancelled_at_any_step_leaves_no_file(root: Path) -> None:
    blobs = FolderBlobs(root)
    text = form(part("form-data; name=a; filename=a", bytes(600_000)), GOOD)

    async def scenario(steps: int) -> bool:
        reading = asyncio.create_task(read_body(FORM, None, in_chunks([text[:300_000], text[300_000:]]), blobs))
        for _ in range(steps):
            await asyncio.sleep(0)
        is_over = reading.done()
        reading.cancel()
        (result,) = await asyncio.gather(reading, return_exceptions=True)
        if isinstance(result, Body):
            await blobs.delete([file.access_key for _, file in result.files])
        return is_over

    steps = 0
    while not asyncio.run(scenario(steps)):
        steps += max(1, steps // 8)
    blobs.close()
    assert files_on_disk(root) == []


class FullDisk(FolderBlobs):
    """Takes one file, then none, and cannot even delete."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.is_full = False

    def receive(self) -> BlobWriter:
        if self.is_full:
            raise Unavailable("its disk is full")
        self.is_full = True
        return super().receive()

    async def delete(self, access_keys: Any) -> None:
        await super().delete(access_keys)
        raise Unavailable("its disk is broken")


def test_a_full_disk_is_told_and_leaves_no_file(root: Path) -> None:
    blobs = FullDisk(root)
    with pytest.raises(Unavailable, match="full"):
        read(blobs, FORM, form(GOOD, GOOD))
    blobs.close()
    assert files_on_disk(root) == []


def test_a_large_upload_needs_little_memory(blobs: FolderBlobs) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in a_part("form-data; name=a; filename=a", FILE_MAX_BYTES):
            yield chunk
        yield b"--BB--"

    tracemalloc.start()
    body = asyncio.run(read_body(FORM, None, chunks(), blobs))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.files[0][1].size_bytes == FILE_MAX_BYTES
    assert peak_bytes < 10 * MIB


def test_others_are_served_while_a_large_chunk_is_read(blobs: FolderBlobs) -> None:
    async def scenario() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        running = asyncio.create_task(other())
        # The epilogue of a form touches no disk, so nothing else would give way.
        await read_body(FORM, None, in_chunks([form() + bytes(64 * MIB)]), blobs)
        running.cancel()
        return turns

    assert asyncio.run(scenario()) >= 200


TYPES = st.one_of(
    st.sampled_from(["", "application/json", URLENCODED, "text/plain", "multipart/form-data", FORM, 'multipart/form-data; boundary="B B"']),
    st.text(max_size=20).map("multipart/form-data; boundary=".__add__),
    st.text(max_size=30),
)
FRAGMENTS = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"--BB",
            b"\r\n",
            b"--",
            b"Content-Disposition: ",
            b"form-data; ",
            b'name="a"',
            b"; filename=",
            b"x*=''",
            b"{",
            b'"',
            b":",
            b"}",
            b"[",
            b"%",
            b"&",
        ]
    ),
    st.just(part('form-data; name="a"; filename="x"', PNG)),
    st.just(part('form-data; name="a"', b"1")),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content_type=TYPES, fragments=st.lists(FRAGMENTS, max_size=12), length=st.none() | st.integers(-1, 10**10))
def test_any_bytes_under_any_type_are_read_or_refused(
    blobs: FolderBlobs, root: Path, content_type: str, fragments: list[bytes], length: int | None
) -> None:
    kept = 0
    with contextlib.suppress(BodyUnreadable, BodyTooLarge):
        body = read(blobs, content_type, *fragments, length=length)
        kept = len(body.files)
        assert len(body.as_mapping()) <= len(body.fields)
    assert len(files_on_disk(root)) == kept
    for path in files_on_disk(root):
        path.unlink()


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), min_size=1, max_size=12)
CONTENTS = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from([b"\r\n", b"--BB", b"-", b"\r", b"\n", b"--", b"B"])).map(b"".join))
PARTS = st.one_of(st.tuples(NAMES, st.none(), st.text(max_size=40)), st.tuples(NAMES, NAMES, CONTENTS))


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(PARTS, max_size=4), cuts=st.lists(st.integers(0, 400), max_size=3))
def test_a_generated_form_is_read_as_it_was_written_at_any_cut(blobs: FolderBlobs, parts: list[Any], cuts: list[int]) -> None:
    contents = [content if isinstance(content, bytes) else content.encode() for _, _, content in parts]
    boundary = b"BB"
    while any(b"\r\n--" + boundary in b"\r\n" + content for content in contents):
        boundary += b"x"
    text = b""
    for (name, file_name, _), content in zip(parts, contents, strict=True):
        file_part = "" if file_name is None else f'; filename="{escaped(file_name)}"'
        text += part(f'form-data; name="{escaped(name)}"{file_part}', content).replace(b"--BB", b"--" + boundary, 1)
    text += b"--" + boundary + b"--\r\n"
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(edges)]
    body = read(blobs, f"multipart/form-data; boundary={boundary.decode()}", *chunks)
    assert body.fields == [(name, content) for name, file_name, content in parts if file_name is None]
    stored = [(name, blobs.path(file.access_key).read_bytes()) for name, file in body.files]
    assert stored == [(name, content) for name, file_name, content in parts if file_name is not None]
