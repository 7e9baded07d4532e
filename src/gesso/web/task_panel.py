"""All that is shown of one Task: its pictures, where its time went, what it was given, what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gesso.domain.event import FileInput
from gesso.domain.file import File
from gesso.domain.limits import KIB
from gesso.domain.model import Model
from gesso.domain.notice import Delivery
from gesso.domain.parameter import Kind
from gesso.domain.task import Task
from gesso.services.thumbnails import has_thumbnail
from gesso.web.task_rows import Row, is_picture, picture_input

_LOG_MAX_CHARACTERS = 64 * KIB
_BAR_WIDTH = 1_000
# What is thinner than this cannot be seen.
_SPAN_MIN_WIDTH = 12


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the Task. `url`: on this server."""

    name: str
    url: str
    access_key: str
    is_picture: bool
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the time, with its place in a bar of 1,000."""

    kind: str
    word: str
    took_us: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Line:
    """A parameter: its value as text, or its files."""

    label: str
    text: str
    files: tuple[Stored, ...] = ()
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    row: Row
    model: Model | None
    before: Stored | None
    outputs: tuple[Stored, ...]
    spans: tuple[Span, ...]
    lines: tuple[Line, ...]
    log: str
    errors: str
    curl: str
    deliveries: Sequence[Delivery]

    @property
    def task(self) -> Task:
        return self.row.task

    @property
    def after(self) -> Stored | None:
        return next((output for output in self.outputs if output.is_picture), None)

    @property
    def has_seed(self) -> bool:
        return self.model is not None and any(parameter.kind is Kind.SEED for parameter in self.model.parameters)

    @property
    def is_editable(self) -> bool:
        """Whether its inputs can be loaded into the Model's form again."""
        return self.model is not None and not self.task.files_deleted_at


def panel(row: Row, model: Model | None, curl: str, deliveries: Sequence[Delivery]) -> Panel:
    task = row.task
    given = picture_input(task, model)
    return Panel(
        row=row,
        model=model,
        before=None if given is None or task.files_deleted_at else input_file(given),
        outputs=tuple(output_file(file) for file in task.outputs),
        spans=spans(task),
        lines=tuple(lines(task, model)),
        log=task.stdout[-_LOG_MAX_CHARACTERS:],
        errors=_errors(task)[-_LOG_MAX_CHARACTERS:],
        curl=curl,
        deliveries=deliveries,
    )


def spans(task: Task) -> tuple[Span, ...]:
    """The time from the order to the end, without gaps; nothing of a Task that was never taken up."""
    if not task.accepted_at or not task.state.is_terminal:
        return ()
    end = task.cancelled_at or task.postprocess_ended_at
    marks = (
        ("queue", "Queue and assign", task.created_at, task.preprocess_started_at),
        ("read", "Read inputs", task.preprocess_started_at, task.preprocess_ended_at),
        ("queue", "", task.preprocess_ended_at, task.started_at),
        ("run", "Run", task.started_at, task.ended_at),
        ("save", "Save", task.ended_at, end),
    )
    took: dict[str, int] = {}
    for kind, _, start, stop in marks:
        if start:
            took[kind] = took.get(kind, 0) + max(0, (stop or end) - start)
        if start and not stop:
            break
    words = {kind: word for kind, word, _, _ in marks if word}
    total, x, found = max(1, sum(took.values())), 0, []
    for kind in words:
        if kind in took:
            width = max(_SPAN_MIN_WIDTH, round(took[kind] * _BAR_WIDTH / total))
            found.append(Span(kind, words[kind], took[kind], min(x, _BAR_WIDTH - _SPAN_MIN_WIDTH), width))
            x += width
    return tuple(found)


def lines(task: Task, model: Model | None) -> list[Line]:
    """Parameters in the order of the Model's form, without those that were not given."""
    declared = model.by_id if model else {}
    found: list[Line] = []
    for name in dict.fromkeys((*declared, *task.values, *task.files)):
        parameter = declared.get(name)
        label = parameter.label if parameter and parameter.label else name
        if task.files.get(name):
            files = () if task.files_deleted_at else tuple(input_file(given) for given in task.files[name])
            found.append(Line(label, ", ".join(given.name for given in task.files[name]), files))
        elif task.values.get(name) not in (None, ""):
            value = task.values[name]
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            found.append(Line(label, _text(value), is_number=is_number))
    return found


def input_file(given: FileInput) -> Stored:
    url = file_path(given.access_key, given.name) if given.access_key else given.url
    return Stored(given.name, url, given.access_key, bool(given.access_key) and is_picture(given))


def output_file(file: File) -> Stored:
    return Stored(file.name, file_path(file.access_key, file.name), file.access_key, has_thumbnail(file.content_type), file.size_bytes)


def file_path(access_key: str, name: str) -> str:
    """Where a stored file is on this server."""
    return f"/v1/File/{access_key}/{quote(name)}"


def _errors(task: Task) -> str:
    lost = [f"Attempt {number} was lost: {reason.rstrip('.')}; tried again." for number, reason in enumerate(task.losses, 1)]
    return "\n".join([*lost, task.stderr] if task.stderr else lost)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
