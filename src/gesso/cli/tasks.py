"""`gesso tasks`: the latest tasks, as the store has them."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import output, print_json, state, table
from gesso.cli.storage import open_store
from gesso.config import Settings
from gesso.domain.price import billed_seconds, from_pico
from gesso.domain.task import TaskState
from gesso.store.schema import tasks

_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    model: str
    state: TaskState
    created_s: float
    billed_s: str
    cost: str
    error: str


def show_tasks(limit: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    if not settings.database_url and not (settings.data / "gesso.db").exists():
        raise Refused(f"There is nothing in {settings.data.resolve()} yet. Start with `{command('gesso serve', settings)}`.")
    rows = asyncio.run(_latest(settings, limit))
    if as_json:
        print_json([{**{name: getattr(row, name) for name in ("id", "model", "state", "billed_s", "cost", "error")}} for row in rows])
        return
    if not rows:
        output().print(f"No tasks yet. Try `{command('gesso run gesso/echo text=Hello', settings)}`.")
        return
    shown = table("id", "model", "state", "age", "time", "cost")
    now = time.time()
    for row in rows:
        word = state(row.state.value, row.state is TaskState.SUCCEEDED)
        shown.add_row(row.id, row.model, word, _age(now - row.created_s), f"{row.billed_s} s", row.cost)
    output().print(shown, soft_wrap=False)


async def _latest(settings: Settings, limit: int) -> list[_Row]:
    with open_store(settings) as store:
        statement = tasks.select().order_by(tasks.c.id.desc()).limit(limit)
        rows = await store.database.read(lambda connection: connection.execute(statement).all())
    return [_row(row) for row in rows]


def _row(row: Any) -> _Row:
    document = json.loads(row.document)
    cost = from_pico(row.cost_pico)
    return _Row(
        id=str(row.id),
        model=row.model,
        state=TaskState(row.state),
        created_s=row.created_at / 1_000_000,
        billed_s=str(billed_seconds(document["billed_us"])),
        cost=f"{cost.normalize():f}" if cost else "0",
        error=document["error"],
    )


def _age(seconds: float) -> str:
    return next((f"{int(seconds // size)} {unit}" for size, unit in _AGES if seconds >= size), "0 s")
