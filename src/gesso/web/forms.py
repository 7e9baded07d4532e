"""Forms that pages send: read within limits, and only from this server's own pages."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from gesso.api.request import Request as Call
from gesso.domain.errors import BodyUnreadable, RoleTooLow
from gesso.domain.limits import FIELDS_MAX_BYTES
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
    if not _is_own_page(request, call):
        raise RoleTooLow
    body = b"".join([chunk async for chunk in call.chunks(FIELDS_MAX_BYTES)])
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX_COUNT, errors="strict")
    except ValueError:
        raise BodyUnreadable("it is no form") from None
    form = Form(fields)
    if visitor.token and not hmac.compare_digest(form.get(CSRF_FIELD, "").encode(), visitor.csrf.encode()):
        raise RoleTooLow
    return form


def local_path(given: str) -> str:
    """A path on this server to go on to; the first page where `given` leads elsewhere."""
    parts = urlsplit(given)
    is_local = given.startswith("/") and not given.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return given if is_local and given.isprintable() else "/"


def _is_own_page(request: Request, call: Call) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or origin == call.origin()
