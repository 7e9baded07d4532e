"""A BillingStore in memory. Counters are counted from the Events on the Disk whenever they are asked for, so they cannot be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from gesso.domain.errors import ParameterNotAllowed, Unavailable
from gesso.domain.event import Cancelled, Event, Failed, Queued, Succeeded
from gesso.domain.ledger import Account, Entry, EntryKind, Statistics, UsageDay, day_of
from gesso.domain.limits import BALANCE_MAX_UNITS
from gesso.domain.price import FREE
from gesso.domain.task import Task
from gesso.ports import Clock
from gesso.testing.clock import FakeClock
from gesso.testing.disk import Disk

_Counted = tuple[Task, int, Statistics]


class MemoryBilling:
    def __init__(self, disk: Disk | None = None, clock: Clock | None = None) -> None:
        self.disk = disk or Disk()
        self._clock = clock or FakeClock()

    async def account(self, project_id: int) -> Account:
        if self.disk.read_trouble:
            raise Unavailable(self.disk.read_trouble)
        now = datetime.fromtimestamp(self._clock.now() / 1_000_000, UTC)
        first = day_of(self._clock.now()) - now.day + 1
        budget = self.disk.budgets.get(project_id)
        days = await self.usage(project_id, None, first, 2**31)
        spent = FREE if budget is None else sum((each.counts.amount for each in days), FREE)
        return Account(self.disk.balance(project_id), budget, spent)

    async def enter(self, project_id: int, kind: EntryKind, amount: Decimal, note: str) -> Entry:
        self._check()
        if abs(self.disk.balance(project_id) + amount) > BALANCE_MAX_UNITS:
            raise ParameterNotAllowed("amount", f"a balance is not over {BALANCE_MAX_UNITS}")
        return self.disk.enter(project_id, kind, amount, self._clock.now(), note)

    async def set_budget(self, project_id: int, budget: Decimal | None) -> None:
        self._check()
        if budget is None:
            self.disk.budgets.pop(project_id, None)
        else:
            self.disk.budgets[project_id] = budget

    async def entries(self, project_id: int, before_id: int | None, limit: int) -> list[Entry]:
        own = [entry for entry in self.disk.entries if entry.project_id == project_id]
        return [entry for entry in reversed(own) if before_id is None or entry.id < before_id][:limit]

    async def usage(self, project_id: int | None, model: str | None, first_day: int, last_day: int) -> list[UsageDay]:
        wanted = (
            each
            for each in self._counted()
            if project_id in (None, each[0].project_id) and model in (None, each[0].model) and first_day <= each[1] <= last_day
        )
        summed = _summed(wanted, lambda task, day: (day, task.project_id, task.model))
        return [UsageDay(owner, name, day, counts) for (day, owner, name), counts in sorted(summed.items(), key=lambda item: item[0])]

    async def totals(self, project_id: int | None = None) -> dict[str, Statistics]:
        wanted = (each for each in self._counted() if project_id in (None, each[0].project_id))
        return {name: counts for (_, _, name), counts in _summed(wanted, lambda task, day: (0, 0, task.model)).items()}

    async def active(self) -> list[tuple[int, int]]:
        return [(task.project_id, task.id) for task in self.disk.tasks.values() if not task.state.is_terminal]

    def _check(self) -> None:
        if self.disk.trouble:
            raise Unavailable(self.disk.trouble)

    def _counted(self) -> Iterator[_Counted]:
        for task_id, events in self.disk.events.items():
            for recorded in events:
                counts = _counts(self.disk.tasks[task_id], recorded.event, recorded.at)
                if counts is not None:
                    yield self.disk.tasks[task_id], day_of(recorded.at), counts


def _counts(task: Task, event: Event, at: int) -> Statistics | None:
    match event:
        case Queued():
            return Statistics(submitted=1)
        case Succeeded():
            return Statistics(succeeded=1, billed_us=task.billed_us, amount=task.cost, last_at=at)
        case Failed():
            return Statistics(failed=1, last_at=at)
        case Cancelled():
            return Statistics(cancelled=1, last_at=at)
        case _:
            return None


def _summed(counted: Iterable[_Counted], key: Callable[[Task, int], tuple[int, int, str]]) -> dict[tuple[int, int, str], Statistics]:
    summed: dict[tuple[int, int, str], Statistics] = {}
    for task, day, counts in counted:
        place = key(task, day)
        summed[place] = summed.get(place, Statistics()) + counts
    return summed
