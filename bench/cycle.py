"""Whole cycle of a task with the no-op model, against a bare Starlette floor in the same run: `python bench/cycle.py`.

A cycle: submit, run in the model's process, Output on disk, PNG in the client's hands. Ratios are what counts; absolute figures are the
machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from client import Connection

HERE = Path(__file__).parent
HOST = "127.0.0.1"
SERVE = """
import sys
from pathlib import Path
from gesso.config import load_settings
from gesso.serving import bind, serve
listener = bind("127.0.0.1", 0)
settings = load_settings(data=Path(sys.argv[1]), workers=int(sys.argv[2]), log_level="warning")
serve(settings, listener, lambda house: print(listener.getsockname()[1], flush=True))
"""
CREATE = """
import asyncio, sys
from pathlib import Path
from gesso.config import load_settings
from gesso.domain.project import AuthMethod
from gesso.wiring import Store
store = Store(load_settings(data=Path(sys.argv[1])))
print(asyncio.run(store.accounts.create_project("bench", AuthMethod.KEY)).api_key)
store.close()
"""


@contextmanager
def started(command: list[str]):
    """A server process that prints its port first; stopped at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait(30)


async def timed(
    once: Callable[[Connection], Awaitable[None]], make: Callable[[], Connection], clients: int, count: int
) -> tuple[float, float]:
    """Median milliseconds of one, and how many a second, with `clients` at once doing `count` together."""
    taken: list[float] = []

    async def client() -> None:
        async with make() as connection:
            await once(connection)
            for _ in range(count // clients):
                start = time.perf_counter()
                await once(connection)
                taken.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return statistics.median(taken) * 1e3, len(taken) / (time.perf_counter() - start)


async def floor_post(connection: Connection) -> None:
    await connection.post("/v1/Run/gesso/echo", {"text": ""})


async def floor_cycle(connection: Connection) -> None:
    await connection.post("/v1/Run/gesso/echo", {"text": ""})
    await connection.get("/v1/File/a/0.png")


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def cycle_sync(connection: Connection) -> None:
    detail = await connection.post("/v1/Run/gesso/echo/sync", {"text": ""})
    png = await connection.get(path_of(detail["tasklist"][0]["outputs"][0]["url"]))
    assert png.startswith(b"\x89PNG")


async def reached(connection: Connection, token: str, status: str) -> dict[str, Any]:
    """The task record once it has that status, as a client that polls finds it."""
    while True:
        task = (await connection.post("/v1/Task/Detail", {"tasktoken": token}))["tasklist"][0]
        if task["status"] == status:
            return task
        await asyncio.sleep(0.001)


async def cycle_poll(connection: Connection) -> None:
    token = (await connection.post("/v1/Run/gesso/echo", {"text": ""}))["socketaccesstoken"]
    task = await reached(connection, token, "task_postprocess_end")
    png = await connection.get(path_of(task["outputs"][0]["url"]))
    assert png.startswith(b"\x89PNG")


async def submit(connection: Connection) -> None:
    await connection.post("/v1/Run/gesso/echo", {"text": ""})


async def kill_latency(make: Callable[[], Connection], times: int) -> tuple[float, float]:
    """Median milliseconds until Kill of a running task is answered, and until its Worker, the only one, has begun the next."""
    answered: list[float] = []
    freed: list[float] = []
    async with make() as connection:
        for _ in range(times):
            token = (await connection.post("/v1/Run/gesso/echo", {"delay": 60, "steps": 3000}))["socketaccesstoken"]
            await reached(connection, token, "task_start")
            start = time.perf_counter()
            await connection.post("/v1/Task/Kill", {"tasktoken": token})
            answered.append(time.perf_counter() - start)
            await cycle_sync(connection)
            freed.append(time.perf_counter() - start)
    return statistics.median(answered) * 1e3, statistics.median(freed) * 1e3


def commit_ms(folder: Path) -> float:
    """Median milliseconds of a bare durable commit of one row on this disk now: what no server that keeps its word can go below."""
    taken: list[float] = []
    with sqlite3.connect(folder / "floor.db", isolation_level=None) as database:
        for statement in ("pragma journal_mode=wal", "pragma synchronous=full", "create table rows (n)"):
            database.execute(statement)
        for number in range(200):
            start = time.perf_counter()
            database.execute("insert into rows values (?)", (number,))
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3


def start_latency_ms(data: Path) -> float:
    """Median milliseconds from the moment a task was taken to the start of its Engine, as the store has it; the commit lies between."""
    with sqlite3.connect(data / "gesso.db") as database:
        rows = database.execute("select document, created_at from tasks where state = 'succeeded' order by id limit 200").fetchall()
    return statistics.median(json.loads(document)["started_at"] - created_at for document, created_at in rows[20:]) / 1e3


def create_key(folder: str) -> str:
    return subprocess.run([sys.executable, "-c", CREATE, folder], check=True, capture_output=True, text=True).stdout.strip()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started([sys.executable, str(HERE / "floor.py")]) as (floor_port, _):
        data = Path(folder)
        key = create_key(folder)
        with started([sys.executable, "-c", SERVE, folder, str(options.workers)]) as (port, _):
            await measure(floor_port, port, key, data, options.count)
        with started([sys.executable, "-c", SERVE, folder, "1"]) as (port, _):
            killed, freed = await kill_latency(lambda: Connection(HOST, port, {"x-api-key": key}), 15)
            print(f"kill of a running task: answered after {killed:.1f} ms; its Worker has done another task after {freed:.1f} ms")


async def measure(floor_port: int, port: int, key: str, data: Path, count: int) -> None:
    def floor() -> Connection:
        return Connection(HOST, floor_port)

    def gesso() -> Connection:
        return Connection(HOST, port, {"x-api-key": key})

    await timed(cycle_sync, gesso, 1, 50)
    rows: list[tuple[str, float, float, float, float]] = []
    for name, once, below in (
        ("Run, answered after the commit", submit, floor_post),
        ("cycle with sync", cycle_sync, floor_cycle),
        ("cycle with polling", cycle_poll, floor_cycle),
    ):
        for clients in (1, 16):
            floor_ms, floor_rate = await timed(below, floor, clients, count)
            median_ms, rate = await timed(once, gesso, clients, count if clients > 1 else count // 4)
            rows.append((f"{name}, {clients} client{'s' * (clients > 1)}", median_ms, floor_ms, rate, floor_rate))
            if once is submit:
                await timed(cycle_sync, gesso, 1, 1)
    print(f"{'':44}{'median ms':>10}{'floor':>8}{'ratio':>7}{'a second':>10}{'floor':>8}{'ratio':>8}")
    for name, median_ms, floor_ms, rate, floor_rate in rows:
        print(f"{name:44}{median_ms:10.2f}{floor_ms:8.2f}{median_ms / floor_ms:7.1f}{rate:10.0f}{floor_rate:8.0f}{floor_rate / rate:7.1f}x")
    print(f"a bare durable commit on this disk: {commit_ms(data):.2f} ms")
    print(f"from submission to the start of a warm Engine, commit included: {start_latency_ms(data):.2f} ms")


if __name__ == "__main__":
    uvloop.run(main())
