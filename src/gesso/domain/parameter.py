"""Parameters: what a Model takes. One declaration gives the form, the checks, the API page and the wire's description."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gesso.domain.errors import ParameterMissing, ParameterNotAllowed, ParameterNotNumber, ParameterOutOfRange

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
# Whole numbers are signed 64-bit: more cannot be stored, nor told to a Worker.
_INTEGER_END = 2**63
_SEED_END = 2**64


class Kind(StrEnum):
    """The kinds of values. FILE takes one file, FILES several; all others take JSON values or their text forms."""

    TEXT = "text"
    TEXTAREA = "textarea"
    INTEGER = "integer"
    NUMBER = "number"
    SEED = "seed"
    SELECT = "select"
    MULTISELECT = "multiselect"
    CHECKBOX = "checkbox"
    FILE = "file"
    FILES = "files"

    @property
    def is_file(self) -> bool:
        return self in (Kind.FILE, Kind.FILES)

    @property
    def is_numeric(self) -> bool:
        return self in (Kind.INTEGER, Kind.NUMBER)


class Role(StrEnum):
    """What a parameter is to a picture editor: the picture, its mask (white = repaint), or neither."""

    NONE = ""
    PICTURE = "picture"
    MASK = "mask"


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared value of a Model.

    `minimum`, `maximum`, `step`: of numbers; of FILES the count. `max_length`: characters of texts.
    `accepts`: content types or their first halves ("image/") of files; empty means any.
    """

    id: str
    kind: Kind
    label: str = ""
    help: str = ""
    default: Any = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    options: tuple[Option, ...] = ()
    placeholder: str = ""
    note: str = ""
    max_length: int = 10_000
    advanced: bool = False
    role: Role = Role.NONE
    accepts: tuple[str, ...] = ()

    def coerce(self, value: Any) -> Any:
        """The value in its own type, from JSON or from text, with the default where none was given.

        `None` and an empty text mean "not given". So does 0 for an optional number whose range excludes 0, because form
        tools send it for untouched fields. Errors: ParameterMissing, ParameterNotNumber, ParameterOutOfRange, ParameterNotAllowed.
        """
        if _is_absent(value) or (self._zero_means_absent() and _is_zero(value)):
            if self.required and self.default is None:
                raise ParameterMissing(self.id)
            return self.default
        return _COERCE[self.kind](self, value)

    def _zero_means_absent(self) -> bool:
        outside = (self.minimum is not None and self.minimum > 0) or (self.maximum is not None and self.maximum < 0)
        return self.kind.is_numeric and not self.required and outside


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value == []


def _is_zero(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool) and value == 0) or (
        isinstance(value, str) and value.strip() in ("0", "0.0")
    )


def written(number: float) -> str:
    """A bound as people write it: 1 and not 1.0."""
    return str(int(number)) if float(number).is_integer() else str(number)


def _text(parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool | Mapping | list | tuple):
        raise ParameterNotAllowed(parameter.id, "a text was expected")
    text = str(value)
    if "\x00" in text:
        raise ParameterNotAllowed(parameter.id, "it contains a NUL character")
    if len(text) > parameter.max_length:
        raise ParameterNotAllowed(parameter.id, f"it has {len(text)} characters, and {parameter.max_length} are the most")
    return text


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ParameterNotNumber(parameter.id)
    if isinstance(value, str) and ("_" in value or _is_word(value)):
        raise ParameterNotNumber(parameter.id)
    try:
        number = float(value)
    except ValueError:
        raise ParameterNotNumber(parameter.id) from None
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        raise ParameterNotNumber(parameter.id)
    if math.isinf(number):
        # As 1e400 is written: a number, and more than can be kept.
        end = (-_INTEGER_END, _INTEGER_END - 1) if parameter.kind is Kind.INTEGER else (-sys.float_info.max, sys.float_info.max)
        raise _out_of_range(parameter, *map(str, end))
    below = parameter.minimum is not None and number < parameter.minimum
    above = parameter.maximum is not None and number > parameter.maximum
    if below or above:
        raise _out_of_range(parameter, "-∞", "∞")
    # A zero has no sign here: -0.0 would be shown so.
    return number + 0.0


def _is_word(text: str) -> bool:
    """Whether a text that Python takes for a number is written in letters: nan, Infinity."""
    return "n" in text.lower()


def _out_of_range(parameter: Parameter, lowest: str, highest: str) -> ParameterOutOfRange:
    """`lowest`, `highest`: the bounds of a parameter that declares none."""
    low, high = parameter.minimum, parameter.maximum
    return ParameterOutOfRange(parameter.id, lowest if low is None else written(low), highest if high is None else written(high))


def _integer(parameter: Parameter, value: Any) -> int:
    number = _number(parameter, value)
    if not number.is_integer():
        raise ParameterNotAllowed(parameter.id, "a whole number was expected")
    try:
        whole = value if isinstance(value, int) else int(str(value).strip())
    except ValueError:
        whole = int(number)
    if not -_INTEGER_END <= whole < _INTEGER_END:
        raise _out_of_range(parameter, str(-_INTEGER_END), str(_INTEGER_END - 1))
    return whole


def _seed(parameter: Parameter, value: Any) -> int:
    """Seeds are unsigned 64-bit; the wire carries them as text because JavaScript numbers are too short."""
    text = str(value).strip()
    if isinstance(value, bool) or not _DECIMAL.fullmatch(text):
        raise ParameterNotNumber(parameter.id)
    # As a Decimal, because a float has too few digits, and an int would have as many as the text promises.
    number = Decimal(text)
    if not 0 <= number < _SEED_END:
        raise ParameterOutOfRange(parameter.id, "0", str(_SEED_END - 1))
    if number != int(number):
        raise ParameterNotAllowed(parameter.id, "a whole number was expected")
    return int(number)


def _checkbox(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ParameterNotAllowed(parameter.id, "true or false was expected")


def _select(parameter: Parameter, value: Any) -> str:
    text = _text(parameter, value)
    values = [option.value for option in parameter.options]
    if text not in values:
        raise ParameterNotAllowed(parameter.id, f"choose one of {', '.join(values)}")
    return text


def _multiselect(parameter: Parameter, value: Any) -> list[str]:
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return [_select(parameter, part.strip() if isinstance(part, str) else part) for part in parts]


def _file(parameter: Parameter, value: Any) -> Any:
    raise AssertionError(f"{parameter.id} is a file: its value comes from the request's files, not from its fields")


_COERCE = {
    Kind.TEXT: _text,
    Kind.TEXTAREA: _text,
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.SEED: _seed,
    Kind.SELECT: _select,
    Kind.MULTISELECT: _multiselect,
    Kind.CHECKBOX: _checkbox,
    Kind.FILE: _file,
    Kind.FILES: _file,
}
