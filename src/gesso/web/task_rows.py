"""A Task as a row of a list: what it is called, how it stands, how long it took; and rows under the days that they belong to."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gesso.domain.event import FileInput
from gesso.domain.file import type_of_name
from gesso.domain.model import Model
from gesso.domain.parameter import Kind, Role
from gesso.domain.task import Task, TaskState
from gesso.services.catalog import Catalog
from gesso.services.thumbnails import has_thumbnail
from gesso.services.waiting import Place

ZONE_COOKIE = "gesso_zone"
_ZONE_MAX_MINUTES = 14 * 60
_TITLE_MAX_CHARACTERS = 160
_NOTE_MAX_CHARACTERS = 120
_MINUTE_US = 60_000_000
_WORDS = {
    TaskState.ACCEPTED: "Getting ready",
    TaskState.PREPROCESSING: "Reading inputs",
    TaskState.PREPROCESSED: "Getting ready",
    TaskState.ASSIGNED: "Starting",
    TaskState.RUNNING: "Running",
    TaskState.ENDED: "Saving",
    TaskState.POSTPROCESSING: "Saving",
    TaskState.SUCCEEDED: "Done",
    TaskState.FAILED: "Failed",
    TaskState.CANCELLED: "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Row:
    """`by`: how it was ordered. `kind` and `icon`: those of its pill. `picture`: the access key of what is shown small. `took_us`: until
    now for one under way. `cost`: None while it is not known."""

    task: Task
    title: str
    model: str
    by: str
    kind: str
    icon: str
    word: str
    note: str
    picture: str
    took_us: int
    cost: Decimal | None
    can_rerun: bool

    @property
    def is_open(self) -> bool:
        return not self.task.state.is_terminal

    @property
    def is_waiting(self) -> bool:
        return self.task.state is TaskState.QUEUED


@dataclass(frozen=True, slots=True)
class Day:
    """`key`: the date. `is_whole`: whether all that was found on that day is in `rows`."""

    key: str
    title: str
    rows: tuple[Row, ...]
    is_whole: bool


class Rows:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def row(self, task: Task, now: int, places: Mapping[int, Place], people: Mapping[str, str]) -> Row:
        """`people`: what is said of Users who order Tasks, by their uuids."""
        model = self._catalog.named(task.model)
        kind, icon = _look(task)
        word, note = _words(task, places.get(task.id))
        return Row(
            task=task,
            title=title(task, model),
            model=task.model.partition("/")[2],
            by=people.get(task.author, "by a former member") if task.author else "by API key",
            kind=kind,
            icon=icon,
            word=word,
            note=note,
            picture=_picture(task, model),
            took_us=max(0, (ended_at(task) or now) - task.created_at),
            cost=task.cost if task.state.is_terminal else None,
            can_rerun=model is not None,
        )


def days(rows: Iterable[Row], now: int, zone_minutes: int, is_end: bool) -> list[Day]:
    """Rows, which are newest first, under their days."""
    found: dict[datetime.date, list[Row]] = {}
    for row in rows:
        found.setdefault(_date(row.task.created_at, zone_minutes), []).append(row)
    today, last = _date(now, zone_minutes), list(found)[-1:]
    return [Day(day.isoformat(), _title(day, today), tuple(within), is_end or day not in last) for day, within in found.items()]


def zone(cookie: str) -> int:
    """Minutes that the visitor's clock is ahead of UTC, as the browser said; 0 when it said nothing that can be."""
    text = cookie.removeprefix("-")
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        return 0
    minutes = int(cookie)
    return minutes if abs(minutes) <= _ZONE_MAX_MINUTES else 0


def title(task: Task, model: Model | None) -> str:
    """What people call it: its prompt, or what comes nearest to one."""
    texts = [parameter.id for parameter in model.parameters if parameter.kind in (Kind.TEXT, Kind.TEXTAREA)] if model else []
    for name in ("prompt", *texts):
        value = task.values.get(name)
        if isinstance(value, str) and value.strip():
            return _cut(" ".join(value.split()), _TITLE_MAX_CHARACTERS)
    return model.title if model else task.model


def picture_input(task: Task, model: Model | None) -> FileInput | None:
    """The picture that it was given, where it was given one."""
    roles = {parameter.id: parameter.role for parameter in model.parameters} if model else {}
    names = sorted(task.files, key=lambda name: roles.get(name) is not Role.PICTURE)
    files = (given for name in names if roles.get(name) is not Role.MASK for given in task.files[name])
    return next((given for given in files if given.access_key and is_picture(given)), None)


def is_picture(given: FileInput) -> bool:
    """Whether the input can be shown. One that was named by its address on this server has no type but that of its name."""
    return has_thumbnail(given.content_type or type_of_name(given.name))


def ended_at(task: Task) -> int:
    return task.cancelled_at or task.postprocess_ended_at if task.state.is_terminal else 0


def _look(task: Task) -> tuple[str, str]:
    if task.state is TaskState.QUEUED:
        return "waiting", "clock"
    if not task.state.is_terminal:
        return "running", "bolt"
    return {TaskState.SUCCEEDED: ("ok", "check"), TaskState.FAILED: ("failed", "warning")}.get(task.state, ("", "close"))


def _words(task: Task, place: Place | None) -> tuple[str, str]:
    if task.state is TaskState.QUEUED:
        return _waiting(place, task)
    if task.state is TaskState.FAILED:
        return "Failed", _cut(next(iter(task.error.splitlines()), ""), _NOTE_MAX_CHARACTERS)
    if task.state is TaskState.CANCELLED:
        return "Cancelled", "while it ran" if task.started_at else "before it ran"
    if task.state is TaskState.SUCCEEDED and task.files_deleted_at:
        return "Done", "files deleted"
    return _WORDS[task.state], ""


def _waiting(place: Place | None, task: Task) -> tuple[str, str]:
    if place is None:
        return "Waiting", "tried again" if task.losses else ""
    word = "Waiting, next" if place.number == 1 else f"Waiting, {_ordinal(place.number)}"
    return word, "" if place.starts_in_s is None else f"starts in about {_about(place.starts_in_s)}"


def _about(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _picture(task: Task, model: Model | None) -> str:
    made = next((file.access_key for file in task.outputs if has_thumbnail(file.content_type)), "")
    if made or task.state.is_terminal:
        return made
    given = picture_input(task, model)
    return given.access_key if given is not None else ""


def _date(at_us: int, zone_minutes: int) -> datetime.date:
    return datetime.datetime.fromtimestamp((at_us + zone_minutes * _MINUTE_US) / 1_000_000, datetime.UTC).date()


def _title(day: datetime.date, today: datetime.date) -> str:
    if day == today:
        return "Today"
    if day == today - datetime.timedelta(days=1):
        return "Yesterday"
    return f"{day:%A}, {day.day} {day:%B}" + (f" {day.year}" if day.year != today.year else "")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def open_first(tasks: Sequence[Task]) -> list[Task]:
    """Those that run before those that wait, each in the order in which they came."""
    return sorted(tasks, key=lambda task: (task.state is TaskState.QUEUED, task.id))
