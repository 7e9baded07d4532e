"""Looking through a Project's ended Tasks along an index, some at a time, and never further than a page may take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from gesso.domain.task import Task, TaskState
from gesso.domain.task_search import TaskFinds, TaskSearch
from gesso.store.database import Database
from gesso.store.schema import IS_OPEN, IS_UNSUCCESSFUL, tasks
from gesso.store.tasks import task_of

_STEP_MAX_COUNT, _STEP_GROWTH = 1_000, 4
# A machine that is busy is slow, and gives a useful page all the same.
_TIMED_FROM_COUNT = 500
# Rows beyond those that are wanted: a text may stand where it is not meant.
_SPARE_COUNT = 20
# The values stand first in a Task's document, and its logs, which may be long, last.
_VALUES_MAX_CHARACTERS = 16_384
_UNSUCCESSFUL = (TaskState.FAILED, TaskState.CANCELLED)


@dataclass(slots=True)
class _Look:
    """How far a look has come."""

    before: int
    found: list[Task] = field(default_factory=list)
    looked: int = 0
    is_end: bool = False


class SqlTaskSearch:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, wanted: TaskSearch, limit: int, max_looked: int, max_s: float) -> TaskFinds:
        """At most `limit` Tasks. Where most are passed over, it ends after `max_looked` of them or `max_s` seconds. Errors: Unavailable."""
        return await self._database.read(lambda connection: _find(connection, wanted, limit, max_looked, max_s))


def _find(connection: Connection, wanted: TaskSearch, limit: int, max_looked: int, max_s: float) -> TaskFinds:
    until = time.perf_counter() + max_s
    look = _Look(wanted.before)
    named = _named(connection, wanted)
    # Most pages are filled by the first step; where little is found, longer ones cost less.
    step = limit + 1
    while len(look.found) < limit and not look.is_end and look.looked < max_looked:
        _look(connection, wanted, look, limit, min(step, max_looked - look.looked))
        step = min(step * _STEP_GROWTH, _STEP_MAX_COUNT)
        if look.looked >= _TIMED_FROM_COUNT and time.perf_counter() >= until:
            break
    found = [*named, *(task for task in look.found if task.id not in {one.id for one in named})]
    return TaskFinds(tuple(found), look.before, look.looked, look.is_end)


def _look(connection: Connection, wanted: TaskSearch, look: _Look, limit: int, step: int) -> None:
    """Look at the next `step` Tasks along the index, or at fewer when that is enough."""
    ids = select(tasks.c.id).where(_along(wanted), *_below(look.before)).order_by(tasks.c.id.desc()).limit(step)
    numbers = connection.execute(ids).scalars().all()
    look.is_end = len(numbers) < step
    if not numbers:
        return
    # Joined, because a range of ids would be read with all that other Projects have in it.
    these = ids.subquery()
    most = limit - len(look.found) + _SPARE_COUNT
    passing = select(tasks).join(these, these.c.id == tasks.c.id).where(*_conditions(wanted)).order_by(tasks.c.id.desc()).limit(most)
    rows = connection.execute(passing).all()
    for row in rows:
        task = task_of(row)
        if wanted.means(task):
            look.found.append(task)
        if len(look.found) == limit:
            # What lies below has to be looked at again for the next page.
            _stop(look, numbers, task.id)
            return
    if len(rows) == most:
        _stop(look, numbers, rows[-1].id)
        return
    look.looked += len(numbers)
    look.before = numbers[-1]
    if wanted.since and not look.is_end:
        created_at = connection.execute(select(tasks.c.created_at).where(tasks.c.id == look.before)).scalar() or 0
        look.is_end = created_at < wanted.since


def _stop(look: _Look, numbers: Sequence[int], at: int) -> None:
    look.looked += sum(number >= at for number in numbers)
    look.before, look.is_end = at, look.is_end and at == numbers[-1]


def _along(wanted: TaskSearch) -> ColumnElement[bool]:
    """The conditions that an index serves."""
    own = tasks.c.project_id == wanted.project_id
    above = (tasks.c.id > wanted.after,) if wanted.after else ()
    if wanted.state is not None and wanted.state in _UNSUCCESSFUL:
        return and_(own, IS_UNSUCCESSFUL, tasks.c.state == wanted.state.value, *above)
    if wanted.model:
        return and_(own, tasks.c.model == wanted.model, *above)
    return and_(own, *above)


def _below(before: int) -> tuple[ColumnElement[bool], ...]:
    return (tasks.c.id < before,) if before else ()


def _conditions(wanted: TaskSearch) -> list[ColumnElement[bool]]:
    """What no index serves."""
    conditions: list[ColumnElement[bool]] = [~IS_OPEN]
    if wanted.model:
        conditions.append(tasks.c.model == wanted.model)
    if wanted.state is TaskState.SUCCEEDED:
        conditions.append(tasks.c.state == wanted.state.value)
    if wanted.since:
        conditions.append(tasks.c.created_at >= wanted.since)
    if wanted.text:
        values = func.substr(tasks.c.document, 1, _VALUES_MAX_CHARACTERS)
        conditions.append(or_(*(values.icontains(spelling, autoescape=True) for spelling in _spellings(wanted.text))))
    return conditions


def _spellings(text: str) -> Sequence[str]:
    """How the text may stand in a document. SQLite knows of the letters A to Z only that they are a to z."""
    spellings = dict.fromkeys((text, text.lower(), text.upper(), text.capitalize())) if not text.isascii() else (text,)
    return [orjson.dumps(spelling).decode()[1:-1] for spelling in spellings]


def _named(connection: Connection, wanted: TaskSearch) -> list[Task]:
    """The Task that the text names by its id or its token, however old it is; only at the beginning."""
    if not wanted.text or wanted.before or wanted.after:
        return []
    is_named = tasks.c.id == wanted.named_id if wanted.named_id else tasks.c.token == wanted.text
    row = connection.execute(select(tasks).where(is_named, tasks.c.project_id == wanted.project_id, ~IS_OPEN)).one_or_none()
    if row is None or (wanted.model and row.model != wanted.model):
        return []
    return [task_of(row)]
