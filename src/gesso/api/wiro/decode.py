"""From the fields of a request to what services take. Source: protocol, sections 2 and 3."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from gesso.api.addresses import is_callback
from gesso.api.body import Body
from gesso.api.wiro.inputs import FileField
from gesso.domain.errors import FileRefused, ParameterNotAllowed
from gesso.domain.limits import KIB
from gesso.domain.model import Model
from gesso.domain.once import Once
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.project import Project
from gesso.services.submission import Order

NAME = "wiro"
_CALLBACK_KEYS = ("callbackUrl", "callbackurl")
# The billing project of hosted accounts. A key belongs to one project here, so there is nothing to choose. Clients that carry the id of
# their hosted project over must not fail, but can see in their task's `parameters` that another project was asked for.
_PROJECT_KEY = "projectid"
_TOKEN_KEYS = ("tasktoken", "socketaccesstoken")
_SENT_MAX_BYTES = 16 * KIB
_SENT_NAME_MAX_CHARACTERS = 128
_TASK_ID_MAX_DIGITS = 18


class Form:
    """How requests for one Model are read. What follows from the Model alone is worked out once, because Run is a hot path."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._file_fields = tuple(FileField(parameter) for parameter in model.parameters if parameter.kind.is_file)
        self._value_fields = tuple((one.id, f"{one.id}[]", one) for one in model.parameters if not one.kind.is_file)
        file_names = {name for field in self._file_fields for name in field.names}
        self._value_names = frozenset(name for *names, _ in self._value_fields for name in names)
        self._known = {*_CALLBACK_KEYS, *file_names, *self._value_names}

    def order(
        self,
        project: Project,
        body: Body,
        origins: Collection[str],
        once: Once | None = None,
        author: str = "",
        is_awaited: bool = False,
    ) -> Order:
        """What the body asks for. `origins`: those whose file addresses are this server's own. Errors: FileRefused."""
        fields = body.as_mapping()
        stray = next((name for name, _ in body.files if name in self._value_names), None)
        if stray is not None:
            # A part with a filename is a file, and its words would be lost without a word.
            raise FileRefused(stray, "a value was expected, and a file was sent; a part for a value has no filename")
        given = ((field.name, field.inputs(fields, body.files, origins)) for field in self._file_fields)
        unknown = fields.keys() - self._known
        if plain_word(fields.get(_PROJECT_KEY)) in ("", str(project.id), project.uuid):
            unknown -= {_PROJECT_KEY}
        return Order(
            project=project,
            model=self._model,
            dialect=NAME,
            values={name: plain(parameter, fields.get(name, fields.get(other))) for name, other, parameter in self._value_fields},
            files={name: inputs for name, inputs in given if inputs},
            received=tuple(received for _, received in body.files),
            sent=bounded({name: value for name, value in fields.items() if name in unknown}) if unknown else {},
            once=once,
            callback_url=next((url for key in _CALLBACK_KEYS if (url := callback(fields.get(key)))), ""),
            author=author,
            is_awaited=is_awaited,
        )


def plain(parameter: Parameter, value: Any) -> Any:
    """The value with what forms do to it undone: lists as JSON text, and a field that is repeated with blanks or with itself."""
    if parameter.kind is Kind.MULTISELECT:
        return _unpacked(value)
    if isinstance(value, bool) and parameter.kind is not Kind.CHECKBOX and not parameter.kind.is_numeric:
        # Options are texts on this wire, and "true" is one that clients spell as JSON does.
        return "true" if value else "false"
    if not isinstance(value, list):
        return value
    if parameter.kind is Kind.CHECKBOX and value:
        # A page puts a hidden "false" before its checkbox.
        return value[-1]
    distinct = list(dict.fromkeys(one for one in value if isinstance(one, str) and one.strip()))
    return distinct[0] if len(distinct) == 1 else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str) or not value.strip().startswith("["):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def bounded(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that the Model does not know, kept for the task's record as long as they are small together."""
    kept: dict[str, Any] = {}
    left = _SENT_MAX_BYTES
    for name, value in sent.items():
        size = len(name) + len(orjson.dumps(value))
        if len(name) <= _SENT_NAME_MAX_CHARACTERS and size <= left:
            kept[name] = value
            left -= size
    return kept


def callback(value: Any) -> str:
    """The address to tell of the end, or nothing. A published sample sends a description in its place, so it is ignored, not refused."""
    url = value.strip() if isinstance(value, str) else ""
    return url if is_callback(url) else ""


def task_reference(fields: Mapping[str, Any]) -> tuple[int | None, str]:
    """The task that a call names, as an id and a token, where the token is empty or the better of the two.

    The keys are aliases: all digits are an id and anything else is a token, because no token is all digits.
    """
    words = [word for key in (*_TOKEN_KEYS, "taskid") if (word := plain_word(fields.get(key)))]
    token = next((word for word in words if not _is_id(word)), "")
    number = next((word for word in words if _is_id(word)), None)
    return (None if number is None else int(number)), token


def event_number(given: Any) -> int:
    """The number of the last event that a listener knows; 0 where it sends none. Errors: ParameterNotAllowed."""
    if given is None:
        return 0
    text = plain_word(given)
    if not _is_id(text):
        raise ParameterNotAllowed("since", "the number of an event was expected")
    return int(text)


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _TASK_ID_MAX_DIGITS


def model_reference(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Owner and slug that a call names in its fields."""
    return slug(plain_word(fields.get("slugowner"))), slug(plain_word(fields.get("slugproject")))


def slug(given: str) -> str:
    """A slug as the catalog knows it: addresses of pages write `++` for its dots."""
    return given.replace("++", ".").strip()


def is_summary(fields: Mapping[str, Any]) -> bool:
    return plain_word(fields.get("summary")).lower() in ("true", "1")


def plain_word(value: Any) -> str:
    """A text or a whole number as text; anything else counts as not sent. Some languages write their whole numbers as 7.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "true" if value is True else ""
    return str(value).strip()
