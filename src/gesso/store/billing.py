"""Balances, the ledger and the counters of use: what is written with the end of a Task, and what is read of it.

A balance is changed by adding, in the transaction that writes the entries, and the entries' balances are reckoned back from what it came
to: so they chain, whoever else writes to the same Project at the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from gesso.domain.errors import ParameterNotAllowed, ProjectUnknown
from gesso.domain.event import Cancelled, Failed, Queued, Succeeded
from gesso.domain.ledger import Account, Entry, EntryKind, Statistics, UsageDay, day_of
from gesso.domain.limits import BALANCE_MAX_UNITS
from gesso.domain.price import from_pico, to_pico
from gesso.ports import Clock, TaskChange
from gesso.store.database import Database
from gesso.store.prepared import Prepared
from gesso.store.schema import IS_OPEN, balances, entries, projects, tasks, usage_days, usage_totals

_COUNTERS = ("submitted", "succeeded", "failed", "cancelled", "billed_us", "amount_pico")
_COUNTED = {Queued: 0, Succeeded: 1, Failed: 2, Cancelled: 3}
_BILLED, _AMOUNT, _LAST = 4, 5, 6


def _upsert(table: str, *key: str) -> Prepared:
    """Add to the counters of a row, or begin it. Understood by SQLite from 3.24 and by PostgreSQL."""
    names = (*key, *_COUNTERS, "last_at")
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _COUNTERS)
    latest = f"last_at = CASE WHEN excluded.last_at > {table}.last_at THEN excluded.last_at ELSE {table}.last_at END"
    places = ", ".join(f":{name}" for name in names)
    # Put together from the constants above.
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}, {latest}"
    )
    return Prepared(text(statement))


_ADD_TO_DAY = _upsert("usage_days", "project_id", "day", "model")
_ADD_TO_TOTAL = _upsert("usage_totals", "project_id", "model")
_ADD_TO_BALANCE = Prepared(
    text(
        "INSERT INTO balances (project_id, balance_pico) VALUES (:project_id, :amount_pico) "
        "ON CONFLICT (project_id) DO UPDATE SET balance_pico = balances.balance_pico + excluded.balance_pico"
    )
)
_SET_BUDGET = text(
    "INSERT INTO balances (project_id, budget_pico) VALUES (:project_id, :budget_pico) "
    "ON CONFLICT (project_id) DO UPDATE SET budget_pico = excluded.budget_pico"
)
_INSERT_ENTRY = Prepared(
    insert(entries).inline(), "project_id", "task_id", "kind", "amount_pico", "balance_pico", "cost_pico", "at", "note"
)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry that is to be written. `amount_pico` is signed."""

    project_id: int
    kind: EntryKind
    amount_pico: int
    at: int
    task_id: int | None = None
    cost_pico: int = 0
    note: str = ""


def enter(connection: Connection, lines: Sequence[Line]) -> dict[int, int]:
    """Write entries in their order and move the balances by them; the balance of each Project then, in 10^-12 units."""
    moved: dict[int, int] = defaultdict(int)
    for line in lines:
        moved[line.project_id] += line.amount_pico
    # In one order for all writers, so that two of them never wait for each other.
    _ADD_TO_BALANCE.execute(connection, [{"project_id": each, "amount_pico": moved[each]} for each in sorted(moved)])
    statement = select(balances.c.project_id, balances.c.balance_pico).where(balances.c.project_id.in_(list(moved)))
    after = {row.project_id: row.balance_pico for row in connection.execute(statement)}
    running = {project_id: after[project_id] - moved[project_id] for project_id in moved}
    rows: list[dict[str, Any]] = []
    for line in lines:
        running[line.project_id] += line.amount_pico
        row = {name: getattr(line, name) for name in ("project_id", "task_id", "amount_pico", "cost_pico", "at", "note")}
        rows.append({**row, "kind": line.kind.value, "balance_pico": running[line.project_id]})
    _INSERT_ENTRY.execute(connection, rows)
    return after


def open_account(connection: Connection, project_id: int, opening_credit: Decimal, at: int) -> None:
    """Give a new Project what it begins with."""
    if opening_credit > 0:
        enter(connection, [Line(project_id, EntryKind.CREDIT, to_pico(opening_credit), at, note="Opening credit")])


def write_charges(connection: Connection, changes: Sequence[TaskChange]) -> None:
    """The entries of the Tasks that were charged with these changes."""
    lines = [
        Line(
            change.task.project_id,
            EntryKind.CHARGE,
            -to_pico(change.charge),
            change.events[-1].at,
            change.task.id,
            to_pico(change.task.cost),
        )
        for change in changes
        if change.charge is not None
    ]
    if lines:
        enter(connection, lines)


def count_usage(connection: Connection, changes: Sequence[TaskChange]) -> None:
    """Count what was submitted and what ended, with one row for each Project, Model and day of a commit."""
    days: dict[tuple[int, int, str], list[int]] = {}
    for change in changes:
        for recorded in change.events:
            place = _COUNTED.get(type(recorded.event))
            if place is None:
                continue
            task = change.task
            counts = days.setdefault((task.project_id, day_of(recorded.at), task.model), [0] * 7)
            counts[place] += 1
            if place:
                counts[_LAST] = max(counts[_LAST], recorded.at)
            if place == _COUNTED[Succeeded]:
                counts[_BILLED] += task.billed_us
                counts[_AMOUNT] += to_pico(task.cost)
    if not days:
        return
    rows: list[dict[str, Any]] = []
    for (project_id, day, model), counts in sorted(days.items()):
        counted = dict(zip((*_COUNTERS, "last_at"), counts, strict=True))
        rows.append({"project_id": project_id, "day": day, "model": model, **counted})
    _ADD_TO_DAY.execute(connection, rows)
    _ADD_TO_TOTAL.execute(connection, rows)


def _statistics(row: Any) -> Statistics:
    # PostgreSQL sums whole numbers to a decimal.
    return Statistics(
        submitted=int(row.submitted),
        succeeded=int(row.succeeded),
        failed=int(row.failed),
        cancelled=int(row.cancelled),
        billed_us=int(row.billed_us),
        amount=from_pico(int(row.amount_pico)),
        last_at=int(row.last_at),
    )


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        project_id=row.project_id,
        task_id=row.task_id or 0,
        kind=EntryKind(row.kind),
        amount=from_pico(row.amount_pico),
        balance=from_pico(row.balance_pico),
        cost=from_pico(row.cost_pico),
        at=row.at,
        note=row.note,
    )


def _month_began(now: int) -> int:
    """The first day of the calendar month of `now`, UTC."""
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    return day_of(now) - moment.day + 1


class SqlBilling:
    """The BillingStore on SQLAlchemy Core."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find_project(self, reference: str) -> tuple[int, str]:
        """Number and name of the Project that has this number, or else this name alone. Errors: ProjectUnknown."""
        is_live = projects.c.deleted_at == 0
        named = select(projects.c.id, projects.c.name).where(is_live, projects.c.name == reference).limit(2)
        numbered = select(projects.c.id, projects.c.name).where(is_live, projects.c.id == _number(reference))

        def read(connection: Connection) -> tuple[int, str]:
            rows = connection.execute(numbered).all() or connection.execute(named).all()
            if len(rows) != 1:
                raise ProjectUnknown
            return rows[0].id, rows[0].name

        return await self._database.read(read)

    async def account(self, project_id: int) -> Account:
        since = _month_began(self._clock.now())

        def read(connection: Connection) -> Account:
            row = connection.execute(select(balances).where(balances.c.project_id == project_id)).one_or_none()
            if row is None:
                return Account()
            spent = select(func.sum(usage_days.c.amount_pico)).where(usage_days.c.project_id == project_id, usage_days.c.day >= since)
            spent_pico = 0 if row.budget_pico is None else connection.execute(spent).scalar()
            budget = None if row.budget_pico is None else from_pico(row.budget_pico)
            return Account(from_pico(row.balance_pico), budget, from_pico(int(spent_pico or 0)))

        return await self._database.read(read)

    async def enter(self, project_id: int, kind: EntryKind, amount: Decimal, note: str) -> Entry:
        """Errors: ProjectUnknown, ParameterNotAllowed when the balance would be one that the books cannot hold, Unavailable."""
        now = self._clock.now()

        def write(connection: Connection) -> Entry:
            _check_project(connection, project_id)
            after = enter(connection, [Line(project_id, kind, to_pico(amount), now, note=note)])[project_id]
            if abs(after) > to_pico(Decimal(BALANCE_MAX_UNITS)):
                raise ParameterNotAllowed("amount", f"a balance is not over {BALANCE_MAX_UNITS}")
            newest = select(entries).where(entries.c.project_id == project_id).order_by(entries.c.id.desc()).limit(1)
            return _entry(connection.execute(newest).one())

        return await self._database.call(write)

    async def set_budget(self, project_id: int, budget: Decimal | None) -> None:
        """Errors: ProjectUnknown, Unavailable."""
        values = {"project_id": project_id, "budget_pico": None if budget is None else to_pico(budget)}

        def write(connection: Connection) -> None:
            _check_project(connection, project_id)
            connection.execute(_SET_BUDGET, values)

        await self._database.call(write)

    async def entries(self, project_id: int, before_id: int | None, limit: int) -> list[Entry]:
        """The latest entries, newest first, from before `before_id`."""
        statement = select(entries).where(entries.c.project_id == project_id).order_by(entries.c.id.desc()).limit(limit)
        if before_id is not None:
            statement = statement.where(entries.c.id < before_id)
        return await self._database.read(lambda connection: [_entry(row) for row in connection.execute(statement)])

    async def usage(self, project_id: int | None, model: str | None, first_day: int, last_day: int) -> list[UsageDay]:
        """In the order of days, Projects and Models."""
        columns = usage_days.c
        statement = select(usage_days).where(columns.day >= first_day, columns.day <= last_day)
        if project_id is not None:
            statement = statement.where(columns.project_id == project_id)
        if model is not None:
            statement = statement.where(columns.model == model)
        statement = statement.order_by(columns.day, columns.project_id, columns.model)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [UsageDay(row.project_id, row.model, row.day, _statistics(row)) for row in rows]

    async def totals(self, project_id: int | None = None) -> dict[str, Statistics]:
        """By Model, of one Project or of all."""
        columns = usage_totals.c
        sums = [func.sum(columns[name]).label(name) for name in _COUNTERS]
        statement = select(columns.model, *sums, func.max(columns.last_at).label("last_at")).group_by(columns.model)
        if project_id is not None:
            statement = statement.where(columns.project_id == project_id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return {row.model: _statistics(row) for row in rows}

    async def active(self) -> list[tuple[int, int]]:
        """Project and Task of all Tasks that have not ended."""
        open_tasks = select(tasks.c.project_id, tasks.c.id).where(IS_OPEN)
        return await self._database.read(lambda connection: [(row.project_id, row.id) for row in connection.execute(open_tasks)])


def _number(text: str) -> int:
    """A Project's number as people write it; 0, which no Project has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _check_project(connection: Connection, project_id: int) -> None:
    if connection.execute(select(projects.c.id).where(projects.c.id == project_id)).first() is None:
        raise ProjectUnknown
