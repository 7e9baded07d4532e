"""`gesso user list`, `reset` and `delete`, for whoever has the machine: beside a running server or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gesso.cli.accounts import ask_password
from gesso.cli.options import read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import output, print_json, table
from gesso.cli.storage import open_store
from gesso.services.accounts import Accounts
from gesso.services.sessions import Sessions
from gesso.wiring import Store

T = TypeVar("T")
_US = 1_000_000


def show_users(as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    users = _do(data, lambda accounts: accounts.all())
    if as_json:
        names = ("uuid", "email", "is_admin", "has_second_factor")
        print_json([{name: getattr(user, name) for name in names} for user in users])
        return
    if not users:
        output().print("Nobody yet: `gesso user create EMAIL --admin` makes the owner.")
        return
    shown = table("email", "administrator", "second factor", "since")
    for user in users:
        day = datetime.fromtimestamp(user.created_at / _US, UTC).date().isoformat()
        shown.add_row(user.email, "yes" if user.is_admin else "no", "yes" if user.has_second_factor else "no", day)
    output().print(shown, soft_wrap=False)


def reset(email: str, data: Path | None) -> None:
    """Errors: Refused."""
    password = ask_password()
    user = _do(data, lambda accounts: accounts.reset(email, password))
    output().print(f"{user.email} has another password and no second factor now, and is signed out everywhere.")


def delete(email: str, is_sure: bool, data: Path | None) -> None:
    """Errors: Refused."""
    if not is_sure:
        answer = output().input(f"Delete {email}? Their projects stay. [y/N] ", markup=False)
        if answer.strip().lower() not in ("y", "yes"):
            raise Refused("Nobody was deleted.")
    _do(data, lambda accounts: accounts.delete(email))
    output().print(f"Deleted {email}.")


def _accounts(store: Store) -> Accounts:
    return Accounts(store.users, Sessions(store.sessions, store.clock), store.clock)


def _do(data: Path | None, work: Callable[[Accounts], Awaitable[T]]) -> T:
    async def run() -> T:
        with open_store(read_settings(data=data)) as store, closing(_accounts(store)) as accounts:
            return await work(accounts)

    return asyncio.run(run())
