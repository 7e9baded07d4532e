"""Files among the inputs of a run, sent along or named by an address, and addresses to tell of the end. Read alike from every form."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from gesso.domain.errors import FileRefused
from gesso.domain.event import FileInput
from gesso.domain.file import OCTETS, Received, extension_of, extension_of_type, safe_name, type_of_name
from gesso.domain.ids import new_digits
from gesso.domain.limits import URL_MAX_CHARACTERS
from gesso.domain.parameter import Parameter

_OWN = "/v1/File/"
_OWN_PATH = re.compile(rf"{_OWN}([A-Za-z0-9]{{26,30}})(?:/([^/?#]*))?/?")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")


def sent_file(parameter: Parameter, received: Received) -> FileInput:
    """A file that came with the request."""
    known = received.content_type != OCTETS
    extension = extension_of_type(received.content_type) if known else extension_of(received.file_name) or "bin"
    return FileInput(_numbered(parameter, extension), received.access_key, content_type=received.content_type)


def addressed_file(parameter: Parameter, address: str, origins: Collection[str]) -> FileInput:
    """A file by its address. One of this very server, in the name of one of `origins` or of none, is read from storage and not fetched.

    Errors: FileRefused.
    """
    if address[:5].lower() == "data:":
        raise FileRefused(parameter.id, "data: addresses are not taken; send the file as a part of a multipart form, or an http(s) address")
    # Copied out of a browser's bar. One in the name of the host is found below.
    address = address.replace(" ", "%20")
    if len(address) > URL_MAX_CHARACTERS:
        raise FileRefused(parameter.id, f"the address has more than {URL_MAX_CHARACTERS} characters")
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    is_relative = address.startswith(_OWN)
    if not is_relative and (parts.scheme.lower() not in ("http", "https") or not host or "%" in host or _FORBIDDEN.search(address)):
        raise FileRefused(parameter.id, f"{address[:200]!r} is neither a file nor an http(s) address")
    if "@" in parts.netloc:
        # Not repeated: texts of refusals end up in logs.
        raise FileRefused(parameter.id, "an address with a user's name or a password in it is not taken")
    own = _OWN_PATH.fullmatch(parts.path)
    if own and (is_relative or f"{parts.scheme}://{parts.netloc}".lower() in origins):
        return FileInput(safe_name(unquote(own[2] or ""), parameter.id), own[1])
    if is_relative:
        raise FileRefused(parameter.id, f"{address[:200]!r} is no file of this server")
    extension = extension_of(unquote(parts.path))
    known = extension if type_of_name(f"x.{extension}") != OCTETS else "bin"
    return FileInput(_numbered(parameter, known), url=address)


def is_callback(text: str) -> bool:
    """Whether somebody can be told there of a task's end: http(s), without credentials."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_usable and "@" not in parts.netloc and len(text) <= URL_MAX_CHARACTERS and text.isprintable() and " " not in text


def _numbered(parameter: Parameter, extension: str) -> str:
    """Inputs are named as upstream names them: parameter, seven digits, extension. Source: protocol, section 2.10."""
    return f"{parameter.id}-{new_digits(7)}.{extension}"
