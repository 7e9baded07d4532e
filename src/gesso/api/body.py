"""Request bodies of every dialect: JSON, multipart and urlencoded forms become one list of fields and one list of stored files.

Owns the limits and the clean-up: a body that is refused, cut off or cancelled leaves no file behind. Knows no route, no parameter and
no header beyond Content-Type and Content-Length. Sources: RFC 7578 (multipart forms), RFC 5987 (`filename*`), protocol, section 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gesso.domain.errors import BodyTooLarge, BodyUnreadable, Unavailable
from gesso.domain.file import Received
from gesso.domain.limits import (
    BODY_MAX_BYTES,
    FIELD_MAX_BYTES,
    FIELDS_MAX_BYTES,
    FIELDS_MAX_COUNT,
    FILES_MAX_COUNT,
    KIB,
    RECEIVE_CHUNK_BYTES,
)
from gesso.ports import Blobs, BlobWriter

# orjson reads deeper JSON than it writes; what could not be stored and sent again is refused at once.
_JSON_WRITE_DEPTH = 254
_JSON_MAX_DEPTH = 200
# What is larger is parsed with the event loop in mind: crafted bodies of a few megabytes take seconds otherwise (measured).
_SMALL_BYTES = 64 * KIB
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_PARAMETER = re.compile(r'[ \t]*;[ \t]*([^=;\s"]+)=("(?:[^"\\]|\\.)*"|[^;"]*)', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
# PHP and many JavaScript libraries write the members of a list so.
_MEMBER = re.compile(r"(.+)\[\d{0,4}\]", re.DOTALL)
_BOUNDARY = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carried, in its order. `is_json`: whether the values have types of their own; in a form all are text."""

    fields: list[tuple[str, Any]]
    files: list[tuple[str, Received]]
    is_json: bool

    def as_mapping(self) -> dict[str, Any]:
        """The fields by name; a name that a form repeats has a list of its values."""
        if self.is_json:
            return dict(self.fields)
        collected: dict[str, list[Any]] = {}
        for name, value in self.fields:
            collected.setdefault(name, []).append(value)
        return {name: values[0] if len(values) == 1 else values for name, values in collected.items()}


async def read_body(content_type: str, content_length: int | None, chunks: AsyncIterator[bytes], blobs: Blobs) -> Body:
    """Read `chunks` to the end. Its files are durable but recorded nowhere: from here on the caller records or deletes them.

    What starts with `{` is JSON, whatever `content_type` says; an empty body has no fields.
    Errors: BodyUnreadable, BodyTooLarge, Unavailable, and whatever `chunks` raises.
    """
    if content_length is not None and content_length > BODY_MAX_BYTES:
        raise BodyTooLarge(BODY_MAX_BYTES)
    source = _Source(chunks, content_length)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        head = await _head(source)
        if _is_blank(head):
            return Body([], [], is_json=False)
        if not _looks_like_json(head):
            return await _read_form(_boundary(content_type), head, source, blobs)
        return _parse_json(await _collect(source, head))
    text = await _collect(source, b"")
    if _looks_like_json(text):
        return _parse_json(text)
    if _is_blank(text):
        return Body([], [], is_json=False)
    if media_type == "application/x-www-form-urlencoded":
        return _parse_urlencoded(text) if len(text) < _SMALL_BYTES else await asyncio.to_thread(_parse_urlencoded, text)
    raise BodyUnreadable("it must be a JSON object" if media_type.endswith("json") else "it is neither a JSON object nor a form")


class _Source:
    """The chunks, counted against BODY_MAX_BYTES and the announced length."""

    def __init__(self, chunks: AsyncIterator[bytes], announced_bytes: int | None) -> None:
        self._chunks = aiter(chunks)
        self._announced_bytes = announced_bytes or 0
        self._seen_bytes = 0

    def __aiter__(self) -> _Source:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            if self._seen_bytes < self._announced_bytes:
                raise BodyUnreadable("it ends before its announced length") from None
            raise
        self._seen_bytes += len(chunk)
        if self._seen_bytes > BODY_MAX_BYTES:
            raise BodyTooLarge(BODY_MAX_BYTES)
        return chunk


async def _collect(source: _Source, head: bytes) -> bytes:
    """All of a body that has to be in memory."""
    parts, size_bytes = [head], len(head)
    async for chunk in source:
        size_bytes += len(chunk)
        if size_bytes > FIELDS_MAX_BYTES:
            raise BodyTooLarge(FIELDS_MAX_BYTES)
        if chunk:
            parts.append(chunk)
    return b"".join(parts)


async def _head(source: _Source) -> bytes:
    """Enough of the body to see what it is."""
    head = b""
    async for chunk in source:
        head += chunk
        is_undecided = _BOM.startswith(head) or _is_blank(head.removeprefix(_BOM))
        if not is_undecided or len(head) > KIB:
            break
    return head


def _is_blank(text: bytes) -> bool:
    return not text or text.isspace()


def _looks_like_json(text: bytes) -> bool:
    return text[:1] == b"{" or text.removeprefix(_BOM).lstrip(_BLANK)[:1] == b"{"


def _parse_json(text: bytes) -> Body:
    # The collector would walk a million new lists again and again while they are made; orjson lets no other thread run meanwhile.
    is_collecting = len(text) >= _SMALL_BYTES and gc.isenabled()
    if is_collecting:
        gc.disable()
    try:
        value = orjson.loads(text.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        raise BodyUnreadable(f"the JSON is malformed at line {error.lineno}, column {error.colno}: {error.msg}") from error
    finally:
        if is_collecting:
            gc.enable()
    # The text starts with a brace, so the value is an object.
    if len(value) > FIELDS_MAX_COUNT:
        raise BodyUnreadable(f"it has more than {FIELDS_MAX_COUNT} fields")
    if text.count(b"{") + text.count(b"[") > _JSON_MAX_DEPTH and not _is_writable(value):
        raise BodyUnreadable(f"the JSON is nested more than {_JSON_MAX_DEPTH} levels deep")
    return Body(list(value.items()), [], is_json=True)


def _is_writable(value: dict[str, Any]) -> bool:
    """Whether orjson can write `value` again, with room for what the store and the dialects wrap around it."""
    wrapped: Any = value
    for _ in range(_JSON_WRITE_DEPTH - _JSON_MAX_DEPTH):
        wrapped = [wrapped]
    try:
        orjson.dumps(wrapped)
    except orjson.JSONEncodeError:
        return False
    return True


def _parse_urlencoded(text: bytes) -> Body:
    if text.count(b"&") >= FIELDS_MAX_COUNT:
        raise BodyUnreadable(f"it has more than {FIELDS_MAX_COUNT} fields")
    try:
        fields = parse_qsl(text.strip(_BLANK).decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise BodyUnreadable("the form is not UTF-8 text") from error
    if len(text) > FIELD_MAX_BYTES and any(len(value.encode()) > FIELD_MAX_BYTES for _, value in fields):
        raise BodyTooLarge(FIELD_MAX_BYTES)
    return Body([(_list_name(name), value) for name, value in fields], [], is_json=False)


def _list_name(name: str) -> str:
    """The name of the list, where `name` is that of a member: X for X[] and X[0]."""
    found = _MEMBER.fullmatch(name) if name.endswith("]") else None
    return found[1] if found else name


def _parameters(header: str) -> dict[str, str]:
    """The parameters after the first `;` of a header value, with lower-case names and unquoted values.

    Errors: ValueError for a malformed or a repeated one. Only `\\"` and `\\\\` are escapes: browsers send other backslashes as they are.
    """
    parameters: dict[str, str] = {}
    rest = header[header.find(";") :].rstrip(" \t;") if ";" in header else ""
    position = 0
    while position < len(rest):
        found = _PARAMETER.match(rest, position)
        if found is None or found[1].lower() in parameters:
            raise ValueError(header)
        value = found[2]
        parameters[found[1].lower()] = _ESCAPED.sub(r"\1", value[1:-1]) if value[:1] == '"' else value.strip()
        position = found.end()
    return parameters


def _boundary(content_type: str) -> str:
    try:
        boundary = _parameters(content_type).get("boundary", "")
    except ValueError:
        boundary = ""
    if not _BOUNDARY.fullmatch(boundary):
        raise BodyUnreadable("its Content-Type, multipart/form-data, names no valid boundary")
    return boundary


async def _read_form(boundary: str, head: bytes, source: _Source, blobs: Blobs) -> Body:
    form = _Form(boundary, blobs)
    is_complete = False
    try:
        await form.feed(head)
        async for chunk in source:
            await form.feed(chunk)
        if not form.has_ended:
            raise BodyUnreadable("the form breaks off before its final boundary")
        is_complete = True
    finally:
        if not is_complete:
            await form.drop()
    return Body(form.fields, form.files, is_json=False)


@dataclass(frozen=True, slots=True)
class _Opening:
    """A file part begins. An empty `file_name` without bytes is a file input that was left empty."""

    name: str
    file_name: str


class _Form:
    """A multipart form on its way. The parser's callbacks cannot wait for the disk: they note steps, which `feed` then carries out."""

    def __init__(self, boundary: str, blobs: Blobs) -> None:
        self.fields: list[tuple[str, Any]] = []
        self.files: list[tuple[str, Received]] = []
        self.has_ended = False
        self._blobs = blobs
        self._writer: BlobWriter | None = None
        self._opening = _Opening("", "")
        self._steps: list[_Opening | bytes | None] = []
        self._parts_count = self._fields_bytes = 0
        self._headers: dict[bytes, bytes] = {}
        self._header_name = self._header_value = b""
        self._name = ""
        self._is_file = False
        self._text = bytearray()
        steps = ("part_begin", "header_field", "header_value", "header_end", "headers_finished", "part_data", "part_end", "end")
        self._parser = MultipartParser(boundary, {f"on_{step}": getattr(self, f"_on_{step}") for step in steps})  # pyright: ignore[reportArgumentType]

    async def feed(self, chunk: bytes) -> None:
        for start in range(0, len(chunk), RECEIVE_CHUNK_BYTES):
            try:
                self._parser.write(chunk[start : start + RECEIVE_CHUNK_BYTES])
            except FormParserError as error:
                raise BodyUnreadable("the form is malformed") from error
            steps, self._steps = self._steps, []
            for step in steps:
                await self._carry_out(step)
            if start:
                # A server that hands over many megabytes at once must still answer others in between.
                await asyncio.sleep(0)

    async def drop(self) -> None:
        """Remove every file so far, also when cancelled meanwhile. A disk that refuses that must not hide why the form is dropped."""
        try:
            with contextlib.suppress(Unavailable):
                if self._writer is not None:
                    await self._writer.discard()
        finally:
            with contextlib.suppress(Unavailable):
                await self._blobs.delete([received.access_key for _, received in self.files])

    async def _carry_out(self, step: _Opening | bytes | None) -> None:
        if isinstance(step, _Opening):
            self._opening = step
        if self._writer is None and (step if isinstance(step, bytes) else self._opening.file_name):
            if len(self.files) == FILES_MAX_COUNT:
                raise BodyUnreadable(f"it has more than {FILES_MAX_COUNT} files")
            self._writer = self._blobs.receive()
        if self._writer is None or isinstance(step, _Opening):
            return
        if step is not None:
            await self._writer.write(step)
        else:
            received = await self._writer.finish(self._opening.file_name)
            self._writer = None
            self.files.append((self._opening.name, received))

    def _on_part_begin(self) -> None:
        self._parts_count += 1
        # Counted here too, because empty file inputs leave no trace in the other counts.
        if self._parts_count > FIELDS_MAX_COUNT + FILES_MAX_COUNT:
            raise BodyUnreadable(f"it has more than {FIELDS_MAX_COUNT} fields")
        self._headers = {}
        self._text = bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        self._name, file_name = _disposition(self._headers)
        self._is_file = file_name is not None
        if file_name is not None:
            self._steps.append(_Opening(self._name, file_name))
            return
        self._count_text(len(self._name))
        if len(self.fields) == FIELDS_MAX_COUNT:
            raise BodyUnreadable(f"it has more than {FIELDS_MAX_COUNT} fields")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._steps.append(data[start:end])
            return
        if len(self._text) + end - start > FIELD_MAX_BYTES:
            raise BodyTooLarge(FIELD_MAX_BYTES)
        self._count_text(end - start)
        self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._is_file:
            self._steps.append(None)
            return
        try:
            self.fields.append((self._name, self._text.decode()))
        except UnicodeDecodeError as error:
            raise BodyUnreadable(f"the field {self._name} is not UTF-8 text, and a file needs a filename") from error

    def _on_end(self) -> None:
        self.has_ended = True

    def _count_text(self, size_bytes: int) -> None:
        self._fields_bytes += size_bytes
        if self._fields_bytes > FIELDS_MAX_BYTES:
            raise BodyTooLarge(FIELDS_MAX_BYTES)


def _disposition(headers: dict[bytes, bytes]) -> tuple[str, str | None]:
    """The name of a part, and its file name when it is a file. Errors: BodyUnreadable."""
    encoding = headers.get(b"content-transfer-encoding", b"binary").strip().lower()
    if encoding not in (b"7bit", b"8bit", b"binary"):
        raise BodyUnreadable("a part has a Content-Transfer-Encoding; send its bytes as they are")
    try:
        header = headers.get(b"content-disposition", b"").decode()
        parameters = _parameters(header)
        file_name = _extended(parameters["filename*"]) if "filename*" in parameters else parameters.get("filename")
    except ValueError as error:
        raise BodyUnreadable("a part has a malformed Content-Disposition") from error
    if header.partition(";")[0].strip().lower() != "form-data" or not parameters.get("name"):
        raise BodyUnreadable("a part has no name")
    return _list_name(parameters["name"]), file_name


def _extended(value: str) -> str:
    """A text in the form charset'language'percent-encoded. Errors: ValueError. Source: RFC 5987, section 3.2."""
    parts = value.split("'", 2)
    if len(parts) != 3 or parts[0].lower() not in ("utf-8", "iso-8859-1"):
        raise ValueError(value)
    return unquote(parts[2], encoding=parts[0], errors="strict")
