"""`gesso billing`: balances, credits, the ledger, usage and budgets, beside a running server or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from gesso.cli.options import read_settings
from gesso.cli.screen import output, print_json, table
from gesso.cli.storage import open_store
from gesso.config import Settings
from gesso.domain.ledger import Account, BillingMode, Entry, UsageDay, day_of, plain, read_amount
from gesso.domain.price import billed_seconds
from gesso.services.billing import Billing
from gesso.store.billing import SqlBilling

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _with_project(settings: Settings, project: str, do: Callable[[Billing, int], Awaitable[T]]) -> tuple[int, str, T]:
    """Number and name of the project, and what `do` gave for it. Errors: Refused."""

    async def carry_out() -> tuple[int, str, T]:
        with open_store(settings) as store:
            books = SqlBilling(store.database, store.clock)
            project_id, name = await books.find_project(project)
            return project_id, name, await do(Billing(books, store.clock, settings.billing), project_id)

    return asyncio.run(carry_out())


def show_balance(project: str, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    project_id, name, account = _with_project(settings, project, lambda billing, project_id: billing.account(project_id))
    _tell_account(settings, project_id, name, account, as_json)


def _tell_account(settings: Settings, project_id: int, name: str, account: Account, as_json: bool) -> None:
    budget = None if account.budget is None else plain(account.budget)
    if as_json:
        spent = None if account.budget is None else plain(account.spent)
        print_json({"project": str(project_id), "balance": plain(account.balance), "budget": budget, "spent": spent})
        return
    console = output()
    console.print(f"{name}: balance {plain(account.balance)}")
    if budget is None:
        console.print("No budget.")
    else:
        console.print(f"Budget {budget} a month, of which {plain(account.spent)} are spent.")
    if settings.billing is BillingMode.UNMETERED:
        console.print("This server takes nothing from balances (billing = unmetered).")


def credit(project: str, amount: str, note: str, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)

    async def enter(billing: Billing, project_id: int) -> Entry:
        return await billing.credit(project_id, read_amount(amount), note)

    _, name, entry = _with_project(settings, project, enter)
    if as_json:
        print_json(_entry(entry))
    else:
        output().print(f"{name}: {_signed(entry.amount)}, balance {plain(entry.balance)}")


def show_ledger(project: str, limit: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    _, name, entries = _with_project(settings, project, lambda billing, project_id: billing.entries(project_id, limit=limit))
    if as_json:
        print_json([_entry(entry) for entry in entries])
        return
    if not entries:
        output().print(f"The ledger of {name} is empty.")
        return
    shown = table("id", "at", "kind", "amount", "balance", "task", "cost", "note")
    for entry in entries:
        task = str(entry.task_id) if entry.task_id else ""
        cost = plain(entry.cost) if entry.task_id else ""
        shown.add_row(
            str(entry.id), _moment(entry.at), entry.kind.value, _signed(entry.amount), plain(entry.balance), task, cost, entry.note
        )
    output().print(shown, soft_wrap=False)


def show_usage(project: str | None, days: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)

    async def read() -> list[UsageDay]:
        with open_store(settings) as store:
            books = SqlBilling(store.database, store.clock)
            project_id = None if project is None else (await books.find_project(project))[0]
            first_day = day_of(store.clock.now()) - days + 1
            return await Billing(books, store.clock, settings.billing).usage(project_id, first_day=first_day)

    used = asyncio.run(read())
    if as_json:
        print_json([_usage(each) for each in used])
        return
    if not used:
        output().print("Nothing was used.")
        return
    names = ("day", "project", "model", "submitted", "succeeded", "failed", "cancelled", "time", "cost")
    shown = table(*names)
    for each in used:
        row = {**_usage(each), "time": f"{billed_seconds(each.counts.billed_us)} s"}
        shown.add_row(*(str(row[name]) for name in names))
    output().print(shown, soft_wrap=False)


def budget(project: str, amount: str | None, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)

    async def change(billing: Billing, project_id: int) -> Account:
        if amount is not None:
            await billing.set_budget(project_id, _budget(amount))
        return await billing.account(project_id)

    project_id, name, account = _with_project(settings, project, change)
    _tell_account(settings, project_id, name, account, as_json)


def _budget(amount: str) -> Decimal | None:
    if amount.strip().lower() == "none":
        return None
    return Decimal(0) if amount.strip() == "0" else read_amount(amount)


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "at": _moment(entry.at),
        "kind": entry.kind.value,
        "amount": plain(entry.amount),
        "balance": plain(entry.balance),
        "task": str(entry.task_id) if entry.task_id else None,
        "cost": plain(entry.cost),
        "note": entry.note,
    }


def _usage(each: UsageDay) -> dict[str, Any]:
    counts = each.counts
    return {
        "day": (_EPOCH + timedelta(days=each.day)).date().isoformat(),
        "project": str(each.project_id),
        "model": each.model,
        "submitted": counts.submitted,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "cancelled": counts.cancelled,
        "seconds": str(billed_seconds(counts.billed_us)),
        "cost": plain(counts.amount),
    }


def _signed(amount: Decimal) -> str:
    return plain(amount) if amount < 0 else f"+{plain(amount)}"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
