"""Forms that pages send: read within limits, and only from this server's own pages."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from gesso.api.body import read_body
from gesso.api.request import Request as Call
from gesso.domain.errors import BodyUnreadable, RoleTooLow
from gesso.domain.file import Received
from gesso.domain.limits import BODY_MAX_BYTES, FIELDS_MAX_BYTES
from gesso.ports import Blobs
from gesso.web.visitor import Visitor

CSRF_FIELD = "csrf"
_FIELDS_MAX_COUNT = 1_000


class Form(Mapping[str, str]):
    """The fields of a form, each with its last value; `all` gives every value of one."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name][-1]

    def __iter__(self):
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def all(self, name: str) -> list[str]:
        return self._fields.get(name, [])

    def word(self, name: str) -> str:
        """The value without blanks around it; empty when there is none."""
        return self.get(name, "").strip()


async def read_form(request: Request, visitor: Visitor) -> Form:
    """The fields of an urlencoded form that came from a page of this server. Errors: BodyUnreadable, BodyTooLarge, RoleTooLow."""
    call = Call(request.scope, request.receive)
    if call.is_from_own_page() is False:
        raise RoleTooLow
    body = b"".join([chunk async for chunk in call.chunks(FIELDS_MAX_BYTES)])
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX_COUNT, errors="strict")
    except ValueError:
        raise BodyUnreadable("it is no form") from None
    form = Form(fields)
    _check_mark(form, visitor)
    return form


async def read_files(request: Request, visitor: Visitor, blobs: Blobs) -> tuple[Form, list[Received]]:
    """The fields and the files of a form with files, whatever they are called: see `read_parts`."""
    form, parts = await read_parts(request, visitor, blobs)
    return form, [received for _, received in parts]


async def read_parts(request: Request, visitor: Visitor, blobs: Blobs) -> tuple[Form, list[tuple[str, Received]]]:
    """The fields of a form with files, and the files with the names of their fields.

    Whoever calls records or deletes them; of a form that is refused none is left. Errors: those of `read_form`, Unavailable.
    """
    call = Call(request.scope, request.receive)
    if call.is_from_own_page() is False:
        raise RoleTooLow
    content_type = request.headers.get("content-type", "")
    body = await read_body(content_type, call.content_length(), call.chunks(BODY_MAX_BYTES), blobs)
    fields: dict[str, list[str]] = {}
    for name, value in body.fields:
        fields.setdefault(name, []).append(value if isinstance(value, str) else "")
    form = Form(fields)
    try:
        _check_mark(form, visitor)
    except RoleTooLow:
        await blobs.delete([received.access_key for _, received in body.files])
        raise
    return form, body.files


def _check_mark(form: Form, visitor: Visitor) -> None:
    """Errors: RoleTooLow for a form that no page of this session holds."""
    if visitor.token and not hmac.compare_digest(form.get(CSRF_FIELD, "").encode(), visitor.csrf.encode()):
        raise RoleTooLow


def local_path(given: str) -> str:
    """A path on this server to go on to; the first page where `given` leads elsewhere."""
    parts = urlsplit(given)
    is_local = given.startswith("/") and not given.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return given if is_local and given.isprintable() else "/"
