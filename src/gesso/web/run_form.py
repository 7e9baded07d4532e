"""The Run form as a browser without scripts sends it: its fields to what services take, and what is wrong, told at its field."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gesso.api.addresses import addressed_file, is_callback, sent_file
from gesso.domain.errors import (
    FileMissing,
    FileRefused,
    GessoError,
    ParameterMissing,
    ParameterNotAllowed,
    ParameterNotNumber,
    ParameterOutOfRange,
)
from gesso.domain.event import FileInput
from gesso.domain.file import Received
from gesso.domain.model import Model
from gesso.domain.parameter import Kind, Parameter
from gesso.web.forms import Form

CALLBACK = "callbackUrl"
# Short enough to read.
_SEED_END = 2**32
_OFF = ("", "false", "0", "no", "off")
_NO_ADDRESS = "An address begins with https:// or http://"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asks for. `typed`: the values as they were, to be shown again. `problems`: sentences by parameter; while there is none,
    the rest can be ordered."""

    values: Mapping[str, Any]
    files: Mapping[str, tuple[FileInput, ...]]
    callback_url: str
    typed: Mapping[str, str]
    problems: Mapping[str, str]


def read(model: Model, form: Form, parts: Sequence[tuple[str, Received]], origin: str) -> Asked:
    """`origin`: this server's own, whose files need not be fetched."""
    values: dict[str, Any] = {}
    files: dict[str, tuple[FileInput, ...]] = {}
    problems: dict[str, str] = {}
    for parameter in model.parameters:
        try:
            if parameter.kind.is_file:
                if given := _files(parameter, form, parts, origin):
                    files[parameter.id] = given
                elif parameter.required:
                    raise FileMissing(parameter.id)
            else:
                values[parameter.id] = parameter.coerce(_drawn(parameter, _value(parameter, form)))
        except GessoError as error:
            problems[parameter.id] = sentence(error)
    callback_url = form.word(CALLBACK)
    if callback_url and not is_callback(callback_url):
        problems[CALLBACK] = _NO_ADDRESS
    return Asked(values, files, callback_url, typed(model, form), problems)


def typed(model: Model, form: Form) -> dict[str, str]:
    """The values of a form as text, by parameter; of a file its address."""
    told = {CALLBACK: form.word(CALLBACK)}
    for parameter in model.parameters:
        if parameter.kind.is_file:
            told[parameter.id] = form.word(f"{parameter.id}Url")
        else:
            value = _value(parameter, form)
            told[parameter.id] = ",".join(value) if isinstance(value, list) else value
    return told


def named(error: GessoError) -> str:
    """The parameter that a refusal is about; empty when it is about none."""
    return error.name if isinstance(error, _AT_A_FIELD) else ""


def sentence(error: GessoError) -> str:
    """The refusal as it reads under the name of its field."""
    if isinstance(error, ParameterMissing | FileMissing):
        return "This is needed."
    if isinstance(error, ParameterNotNumber):
        return "A number is needed."
    if isinstance(error, ParameterOutOfRange):
        return f"It must be between {error.minimum} and {error.maximum}."
    if isinstance(error, ParameterNotAllowed | FileRefused):
        reason = error.reason[:1].upper() + error.reason[1:]
        return reason if reason.endswith((".", "!", "?")) else f"{reason}."
    return str(error)


_AT_A_FIELD = (FileMissing, FileRefused, ParameterMissing, ParameterNotAllowed, ParameterNotNumber, ParameterOutOfRange)


def _value(parameter: Parameter, form: Form) -> Any:
    if parameter.kind is Kind.CHECKBOX:
        # A box that is not ticked sends nothing; an address may say what it is.
        return "false" if form.word(parameter.id).lower() in _OFF else "true"
    return form.all(parameter.id) if parameter.kind is Kind.MULTISELECT else form.get(parameter.id, "")


def _drawn(parameter: Parameter, value: Any) -> Any:
    """A new seed where none is kept, as scripts draw one."""
    return secrets.randbelow(_SEED_END) if parameter.kind is Kind.SEED and value == "" else value


def _files(parameter: Parameter, form: Form, parts: Iterable[tuple[str, Received]], origin: str) -> tuple[FileInput, ...]:
    """Errors: FileRefused."""
    # A control in which nothing was chosen sends a file without a name and without bytes.
    chosen = [one for name, one in parts if name == parameter.id and (one.size_bytes or one.file_name)]
    stored = [sent_file(parameter, one) for one in chosen]
    addresses = form.word(f"{parameter.id}Url").split()
    if parameter.kind is Kind.FILE and len(stored) + len(addresses) > 1:
        raise FileRefused(parameter.id, "one file or one address, not both" if stored else "one address only")
    return (*stored, *(addressed_file(parameter, address, (origin.lower(),)) for address in addresses))
