"""What a long history costs: the record of one task from disk, and the first page of a list, at 1,000 and at 1,000,000 tasks.

`python bench/history.py` fills a database for each size and prints the times beside each other, with their ratio. Through the server's
own services, without HTTP, whose share is the same for both sizes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

from gesso.config import load_settings
from gesso.domain.ids import new_token
from gesso.domain.ledger import day_of
from gesso.domain.project import AuthMethod, Key
from gesso.domain.task import TaskState
from gesso.services.history import HistoryQuery, Kind
from gesso.store.schema import events, tasks, usage_days, usage_totals
from gesso.store.tasks import row_of
from gesso.testing import make_task
from gesso.wiring import House

_CHUNK = 5_000
_MODELS = ("gesso/echo", "gesso/heal", "black-forest-labs/FLUX.1-Fill-dev")
_SECOND_US = 1_000_000
_AT_US = 1_700_000_000 * _SECOND_US


def fill(house: House, project_id: int, count: int) -> list[str]:
    """Write `count` ended tasks in bulk; the tokens of some of them."""
    kept: list[str] = []
    sample = row_of(make_task(TaskState.SUCCEEDED, at=_AT_US, project_id=project_id, values={"prompt": "a red scarf " * 8}))
    with house.store.database.engine.begin() as connection:
        for start in range(1, count + 1, _CHUNK):
            rows, facts = [], []
            for number in range(start, min(start + _CHUNK, count + 1)):
                token = new_token()
                if number % max(1, count // 500) == 0:
                    kept.append(token)
                rows.append({**sample, "id": number, "token": token, "model": _MODELS[number % 3], "created_at": _AT_US + number})
                facts.append({"task_id": number, "seq": 1, "kind": "Queued", "at": _AT_US, "document": orjson.dumps({}).decode()})
            connection.execute(tasks.insert(), rows)
            connection.execute(events.insert(), facts)
        for index, model in enumerate(_MODELS):
            number = len(range(index or 3, count + 1, 3))
            counts = {"project_id": project_id, "model": model, "submitted": number, "succeeded": number, "failed": 0, "cancelled": 0}
            counts |= {"billed_us": 0, "amount_pico": 0, "last_at": _AT_US}
            connection.execute(usage_totals.insert().values(counts))
            connection.execute(usage_days.insert().values({**counts, "day": day_of(_AT_US)}))
    return kept


async def timed(once: Callable[[], Awaitable[object]], times: int) -> float:
    """Median milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await once()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3


async def measure(folder: Path, count: int, times: int) -> dict[str, float]:
    house = House(load_settings(data=folder, workers=1, log_level="error"))
    key: Key = await house.store.accounts.create_project("bench", AuthMethod.KEY)
    project = key.project
    start = time.perf_counter()
    tokens = fill(house, project.id, count)
    print(f"{count:,} tasks written in {time.perf_counter() - start:.1f} s")
    random.Random(1).shuffle(tokens)
    left = iter(tokens * times)
    services = house.services

    async def page(**query: object) -> None:
        total, found = await services.history.page(project, HistoryQuery(**query))  # type: ignore[arg-type]
        assert len(found) == min(20, total)

    try:
        for _ in range(5):
            await page()
        return {
            # Ended long ago, so that no memory but the database's has them.
            "Task/Detail, by token, from disk": await timed(lambda: services.tasks.by_token(next(left)), times),
            "Task/List, first page": await timed(page, times),
            "Task/List, first page, oldest first": await timed(lambda: page(is_newest_first=False), times),
            "Task/List, first page of one model": await timed(lambda: page(model="echo"), times),
            "Task/List, first page of two models": await timed(lambda: page(model="gesso"), times),
            "Task/List, page in the middle": await timed(lambda: page(start=count // 2), max(5, times // 20)),
            "Task/List, running": await timed(lambda: services.history.page(project, HistoryQuery(kind=Kind.OPEN)), times),
        }
    finally:
        await house.drain()
        await house.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    found: list[dict[str, float]] = []
    for count in (options.small, options.large):
        with tempfile.TemporaryDirectory() as folder:
            found.append(asyncio.run(measure(Path(folder), count, options.times)))
    print(f"{'median milliseconds':40}{options.small:>12,}{options.large:>12,}{'ratio':>8}")
    for name, small_ms in found[0].items():
        large_ms = found[1][name]
        print(f"{name:40}{small_ms:12.2f}{large_ms:12.2f}{large_ms / small_ms:8.2f}")


if __name__ == "__main__":
    main()
