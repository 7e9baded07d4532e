"""How calls of this wire ask for lists: pages, order, words. Source: protocol, sections 2.3 and 2.6.

Numbers may come as text. A page that is larger than the most is cut to it, because `total` tells what is left; anything else that
cannot be honoured is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gesso.domain.errors import ParameterNotAllowed
from gesso.domain.parameter import Kind, Option, Parameter

PAGE_COUNT = 20
PAGE_MAX_COUNT = 100
START_MAX = 1_000_000_000
_WORDS_MAX_COUNT = 64
_WORD_MAX_CHARACTERS = 200

_START = Parameter("start", Kind.INTEGER, default=0, minimum=0, maximum=START_MAX)
_LIMIT = Parameter("limit", Kind.INTEGER, default=PAGE_COUNT, minimum=0, maximum=START_MAX)
_ORDER = Parameter("order", Kind.SELECT, default="", options=(Option("ASC"), Option("DESC")))


@dataclass(frozen=True, slots=True)
class Page:
    start: int
    limit: int


def page(fields: Mapping[str, Any]) -> Page:
    """Errors: ParameterNotNumber, ParameterOutOfRange, ParameterNotAllowed."""
    return Page(_START.coerce(fields.get("start")), min(_LIMIT.coerce(fields.get("limit")), PAGE_MAX_COUNT))


def order(fields: Mapping[str, Any]) -> str:
    """ASC, DESC, or an empty text when none is given. Errors: ParameterNotAllowed."""
    given = fields.get("order")
    return _ORDER.coerce(given.strip().upper() if isinstance(given, str) else given)


def choice(fields: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    """One of `allowed`, in any case. Errors: ParameterNotAllowed."""
    given = fields.get(name)
    parameter = Parameter(name, Kind.SELECT, default=default, options=tuple(map(Option, allowed)))
    return parameter.coerce(given.strip().lower() if isinstance(given, str) else given)


def word(fields: Mapping[str, Any], name: str) -> str:
    """A text without blanks around it. Errors: ParameterNotAllowed."""
    return (Parameter(name, Kind.TEXT, default="", max_length=_WORD_MAX_CHARACTERS).coerce(fields.get(name)) or "").strip()


def flag(fields: Mapping[str, Any], name: str) -> bool:
    """Errors: ParameterNotAllowed."""
    return bool(Parameter(name, Kind.CHECKBOX, default=False).coerce(fields.get(name)))


def words(fields: Mapping[str, Any], name: str) -> frozenset[str]:
    """Words in lower case: a list, a list in JSON text, or one text with commas. Errors: ParameterNotAllowed."""
    given = fields.get(name)
    if isinstance(given, str):
        given = _listed(name, given) if given.strip().startswith("[") else given.split(",")
    if given is None:
        return frozenset()
    is_readable = isinstance(given, list) and len(given) <= _WORDS_MAX_COUNT and all(isinstance(one, str) for one in given)
    if not is_readable:
        raise ParameterNotAllowed(name, f"a list of texts was expected, {_WORDS_MAX_COUNT} at most")
    return frozenset(one.strip().lower() for one in given if one.strip())


def _listed(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ParameterNotAllowed(name, "the list is not readable as JSON") from None
