"""What a sample sends: the reader's values where there are some, else the Model's own, files by their names or their addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from gesso.domain.errors import GessoError
from gesso.domain.model import Model
from gesso.domain.parameter import Kind, Parameter, Role
from gesso.web.samples.literals import clean_text

Values = Mapping[str, Any]

CALLBACK = "callbackUrl"
_TEXT_MAX_CHARACTERS = 10_000
_FILES_MAX_COUNT = 32
_EXTENSIONS = {"image/": "png", "audio/": "mp3", "video/": "mp4", "text/": "txt", "application/pdf": "pdf"}
_NAMES = {Role.PICTURE: "photo", Role.MASK: "mask"}
_ELSEWHERE = "https://example.com"


@dataclass(frozen=True, slots=True)
class Inputs:
    """`stored`: all values, with addresses for files, as a task keeps them. `body`: what is sent of them as JSON, which is all but what
    only experts change and the reader did not. `texts` and `uploads`: the same for a form, where a file is the name of one on the
    reader's disk, or an address if that is what the reader has."""

    stored: Mapping[str, Any]
    body: Mapping[str, Any]
    texts: tuple[tuple[str, Any], ...]
    uploads: tuple[tuple[str, str], ...]

    @property
    def upload(self) -> str:
        """The file to show an upload with."""
        return self.uploads[0][1] if self.uploads else "photo.png"


def inputs_of(model: Model, values: Values) -> Inputs:
    """`values`: by parameter, as texts or as JSON; unknown names are left out, and so is what the Model does not need."""
    stored: dict[str, Any] = {}
    body: dict[str, Any] = {}
    texts: list[tuple[str, Any]] = []
    uploads: list[tuple[str, str]] = []
    for parameter in model.parameters:
        if not parameter.kind.is_file:
            value = _value(parameter, values, model)
            if value is not None:
                stored[parameter.id] = value
            if value is not None and not (parameter.advanced and value == parameter.default):
                body[parameter.id] = value
                texts.append((parameter.id, value))
            continue
        names = list(_files(parameter, values))[: _FILES_MAX_COUNT if parameter.kind is Kind.FILES else 1]
        if names:
            addresses = [name if is_address(name) else f"{_ELSEWHERE}/{_file_name(name)}" for name in names]
            stored[parameter.id] = body[parameter.id] = addresses if parameter.kind is Kind.FILES else addresses[0]
            if linked := [name for name in names if is_address(name)]:
                texts.append((parameter.id, linked if parameter.kind is Kind.FILES else linked[0]))
            uploads += [(parameter.id, name) for name in names if not is_address(name)]
    callback = values.get(CALLBACK)
    if isinstance(callback, str) and is_address(callback):
        body[CALLBACK] = _text(callback)
        texts.append((CALLBACK, _text(callback)))
    return Inputs(stored, body, tuple(texts), tuple(uploads))


def is_address(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _value(parameter: Parameter, values: Values, model: Model) -> Any:
    """The value in the type of its parameter. One that the Model would refuse is shown as it stands: the server says what is wrong."""
    given = _bounded(values.get(parameter.id))
    try:
        value = parameter.coerce(given)
    except GessoError:
        value = given if given not in (None, "") else _example(parameter, model)
    if isinstance(value, str):
        return _text(value) if value or parameter.required else None
    return str(value) if parameter.kind is Kind.SEED and value is not None else value


def _bounded(given: Any) -> Any:
    if isinstance(given, str):
        return _text(given)
    if isinstance(given, list | tuple):
        return [_text(str(one)) for one in given[:_FILES_MAX_COUNT]]
    return given if given is None or isinstance(given, bool | int | float) else _text(str(given))


def _example(parameter: Parameter, model: Model) -> Any:
    """For what is needed, has no default and was not given."""
    inspired = next((inspire[parameter.id] for inspire in model.inspires if inspire.get(parameter.id)), "")
    if inspired or parameter.placeholder:
        return inspired or parameter.placeholder
    if parameter.options:
        return parameter.options[0].value
    return 1 if parameter.minimum is None and parameter.kind.is_numeric else parameter.minimum or "..."


def _files(parameter: Parameter, values: Values) -> Iterator[str]:
    """Names or addresses of the files, of a form's field for the file or of its field for the address."""
    found = False
    for key in (parameter.id, f"{parameter.id}Url"):
        given = values.get(key)
        for one in given if isinstance(given, list | tuple) else (given,):
            if isinstance(one, str) and one.strip():
                found = True
                yield _text(one.strip())
    if not found and parameter.required:
        kind = next((extension for accepted, extension in _EXTENSIONS.items() if accepted in parameter.accepts), "bin")
        yield f"{_NAMES.get(parameter.role, parameter.id)}.{kind}"


def _file_name(path: str) -> str:
    """The last part of a path, as it may stand in an address."""
    name = PurePosixPath(urlsplit(path.replace("\\", "/")).path).name if path.isascii() else ""
    return name if name and all(each.isalnum() or each in "._-" for each in name) else "file"


def _text(text: str) -> str:
    return clean_text(text[:_TEXT_MAX_CHARACTERS])
