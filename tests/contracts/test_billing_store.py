"""What every BillingStore promises, on the real one and on its double: entries chain, counters count, and both agree on any course."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from gesso.config import Settings
from gesso.domain.errors import ParameterNotAllowed, ProjectUnknown
from gesso.domain.event import Event, Failed, FilesDeleted, Queued, Recorded
from gesso.domain.ledger import EntryKind, Statistics, day_of
from gesso.domain.limits import BALANCE_MAX_UNITS, CREDIT_MAX_UNITS
from gesso.domain.price import FREE, PICO
from gesso.domain.project import AuthMethod
from gesso.domain.task import Task, TaskState, apply
from gesso.ports import TaskChange, TaskStore
from gesso.services.billing import BillingStore
from gesso.store.billing import SqlBilling
from gesso.store.schema import charges
from gesso.store.tasks import SqlTasks
from gesso.testing import Disk, FakeClock, MemoryBilling, MemoryTasks, make_task, steps_to
from gesso.testing.clock import EPOCH_US
from gesso.wiring import Store

DAY_US = 86_400_000_000


@dataclass
class Room:
    """A BillingStore with the TaskStore that writes its charges. `together`: has all that is written within go in one commit."""

    tasks: TaskStore
    billing: BillingStore
    clock: FakeClock
    new_project: Callable[[], Coroutine[Any, Any, int]]
    together: Callable[[Callable[[], list[Any]]], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    store = Store(Settings(data=tmp_path_factory.mktemp("billing")))
    clock = FakeClock()

    async def new_project() -> int:
        return (await store.accounts.create_project("a project", AuthMethod.KEY)).project.id

    async def together(write: Callable[[], list[Any]]) -> None:
        # The writer is held up, so that what comes meanwhile shares the next commit.
        gate = threading.Event()
        held = asyncio.ensure_future(store.database.call(lambda connection: gate.wait(10)))
        await asyncio.sleep(0)
        try:
            waiting = write()
        finally:
            gate.set()
        await asyncio.gather(held, *waiting)

    room = Room(SqlTasks(store.database), SqlBilling(store.database, clock), clock, new_project, together)
    room.store = store  # type: ignore[attr-defined]
    yield room
    store.close()


def memory() -> Room:
    disk, clock, count = Disk(), FakeClock(), iter(range(1, 10**6))

    async def new_project() -> int:
        return next(count)

    async def together(write: Callable[[], list[Any]]) -> None:
        await asyncio.gather(*write())

    return Room(MemoryTasks(disk), MemoryBilling(disk, clock), clock, new_project, together)


@pytest.fixture(params=["sql", "memory"])
def room(request: pytest.FixtureRequest) -> Room:
    return request.getfixturevalue("sql") if request.param == "sql" else memory()


def steps(task: Task, at: int, *events: Event, charge: Decimal | None = None, **fields: Any) -> TaskChange:
    """One change that takes a Task through `events`. `fields`: what they make of it besides."""
    before, recorded = task.seq, []
    for event in events:
        task = apply(task, event, at)
        recorded.append(Recorded(task.seq, at, event))
    task.__dict__.update(fields)
    return TaskChange(task, before, tuple(recorded), charge=charge)


def submission(room: Room, project_id: int, model: str = "lab/thing", at: int = EPOCH_US) -> TaskChange:
    return steps(make_task(id=room.tasks.next_id(), project_id=project_id, model=model), at, Queued())


def success(change: TaskChange, cost: Decimal, taken: Decimal | None, at: int = EPOCH_US, billed_us: int = 1_000_000) -> TaskChange:
    return steps(change.task, at, *steps_to(TaskState.SUCCEEDED)[1:], charge=taken, cost=cost, billed_us=billed_us)


async def check_chain(room: Room, project_id: int) -> Decimal:
    """The balance, which the entries add up to, each from the one before."""
    entries = (await room.billing.entries(project_id, None, 10_000))[::-1]
    balance = FREE
    for entry in entries:
        balance += entry.amount
        assert entry.balance == balance
    assert [entry.id for entry in entries] == sorted(entry.id for entry in entries)
    assert (await room.billing.account(project_id)).balance == balance
    return balance


AMOUNTS = st.decimals(PICO, 100, places=12)
COURSES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["credit", "adjustment", "charge", "unmetered", "failure", "submission"]), AMOUNTS),
    max_size=12,
)


async def play(room: Room, course: list[tuple[int, str, Decimal]], projects: list[int]) -> None:
    """Entries one by one, and Tasks in one commit at the end."""
    begun: list[tuple[str, TaskChange, Decimal]] = []
    for which, what, amount in course:
        if what == "credit":
            await room.billing.enter(projects[which], EntryKind.CREDIT, amount, "")
        elif what == "adjustment":
            await room.billing.enter(projects[which], EntryKind.ADJUSTMENT, -amount, "")
        else:
            begun.append((what, submission(room, projects[which], f"lab/{which}"), amount))

    def write() -> list[Any]:
        waiting = [room.tasks.write(change) for _, change, _ in begun]
        for what, change, amount in begun:
            if what == "failure":
                waiting.append(room.tasks.write(steps(change.task, EPOCH_US + DAY_US, Failed("It failed."))))
            elif what != "submission":
                waiting.append(room.tasks.write(success(change, amount, amount if what == "charge" else FREE)))
        return waiting

    await room.together(write)


@given(COURSES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_entries_add_up_and_the_double_agrees_with_the_database(sql: Room, course: list[tuple[int, str, Decimal]]) -> None:
    async def main() -> list[Any]:
        seen = []
        for room in (sql, memory()):
            projects = [await room.new_project() for _ in range(3)]
            await play(room, course, projects)
            balances = [await check_chain(room, project_id) for project_id in projects]
            kinds = [[(e.kind, e.amount, e.cost) for e in await room.billing.entries(p, None, 100)] for p in projects]
            totals = [await room.billing.totals(p) for p in projects]
            days = [[(e.model, e.day, e.counts) for e in await room.billing.usage(p, None, 0, 2**31 - 1)] for p in projects]
            seen.append((balances, kinds, totals, days))
        return seen

    real, double = asyncio.run(main())
    assert real == double


def test_charges_of_one_commit_chain_exactly(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        await room.billing.enter(project_id, EntryKind.CREDIT, Decimal(1), "")
        begun = [submission(room, project_id) for _ in range(50)]
        cost = Decimal("0.000000000001")
        await room.together(
            lambda: (
                [room.tasks.write(change) for change in begun]
                + [room.tasks.write(success(change, cost * number, cost * number)) for number, change in enumerate(begun, 1)]
            )
        )
        assert await check_chain(room, project_id) == 1 - cost * sum(range(1, 51))
        entries = await room.billing.entries(project_id, None, 100)
        assert [entry.task_id for entry in reversed(entries)] == [0, *(change.task.id for change in begun)]

    asyncio.run(main())


def test_unmetered_costs_are_written_down_and_nothing_is_taken(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        change = submission(room, project_id)
        await asyncio.gather(room.tasks.write(change), room.tasks.write(success(change, Decimal("0.25"), FREE)))
        (entry,) = await room.billing.entries(project_id, None, 10)
        assert (entry.kind, entry.amount, entry.cost, entry.balance) == (EntryKind.CHARGE, 0, Decimal("0.25"), 0)
        assert (await room.billing.totals(project_id))["lab/thing"].amount == Decimal("0.25")

    asyncio.run(main())


def test_pages_of_the_ledger_go_backwards(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        for number in range(5):
            await room.billing.enter(project_id, EntryKind.CREDIT, Decimal(1), f"note {number}")
        first = await room.billing.entries(project_id, None, 2)
        second = await room.billing.entries(project_id, first[-1].id, 2)
        assert [entry.note for entry in first + second] == ["note 4", "note 3", "note 2", "note 1"]

    asyncio.run(main())


def test_a_balance_that_the_books_cannot_hold_is_refused_and_changes_nothing(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        for _ in range(BALANCE_MAX_UNITS // CREDIT_MAX_UNITS):
            await room.billing.enter(project_id, EntryKind.CREDIT, Decimal(CREDIT_MAX_UNITS), "")
        with pytest.raises(ParameterNotAllowed):
            await room.billing.enter(project_id, EntryKind.CREDIT, PICO, "")
        assert await check_chain(room, project_id) == BALANCE_MAX_UNITS

    asyncio.run(main())


def test_days_are_counted_where_things_happen(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        evening, morning = EPOCH_US // DAY_US * DAY_US + DAY_US - 1, EPOCH_US // DAY_US * DAY_US + DAY_US
        change = submission(room, project_id, at=evening)
        done = success(change, Decimal(2), Decimal(2), morning, billed_us=3_000_000)
        await asyncio.gather(room.tasks.write(change), room.tasks.write(done))
        days = await room.billing.usage(project_id, "lab/thing", 0, 2**31 - 1)
        assert [(each.day, each.counts) for each in days] == [
            (day_of(evening), Statistics(submitted=1)),
            (day_of(morning), Statistics(succeeded=1, billed_us=3_000_000, amount=Decimal(2), last_at=morning)),
        ]
        assert await room.billing.usage(project_id, "lab/other", 0, 2**31 - 1) == []
        assert len(await room.billing.usage(project_id, None, day_of(morning), day_of(morning))) == 1
        assert (await room.billing.totals(project_id))["lab/thing"].active == 0

    asyncio.run(main())


def test_a_budget_counts_the_calendar_month(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        assert (await room.billing.account(project_id)).budget is None
        await room.billing.set_budget(project_id, Decimal(5))
        for at, cost in ((room.clock.now() - 40 * DAY_US, 3), (room.clock.now(), 2)):
            change = submission(room, project_id, at=at)
            await asyncio.gather(room.tasks.write(change), room.tasks.write(success(change, Decimal(cost), FREE, at)))
        account = await room.billing.account(project_id)
        assert (account.budget, account.spent) == (5, 2)
        await room.billing.set_budget(project_id, None)
        assert (await room.billing.account(project_id)).budget is None

    asyncio.run(main())


def test_open_tasks_are_known(room: Room) -> None:
    async def main() -> None:
        project_id = await room.new_project()
        changes = [submission(room, project_id) for _ in range(3)]
        await asyncio.gather(*(room.tasks.write(change) for change in changes))
        await room.tasks.write(steps(changes[0].task, EPOCH_US, Failed("It failed.")))
        active = [task_id for owner, task_id in await room.billing.active() if owner == project_id]
        assert active == [change.task.id for change in changes[1:]]

    asyncio.run(main())


def test_a_crash_between_commits_leaves_books_that_add_up() -> None:
    async def main() -> None:
        disk = Disk()
        tasks, billing = MemoryTasks(disk), MemoryBilling(disk)
        room = Room(tasks, billing, FakeClock(), memory().new_project, memory().together)
        await billing.enter(1, EntryKind.CREDIT, Decimal(10), "")
        first, second = submission(room, 1), submission(room, 1)
        await asyncio.gather(tasks.write(first), tasks.write(second), tasks.write(success(first, Decimal(1), Decimal(1))))
        tasks.hold()
        tasks.write(success(second, Decimal(1), Decimal(1)))
        tasks.die()
        after = Room(MemoryTasks(disk), MemoryBilling(disk), FakeClock(), room.new_project, room.together)
        assert await check_chain(after, 1) == 9
        assert (await after.billing.totals(1))["lab/thing"].active == 1
        await after.tasks.write(success(second, Decimal(1), Decimal(1)))
        assert await check_chain(after, 1) == 8
        assert (await after.billing.totals(1))["lab/thing"].active == 0

    asyncio.run(main())


def test_a_second_charge_of_a_task_is_refused_whole(sql: Room) -> None:
    async def main() -> None:
        project_id = await sql.new_project()
        change = submission(sql, project_id)
        done = success(change, Decimal(1), Decimal(1))
        await asyncio.gather(sql.tasks.write(change), sql.tasks.write(done))
        with pytest.raises(IntegrityError):
            await sql.tasks.write(steps(done.task, EPOCH_US, FilesDeleted(), charge=Decimal(1)))
        assert await check_chain(sql, project_id) == -1

    asyncio.run(main())


def test_an_unknown_project_has_no_books(sql: Room) -> None:
    async def main() -> None:
        with pytest.raises(ProjectUnknown):
            await sql.billing.enter(10**9, EntryKind.CREDIT, Decimal(1), "")
        with pytest.raises(ProjectUnknown):
            await sql.billing.set_budget(10**9, Decimal(1))

    asyncio.run(main())


def test_what_each_task_cost_can_be_read_as_charges(sql: Room) -> None:
    async def main() -> None:
        project_id = await sql.new_project()
        change = submission(sql, project_id)
        await asyncio.gather(sql.tasks.write(change), sql.tasks.write(success(change, Decimal("0.5"), FREE)))
        statement = select(charges).where(charges.c.task_id == change.task.id)
        read = sql.store.database.read  # type: ignore[attr-defined]
        row = await read(lambda connection: connection.execute(statement).one())
        assert (row.project_id, row.amount_pico, row.at) == (project_id, 500_000_000_000, EPOCH_US)

    asyncio.run(main())


def test_counters_are_what_the_events_say(sql: Room) -> None:
    """All that this module wrote, counted anew from the rows of events."""

    async def main() -> None:
        kinds = text("SELECT t.project_id, t.model, e.kind FROM events e JOIN tasks t ON t.id = e.task_id")
        read = sql.store.database.read  # type: ignore[attr-defined]
        counted: dict[str, int] = defaultdict(int)
        for row in await read(lambda connection: connection.execute(kinds).all()):
            counted[row.kind] += 1
        summed = sum((await sql.billing.totals()).values(), Statistics())
        assert (summed.submitted, summed.succeeded, summed.failed) == (counted["Queued"], counted["Succeeded"], counted["Failed"])

    asyncio.run(main())


def test_a_new_project_has_the_opening_credit(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store(Settings(data=tmp_path, opening_credit=Decimal("2.5")))
        try:
            project_id = (await store.accounts.create_project("new", AuthMethod.KEY)).project.id
            books = SqlBilling(store.database, FakeClock())
            (entry,) = await books.entries(project_id, None, 10)
            assert (entry.kind, entry.amount, entry.balance, entry.note) == (
                EntryKind.CREDIT,
                Decimal("2.5"),
                Decimal("2.5"),
                "Opening credit",
            )
        finally:
            store.close()

    asyncio.run(main())
