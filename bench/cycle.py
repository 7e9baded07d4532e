"""Whole cycle of a task with the no-op model, against a bare Starlette floor in the same run: `python bench/cycle.py`.

A cycle: submit, run in the model's process, Output on disk, PNG in the client's hands, by a client that waits with `sync` and by one that
polls. Ratios are what counts, also for how soon a task starts and a kill is answered; absolute figures are the machine's. Floor and gesso
are measured in turns, in short slices, and a ratio is the median of those of all turns, so that other work that comes and goes on the
machine falls on both. CPU time, in which waiting for the machine or its disk does not count, is told beside them. With `--folder /dev/shm`
the disk answers at once, which shows how much of the rest is the disk.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from client import Connection

HERE = Path(__file__).parent
HOST = "127.0.0.1"
TURNS = 8
# Cycles before the first measurement, one after the other, of which the last tell how soon a task starts.
WARMING = 200
STILL_COLD = 20
KILLS = 15
FLOOR_REQUESTS_BEFORE_A_KILL = 20
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


@dataclass(frozen=True)
class Place:
    """The two servers that are measured."""

    floor_port: int
    floor_pid: int
    port: int
    pid: int
    key: str

    def floor(self) -> Connection:
        return Connection(HOST, self.floor_port)

    def gesso(self) -> Connection:
        return Connection(HOST, self.port, {"x-api-key": self.key})


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
        process.stdout.close()


Once = Callable[[Connection], Awaitable[None]]
Make = Callable[[], Connection]


@dataclass(frozen=True)
class Slice:
    """Median milliseconds of one, and how many a second."""

    median_ms: float
    rate: float


async def timed(once: Once, make: Make, clients: int, count: int) -> Slice:
    """`count` together, by `clients` at once."""
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
    return Slice(statistics.median(taken) * 1e3, len(taken) / (time.perf_counter() - start))


def cpu_ms(pid: int) -> float:
    """CPU milliseconds that a process has taken so far, with all its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def workers_of(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


@dataclass(frozen=True)
class Row:
    """What several turns of floor and gesso came to. Ratios and CPU are for one; `cpu_floors`: the server's CPU in that of the floor."""

    name: str
    ours: Slice
    floor: Slice
    latency_ratio: float
    rate_ratio: float
    server_cpu_ms: float
    worker_cpu_ms: float
    cpu_floors: float

    def __str__(self) -> str:
        latency = f"{self.ours.median_ms:9.2f}{self.floor.median_ms:8.2f}{self.latency_ratio:7.1f}"
        rate = f"{self.ours.rate:9.0f}{self.floor.rate:8.0f}{self.rate_ratio:7.1f}"
        return f"{self.name:46}{latency}{rate}{self.server_cpu_ms:9.2f}{self.cpu_floors:8.1f}{self.worker_cpu_ms:9.2f}"


HEAD = f"{'':46}{'ms':>9}{'floor':>8}{'ratio':>7}{'a second':>9}{'floor':>8}{'ratio':>7}{'CPU ms':>9}{'floors':>8}{'workers':>9}"


async def in_turns(name: str, once: Once, below: Once, place: Place, clients: int, count: int) -> Row:
    """Measure `once` and its floor in turns, `count` of each together."""
    ours: list[Slice] = []
    floors: list[Slice] = []
    cpu = [0.0, 0.0, 0.0]
    part = max(count // TURNS, clients)
    for _ in range(TURNS):
        before = cpu_ms(place.floor_pid)
        floors.append(await timed(below, place.floor, clients, part))
        cpu[0] += cpu_ms(place.floor_pid) - before
        before, before_workers = cpu_ms(place.pid), sum(map(cpu_ms, workers_of(place.pid)))
        ours.append(await timed(once, place.gesso, clients, part))
        cpu[1] += cpu_ms(place.pid) - before
        cpu[2] += sum(map(cpu_ms, workers_of(place.pid))) - before_workers
    done = TURNS * (part // clients + 1) * clients
    return Row(
        f"{name}, {clients} client{'s' * (clients > 1)}",
        middle(ours),
        middle(floors),
        statistics.median(our.median_ms / floor.median_ms for our, floor in zip(ours, floors, strict=True)),
        statistics.median(floor.rate / our.rate for our, floor in zip(ours, floors, strict=True)),
        cpu[1] / done,
        cpu[2] / done,
        cpu[1] / cpu[0],
    )


def middle(slices: list[Slice]) -> Slice:
    return Slice(statistics.median(each.median_ms for each in slices), statistics.median(each.rate for each in slices))


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


@dataclass(frozen=True)
class Kill:
    """Median milliseconds until Kill of a running task is answered, until its Worker, the only one, has done the next, and of a request to
    the floor meanwhile."""

    answered_ms: float
    freed_ms: float
    floor_ms: float


async def kill_latency(make: Make, make_floor: Make) -> Kill:
    answered: list[float] = []
    freed: list[float] = []
    floors: list[float] = []
    async with make() as connection, make_floor() as floor:
        for _ in range(KILLS):
            for _ in range(FLOOR_REQUESTS_BEFORE_A_KILL):
                start = time.perf_counter()
                await floor_post(floor)
                floors.append(time.perf_counter() - start)
            token = (await connection.post("/v1/Run/gesso/echo", {"delay": 60, "steps": 3000}))["socketaccesstoken"]
            await reached(connection, token, "task_start")
            start = time.perf_counter()
            await connection.post("/v1/Task/Kill", {"tasktoken": token})
            answered.append(time.perf_counter() - start)
            await cycle_sync(connection)
            freed.append(time.perf_counter() - start)
    return Kill(*(statistics.median(each) * 1e3 for each in (answered, freed, floors)))


def in_floors(ms: float, floor_ms: float) -> str:
    return f"{ms:.2f} ms, {ms / floor_ms:.1f} requests of the floor"


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
    """Median milliseconds from when a task was taken to the start of its Engine, as the store has it, where none waits for another."""
    with sqlite3.connect(data / "gesso.db") as database:
        rows = database.execute(
            "select document, created_at from tasks where state = 'succeeded' order by id limit ?", (WARMING,)
        ).fetchall()
    return statistics.median(json.loads(document)["started_at"] - created_at for document, created_at in rows[STILL_COLD:]) / 1e3


def create_key(folder: str) -> str:
    return subprocess.run([sys.executable, "-c", CREATE, folder], check=True, capture_output=True, text=True).stdout.strip()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the data is put; the disk of that folder is measured too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        started([sys.executable, str(HERE / "floor.py")]) as (floor_port, floor_pid),
    ):
        data = Path(folder)
        key = create_key(folder)
        with started([sys.executable, "-c", SERVE, folder, str(options.workers)]) as (port, pid):
            await measure(Place(floor_port, floor_pid, port, pid, key), data, options.count)
        with started([sys.executable, "-c", SERVE, folder, "1"]) as (port, pid):
            place = Place(floor_port, floor_pid, port, pid, key)
            kill = await kill_latency(place.gesso, place.floor)
            print(f"kill of a running task: answered after {in_floors(kill.answered_ms, kill.floor_ms)}")
            print(f"until its Worker has done another task: {in_floors(kill.freed_ms, kill.floor_ms)}")


async def measure(place: Place, data: Path, count: int) -> None:
    await timed(cycle_sync, place.gesso, 1, WARMING)
    floor_ms = (await timed(floor_post, place.floor, 1, 200)).median_ms
    print(HEAD)
    for name, once, below in (
        ("Run, answered after the commit", submit, floor_post),
        ("cycle with sync", cycle_sync, floor_cycle),
        ("cycle with polling", cycle_poll, floor_cycle),
    ):
        for clients in (1, 16):
            print(await in_turns(name, once, below, place, clients, count if clients > 1 else count // 2), flush=True)
            if once is submit:
                # What was submitted is done before the next measurement.
                await timed(cycle_sync, place.gesso, 1, 1)
    print(f"a bare durable commit on this disk: {commit_ms(data):.2f} ms")
    print(f"from submission to the start of a warm Engine: {in_floors(start_latency_ms(data), floor_ms)}")


if __name__ == "__main__":
    uvloop.run(main())
