"""Tasks, their Events, Files, Charges and notices: rows to domain values and back, and the one statement group that writes them."""

from __future__ import annotations

import itertools
from asyncio import Future
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gesso.domain import event as events_module
from gesso.domain.errors import StaleAttempt
from gesso.domain.event import Ended, Event, FileInput, PreprocessEnded, Recorded
from gesso.domain.file import File
from gesso.domain.notice import host_of
from gesso.domain.once import Once
from gesso.domain.price import from_pico, to_pico
from gesso.domain.task import STEPS, Task, TaskState
from gesso.ports import QueueEntry, TaskChange
from gesso.store.billing import count_usage, write_charges
from gesso.store.carried import write_carried
from gesso.store.database import Database
from gesso.store.once import find_once_key, write_once_keys
from gesso.store.prepared import Prepared
from gesso.store.provenance import write_provenances
from gesso.store.schema import HAS_OLD_FILES, IS_OPEN, events, file_uses, files, notices, tasks

_COLUMNS = ("id", "token", "project_id", "model", "dialect", "state", "seq", "attempt", "created_at")
_DOCUMENT = tuple(f.name for f in fields(Task) if f.name not in (*_COLUMNS, "cost"))
_EVENT_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in STEPS}
_EVENT_KINDS = {kind.__name__: getattr(events_module, kind.__name__) for kind in STEPS}


_INSERT_TASK = Prepared(insert(tasks))
_INSERT_EVENT = Prepared(insert(events))
_INSERT_FILE = Prepared(insert(files))
_INSERT_USE = Prepared(insert(file_uses))
_INSERT_NOTICE = Prepared(insert(notices), "task_id", "project_id", "url", "host", "due_at")
_UPDATE_TASK = Prepared(
    update(tasks)
    .where(tasks.c.id == bindparam("b_id"), tasks.c.seq == bindparam("b_seq"))
    .values({name: bindparam(name) for name in ("state", "is_open", "seq", "attempt", "cost_pico", "files_kept_since", "document")})
)


def _task_document(task: Task) -> str:
    known = vars(task)
    return orjson.dumps({name: known[name] for name in _DOCUMENT}).decode()


def row_of(task: Task) -> dict[str, Any]:
    known = vars(task)
    row = {name: known[name] for name in _COLUMNS}
    row["state"] = task.state.value
    row["is_open"] = int(not task.state.is_terminal)
    row["cost_pico"] = to_pico(task.cost)
    row["files_kept_since"] = task.files_kept_since
    row["document"] = _task_document(task)
    return row


def task_of(row: Any) -> Task:
    document = orjson.loads(row.document)
    document["files"] = _file_inputs(document["files"])
    document["outputs"] = tuple(File(**output) for output in document["outputs"])
    document["losses"] = tuple(document["losses"])
    known = {name: getattr(row, name) for name in _COLUMNS}
    known["state"] = TaskState(row.state)
    return Task(**known, **document, cost=from_pico(row.cost_pico))


def _file_inputs(document: dict[str, list[dict[str, str]]]) -> dict[str, tuple[FileInput, ...]]:
    return {name: tuple(FileInput(**given) for given in value) for name, value in document.items()}


def _event_row(task_id: int, recorded: Recorded) -> dict[str, Any]:
    kind = type(recorded.event)
    document = "{}"
    if names := _EVENT_FIELDS[kind]:
        body: dict[str, Any] = {name: getattr(recorded.event, name) for name in names}
        if kind is Ended:
            # The log is on the Task already, and can be long.
            body.update(stdout="", stderr="", cost=to_pico(body["cost"]))
        document = orjson.dumps(body).decode()
    return {"task_id": task_id, "seq": recorded.seq, "kind": kind.__name__, "at": recorded.at, "document": document}


def _event_of(row: Any, task: Task) -> Recorded:
    body = orjson.loads(row.document)
    kind = _EVENT_KINDS[row.kind]
    if kind is Ended:
        outputs = tuple(File(**output) for output in body["outputs"])
        body.update(stdout=task.stdout, stderr=task.stderr, cost=from_pico(body["cost"]), outputs=outputs)
    elif kind is PreprocessEnded and body["files"] is not None:
        body["files"] = _file_inputs(body["files"])
    event: Event = kind(**body)
    return Recorded(row.seq, row.at, event)


def write_changes(connection: Connection, changes: Sequence[TaskChange]) -> None:
    """Write a group of changes with one statement a table. Errors: StaleAttempt when a Task was not at its expected Event."""
    first: dict[int, int] = {}
    last: dict[int, Task] = {}
    for change in changes:
        first.setdefault(change.task.id, change.expected_seq)
        last[change.task.id] = change.task
    inserts = [row_of(task) for task_id, task in last.items() if first[task_id] == 0]
    updates = [{**row_of(task), "b_id": task_id, "b_seq": first[task_id]} for task_id, task in last.items() if first[task_id] > 0]
    if inserts:
        _INSERT_TASK.execute(connection, inserts)
    if updates and _UPDATE_TASK.execute(connection, updates) != len(updates):
        stale = changes[0].task
        raise StaleAttempt(stale.id, stale.attempt)
    _INSERT_EVENT.execute(connection, [_event_row(change.task.id, recorded) for change in changes for recorded in change.events])
    _write_belongings(connection, changes)


def _write_belongings(connection: Connection, changes: Sequence[TaskChange]) -> None:
    stored = [file_row(file, change.task.id) for change in changes for file in change.files]
    if stored:
        _INSERT_FILE.execute(connection, stored)
    used = [{"access_key": key, "task_id": change.task.id} for change in changes for key in _borrowed(change)]
    if used:
        _INSERT_USE.execute(connection, used)
    write_charges(connection, changes)
    write_once_keys(connection, changes)
    write_provenances(connection, changes)
    write_carried(connection, changes)
    count_usage(connection, changes)
    told = [
        {
            "task_id": change.task.id,
            "project_id": change.task.project_id,
            "url": change.notify_url,
            "host": host_of(change.notify_url),
            "due_at": change.events[-1].at,
        }
        for change in changes
        if change.notify_url
    ]
    if told:
        _INSERT_NOTICE.execute(connection, told)


def _borrowed(change: TaskChange) -> set[str]:
    """The inputs of a new Task that were stored before it."""
    if change.expected_seq or not change.task.files:
        return set()
    given = {one.access_key for inputs in change.task.files.values() for one in inputs if one.access_key}
    return given - {file.access_key for file in change.files}


def file_row(file: File, task_id: int = 0) -> dict[str, Any]:
    """`task_id`: of the Task that the File goes with; 0 for an upload."""
    return {
        "access_key": file.access_key,
        "project_id": file.project_id,
        "name": file.name,
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "created_at": file.created_at,
        "task_id": task_id,
    }


def file_of(row: Any) -> File:
    return File(row.access_key, row.project_id, row.name, row.content_type, row.size_bytes, row.sha256, row.created_at)


def release(connection: Connection, task: Task, outputs: Sequence[str], inputs: Sequence[str]) -> list[str]:
    """Drop the rows of the Files that go with the Task; their access keys."""
    mine = select(files.c.access_key).where(files.c.access_key.in_({*outputs, *inputs}), files.c.task_id == task.id)
    gone = set(connection.execute(mine).scalars())
    uses = file_uses.c.access_key.in_(inputs)
    connection.execute(delete(file_uses).where(uses, file_uses.c.task_id == task.id))
    # A stranger who was given the address of an input does not keep it.
    heirs = (
        select(file_uses.c.access_key, func.min(file_uses.c.task_id))
        .join(tasks, tasks.c.id == file_uses.c.task_id)
        .where(uses, tasks.c.project_id == task.project_id)
        .group_by(file_uses.c.access_key)
    )
    for access_key, heir in connection.execute(heirs).all():
        if access_key in gone:
            gone.discard(access_key)
            connection.execute(update(files).where(files.c.access_key == access_key).values(task_id=heir))
            connection.execute(delete(file_uses).where(file_uses.c.access_key == access_key, file_uses.c.task_id == heir))
    connection.execute(delete(files).where(files.c.access_key.in_(gone)))
    return sorted(gone)


class SqlTasks:
    """The TaskStore on SQLAlchemy Core."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.engine.connect().execution_options(is_reader=True) as connection:
            highest = connection.execute(select(func.max(tasks.c.id))).scalar() or 0
        # One server owns the database, so ids can be given before they are written.
        self._ids = itertools.count(highest + 1)

    def next_id(self) -> int:
        return next(self._ids)

    def write(self, change: TaskChange) -> Future[None]:
        return self._database.put(change)

    async def delete_files(self, change: TaskChange, outputs: Sequence[str], inputs: Sequence[str]) -> list[str]:
        def carry_out(connection: Connection) -> list[str]:
            write_changes(connection, [change])
            return release(connection, change.task, outputs, inputs)

        return await self._database.call(carry_out)

    async def with_old_files(self, before: int, max_count: int) -> list[int]:
        due = select(tasks.c.id).where(HAS_OLD_FILES, tasks.c.files_kept_since < before).order_by(tasks.c.files_kept_since).limit(max_count)
        return await self._database.read(lambda connection: list(connection.execute(due).scalars()))

    async def by_id(self, task_id: int) -> Task | None:
        return await self._one(select(tasks).where(tasks.c.id == task_id))

    async def by_token(self, token: str) -> Task | None:
        return await self._one(select(tasks).where(tasks.c.token == token))

    async def _one(self, statement: Any) -> Task | None:
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return task_of(row) if row is not None else None

    async def by_once_key(self, project_id: int, key: str, now: int) -> tuple[Once, int] | None:
        return await self._database.read(lambda connection: find_once_key(connection, project_id, key, now))

    async def events(self, task_id: int) -> list[Recorded]:
        def read(connection: Connection) -> tuple[Any, Sequence[Any]]:
            # The Task last: where the two do not see one moment, it must not be older than its Events, which leave the log to it.
            rows = connection.execute(select(events).where(events.c.task_id == task_id).order_by(events.c.seq)).all()
            return connection.execute(select(tasks).where(tasks.c.id == task_id)).one_or_none(), rows

        row, rows = await self._database.read(read)
        if row is None:
            return []
        task = task_of(row)
        return [_event_of(each, task) for each in rows]

    async def unfinished(self) -> list[QueueEntry]:
        # Sorted here: asked for in the order of ids, SQLite would read the whole history along them.
        statement = select(tasks.c.id, tasks.c.project_id, tasks.c.model, tasks.c.state).where(IS_OPEN)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [QueueEntry(row.id, row.project_id, row.model, TaskState(row.state).is_attempted) for row in sorted(rows)]
