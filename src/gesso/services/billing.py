"""Who may start a Task, what is on a Project's books, and what was used of each Model: decided here, kept by the BillingStore.

Charges and counters are written by the store together with the Events that they come from, so nothing here can lose or repeat one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from gesso.domain.errors import GessoError, ParameterNotAllowed
from gesso.domain.event import Cancelled, Failed, Queued, Recorded, Succeeded
from gesso.domain.ledger import (
    Account,
    BillingMode,
    Entry,
    EntryKind,
    Statistics,
    UsageDay,
    checked_amount,
    checked_note,
    may_start,
)
from gesso.domain.limits import CREDENTIAL_CACHE_MAX_COUNT, CREDENTIAL_CACHE_S, LEDGER_PAGE_MAX_COUNT, STATISTICS_CACHE_S
from gesso.domain.model import Model
from gesso.domain.project import Project
from gesso.domain.task import Task
from gesso.ports import Clock


class BillingStore(Protocol):
    async def account(self, project_id: int) -> Account: ...

    async def enter(self, project_id: int, kind: EntryKind, amount: Decimal, note: str) -> Entry:
        """Errors: ProjectUnknown, ParameterNotAllowed when the books could not hold the balance, Unavailable."""
        ...

    async def set_budget(self, project_id: int, budget: Decimal | None) -> None:
        """Errors: ProjectUnknown, Unavailable."""
        ...

    async def entries(self, project_id: int, before_id: int | None, limit: int) -> list[Entry]: ...

    async def usage(self, project_id: int | None, model: str | None, first_day: int, last_day: int) -> list[UsageDay]: ...

    async def totals(self, project_id: int | None = None) -> dict[str, Statistics]:
        """By Model, of one Project or of all."""
        ...

    async def active(self) -> list[tuple[int, int]]:
        """Project and Task of all Tasks that have not ended."""
        ...


class Billing:
    """In memory are the Tasks that have not ended, by Project, and what was read last of each Project's account.

    An account is read anew after CREDENTIAL_CACHE_S, so that what another process enters counts that much later at most, and at once
    after anything that this one did to it.
    """

    def __init__(self, store: BillingStore, clock: Clock, mode: BillingMode) -> None:
        self._store = store
        self._clock = clock
        self.mode = mode
        self._active: dict[int, set[int]] = {}
        self._accounts: dict[int, tuple[float, Account]] = {}
        self._readings: dict[int, object] = {}
        self._statistics: tuple[float, Mapping[str, Statistics]] | None = None

    async def start(self) -> None:
        """Learn which Tasks an earlier server left."""
        for project_id, task_id in await self._store.active():
            self._active.setdefault(project_id, set()).add(task_id)

    def admit(self, project: Project, model: Model, task_id: int) -> _Admission:
        """Let a Project submit a Task within an `async with` block. It counts as under way from its begin on, and no more if the block is
        refused.

        Errors of the begin: BudgetSpent, BalanceTooLow, TooManyActiveTasks, Unavailable.
        """
        return _Admission(self, project, model, task_id)

    async def begin(self, project: Project, model: Model, task_id: int) -> None:
        """Count the Task as under way. Errors: those of `admit`."""
        account = await self._known(project.id)
        # Between looking and counting nothing is awaited, so that two submissions cannot both take the last place.
        may_start(account, len(self._active.get(project.id, ())), self.mode, model.is_trainer)
        self._active.setdefault(project.id, set()).add(task_id)

    def observe(self, task: Task, recorded: Sequence[Recorded]) -> None:
        """Follow what was committed."""
        for each in recorded:
            match each.event:
                case Queued():
                    self._active.setdefault(task.project_id, set()).add(task.id)
                case Failed() | Cancelled():
                    self.end(task.project_id, task.id)
                case Succeeded():
                    self.end(task.project_id, task.id)
                    if task.cost:
                        self._forget(task.project_id)

    def end(self, project_id: int, task_id: int) -> None:
        """Count the Task no more; one that is not counted is no error."""
        active = self._active.get(project_id)
        if active is not None:
            active.discard(task_id)
            if not active:
                del self._active[project_id]

    async def _known(self, project_id: int) -> Account:
        known = self._accounts.get(project_id)
        if known is not None and self._clock.monotonic() < known[0]:
            return known[1]
        reading = self._readings[project_id] = object()
        until = self._clock.monotonic() + CREDENTIAL_CACHE_S
        account = await self._store.account(project_id)
        # What was read while something happened to the account may be older than that, and is used this once.
        if self._readings.get(project_id) is reading:
            del self._readings[project_id]
            if len(self._accounts) >= CREDENTIAL_CACHE_MAX_COUNT:
                self._accounts.clear()
            self._accounts[project_id] = (until, account)
        return account

    def _forget(self, project_id: int) -> None:
        known = self._accounts.get(project_id)
        if known is None or self.mode is BillingMode.PREPAID or known[1].budget is not None:
            self._accounts.pop(project_id, None)
            self._readings.pop(project_id, None)

    async def account(self, project_id: int) -> Account:
        """As it is on disk."""
        return await self._store.account(project_id)

    async def credit(self, project_id: int, amount: Decimal, note: str = "") -> Entry:
        """Add a signed amount to the balance: a positive one is a credit, a negative one an adjustment.

        Errors: ParameterNotAllowed, ProjectUnknown, Unavailable.
        """
        kind = EntryKind.CREDIT if amount > 0 else EntryKind.ADJUSTMENT
        return await self._enter(project_id, kind, amount, note)

    async def adjust(self, project_id: int, amount: Decimal, note: str) -> Entry:
        """Correct the balance by a signed amount; `note` says why. Errors: those of `credit`."""
        return await self._enter(project_id, EntryKind.ADJUSTMENT, amount, note)

    async def _enter(self, project_id: int, kind: EntryKind, amount: Decimal, note: str) -> Entry:
        entry = await self._store.enter(project_id, kind, checked_amount(amount), checked_note(note))
        self._forget(project_id)
        return entry

    async def set_budget(self, project_id: int, budget: Decimal | None) -> None:
        """What a Project may spend in a calendar month, UTC; 0 lets it spend nothing, None removes the limit.

        Errors: ParameterNotAllowed, ProjectUnknown, Unavailable.
        """
        if budget is not None and budget != 0:
            budget = checked_amount(budget)
            if budget < 0:
                raise ParameterNotAllowed("amount", "a budget is not negative")
        await self._store.set_budget(project_id, budget)
        self._accounts.pop(project_id, None)
        self._readings.pop(project_id, None)

    async def entries(self, project_id: int, before_id: int | None = None, limit: int = 50) -> list[Entry]:
        """The latest lines of the ledger, newest first; at most LEDGER_PAGE_MAX_COUNT. `before_id`: the last one of the page before."""
        return await self._store.entries(project_id, before_id, min(max(1, limit), LEDGER_PAGE_MAX_COUNT))

    async def usage(
        self, project_id: int | None = None, model: str | None = None, first_day: int = 0, last_day: int = 2**31 - 1
    ) -> list[UsageDay]:
        """By day, Project and Model, oldest first. Days are counted since 1970, UTC."""
        return await self._store.usage(project_id, model, first_day, last_day)

    async def model_statistics(self) -> Mapping[str, Statistics]:
        """For each Model that ever had a Task, the counts over all Projects; not older than STATISTICS_CACHE_S."""
        known = self._statistics
        if known is None or self._clock.monotonic() >= known[0]:
            known = (self._clock.monotonic() + STATISTICS_CACHE_S, await self._store.totals())
            self._statistics = known
        return known[1]

    async def project_statistics(self, project_id: int) -> Mapping[str, Statistics]:
        """For each Model that a Project ever used, its counts, as they are on disk."""
        return await self._store.totals(project_id)

    async def task_counts(self, project_id: int, model: str | None = None) -> Statistics:
        """The counts of a Project, of one Model or of all, as they are on disk."""
        totals = await self._store.totals(project_id)
        if model is not None:
            return totals.get(model, Statistics())
        return sum(totals.values(), Statistics())


class _Admission:
    """The block of a submission. A class, because the generators of contextlib cost more than all that is looked at in it."""

    __slots__ = ("_billing", "_model", "_project", "_task_id")

    def __init__(self, billing: Billing, project: Project, model: Model, task_id: int) -> None:
        self._billing = billing
        self._project = project
        self._model = model
        self._task_id = task_id

    async def __aenter__(self) -> None:
        await self._billing.begin(self._project, self._model, self._task_id)

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # Who is cancelled here may still have submitted it, and its end is observed then.
        if isinstance(error, GessoError):
            self._billing.end(self._project.id, self._task_id)
