"""The books of a Project: entries that add up to its balance, what may be started on that balance, and counters of what was used.

Source of the bounds: protocol, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from gesso.domain.errors import BalanceTooLow, BudgetSpent, ParameterNotAllowed, TooManyActiveTasks
from gesso.domain.limits import CREDIT_MAX_UNITS
from gesso.domain.price import FREE, PICO

RUN_MINIMUM = Decimal("0.50")
TRAINING_MINIMUM = Decimal(10)
UNBOUNDED_FROM = Decimal(250)
_ACTIVE_SHARE = Decimal("0.10")
_DAY_US = 86_400_000_000
_NOTE_MAX_CHARACTERS = 500


class BillingMode(StrEnum):
    """UNMETERED reckons what Tasks cost and takes nothing; PREPAID takes it from the balance, and starts nothing without one."""

    UNMETERED = "unmetered"
    PREPAID = "prepaid"


class EntryKind(StrEnum):
    CHARGE = "charge"
    CREDIT = "credit"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a Project's ledger. `amount` is signed; `balance` is the one after it. `cost`: of a charge, what its Task cost, which
    is taken in prepaid mode only. `task_id`: 0 for an entry without a Task. `at`: microseconds since 1970, UTC."""

    id: int
    project_id: int
    task_id: int
    kind: EntryKind
    amount: Decimal
    balance: Decimal
    cost: Decimal
    at: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a Task that succeeded cost, and what of it is taken from the balance. None is taken where there is nothing to write down."""

    cost: Decimal
    taken: Decimal | None


@dataclass(frozen=True, slots=True)
class Account:
    """What a Project has and may spend. `budget`: for a calendar month in UTC, None for no limit; `spent`: cost of this month so far."""

    balance: Decimal = FREE
    budget: Decimal | None = None
    spent: Decimal = FREE


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of Tasks. `billed_us` and `amount` are of those that succeeded, `amount` being what they cost; `last_at`: the last end."""

    submitted: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    billed_us: int = 0
    amount: Decimal = FREE
    last_at: int = 0

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    @property
    def active(self) -> int:
        return self.submitted - self.ended

    def __add__(self, other: Statistics) -> Statistics:
        summed = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self) if f.name != "last_at"}
        return Statistics(**summed, last_at=max(self.last_at, other.last_at))


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What a Project used of a Model on one day. `day`: days since 1970, UTC."""

    project_id: int
    model: str
    day: int
    counts: Statistics


def may_start(account: Account, active: int, mode: BillingMode, is_training: bool) -> None:
    """Whether a Project with `active` Tasks that have not ended may start one more.

    Errors: BudgetSpent, in both modes; BalanceTooLow, TooManyActiveTasks where Tasks are prepaid.
    """
    if account.budget is not None and account.spent >= account.budget:
        raise BudgetSpent(plain(account.budget), plain(account.spent))
    if mode is BillingMode.UNMETERED:
        return
    if account.balance < (TRAINING_MINIMUM if is_training else RUN_MINIMUM):
        raise BalanceTooLow
    limit = active_limit(account.balance)
    if limit is not None and active >= limit:
        raise TooManyActiveTasks(f"{account.balance:.2f}", limit)


def active_limit(balance: Decimal) -> int | None:
    """How many Tasks a prepaid Project may have at once; None for as many as it likes."""
    return None if balance > UNBOUNDED_FROM else max(1, int(balance * _ACTIVE_SHARE))


def read_amount(text: str) -> Decimal:
    """A signed amount as people write it. Errors: ParameterNotAllowed for what is none, for 0, and for what the books cannot hold."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise ParameterNotAllowed("amount", f"{text[:40]!r} is no amount") from None
    return checked_amount(amount)


def checked_amount(amount: Decimal) -> Decimal:
    """Errors: ParameterNotAllowed."""
    if not amount.is_finite() or not 0 < abs(amount) <= CREDIT_MAX_UNITS:
        raise ParameterNotAllowed("amount", f"an amount is not 0 and not over {CREDIT_MAX_UNITS}")
    exact = amount.quantize(PICO)
    if exact != amount:
        raise ParameterNotAllowed("amount", "an amount has 12 decimals at most")
    return exact


def checked_note(note: str) -> str:
    """Errors: ParameterNotAllowed."""
    note = note.strip()
    if len(note) > _NOTE_MAX_CHARACTERS or not note.isprintable():
        raise ParameterNotAllowed("note", f"a note has {_NOTE_MAX_CHARACTERS} printable characters at most")
    return note


def plain(amount: Decimal) -> str:
    """An amount as people read it: without an exponent, and with two decimals at least."""
    whole, _, decimals = f"{amount:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def day_of(at: int) -> int:
    """The day of a moment in microseconds since 1970, UTC: days since then."""
    return at // _DAY_US
