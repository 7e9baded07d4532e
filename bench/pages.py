"""How long the server takes for a page with 100,000 tasks in the project: `python bench/pages.py`.

Median milliseconds from the request to the whole answer, on one connection, for somebody who is signed in. The network is the machine's
own; what a browser does with the page is not in it. Beside it the processor's time a request, with the client's small share, which tells
more where the machine is busy with other things. Pages whose room is not built answer 404, and are said to.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import uvicorn
import uvloop

from gesso.config import load_settings
from gesso.domain.event import Ended, FileInput
from gesso.domain.file import File
from gesso.domain.ids import new_access_key, new_token
from gesso.domain.ledger import day_of
from gesso.domain.project import AuthMethod
from gesso.domain.task import Task, TaskState, apply
from gesso.services.accounts import Sender
from gesso.services.sessions import COOKIE
from gesso.serving import bind
from gesso.store.schema import tasks, usage_days, usage_totals
from gesso.store.tasks import row_of
from gesso.testing.builders import steps_to
from gesso.wiring import House

_CHUNK = 5_000
_MODELS = ("gesso/echo", "gesso/heal", "black-forest-labs/FLUX.1-Fill-dev")
_STATES = ((40, TaskState.FAILED), (55, TaskState.CANCELLED))
_WORDS = (
    "white red yellow violet",
    "tulips",
    "teapot",
    "window light",
    "table",
    "lemons",
    "mug",
    "street portrait",
    "sky",
    "soft morning",
    "brass",
)
_STEP_US = 60_000_000
PAGES = (
    "/",
    "/dashboard",
    "/models",
    "/models/gesso/heal",
    "/models/gesso/heal/history",
    "/models/gesso/heal/api",
    "/apps",
    "/tasks",
    "/tasks?task=99999",
    "/tasks?status=done",
    "/tasks?status=failed",
    "/tasks?model=gesso/heal&since=7",
    "/tasks?q=tulips",
    "/tasks?q=zeppelin",
    "/tasks?before=50000",
    "/tasks?tab=running",
    "/tasks/99999",
    "/projects",
    "/files",
    "/billing",
    "/pricing",
    "/docs",
    "/settings",
    "/status",
    "/search?q=tulips",
)


def make(number: int, count: int, project_id: int, now: int, luck: random.Random) -> Task:
    """An ended task as a person leaves them: a prompt, a picture, a mask, an output."""
    state = next((state for each, state in _STATES if number % each == 0), TaskState.SUCCEEDED)
    picture, mask = (FileInput(name, new_access_key(), content_type="image/png") for name in ("inputImage-1.png", "inputImageMask-1.png"))
    task = Task(
        id=number,
        token=new_token(),
        project_id=project_id,
        model=_MODELS[number % len(_MODELS)],
        dialect="wiro",
        values={"prompt": " ".join(luck.choice(_WORDS) for _ in range(12)), "seed": luck.getrandbits(32), "steps": 25},
        files={"inputImage": (picture,), "inputImageMask": (mask,)},
    )
    at = now - (count - number) * _STEP_US
    output = File(new_access_key(), project_id, "0.png", "image/png", 1_400_000, "0" * 64, at)
    for event in steps_to(state):
        at += 100_000
        made = Ended(0, (output,), 6_000_000, event.cost, "ready\n", "") if isinstance(event, Ended) else event
        task = apply(task, made, at)
    return task


def fill(house: House, project_id: int, count: int) -> None:
    luck, now = random.Random(1), time.time_ns() // 1_000
    counts: dict[tuple[int, str], dict[str, int]] = {}
    with house.store.database.engine.begin() as connection:
        for start in range(1, count + 1, _CHUNK):
            made = [make(number, count, project_id, now, luck) for number in range(start, min(start + _CHUNK, count + 1))]
            connection.execute(tasks.insert(), [row_of(task) for task in made])
            for task in made:
                row = counts.setdefault(
                    (day_of(task.created_at), task.model), dict.fromkeys(("submitted", "succeeded", "failed", "cancelled"), 0)
                )
                row["submitted"] += 1
                row[task.state.value] += 1
        totals: dict[str, dict[str, int]] = {}
        rest = {"project_id": project_id, "billed_us": 0, "amount_pico": 0, "last_at": now}
        for (day, model), row in counts.items():
            connection.execute(usage_days.insert().values(day=day, model=model, **row, **rest))
            total = totals.setdefault(model, dict.fromkeys(row, 0))
            for name in row:
                total[name] += row[name]
        for model, row in totals.items():
            connection.execute(usage_totals.insert().values(model=model, **row, **rest))


async def measure(folder: Path, count: int, times: int) -> None:
    house = House(load_settings(data=folder, workers=1, log_level="error", signup="open"))
    signed = await house.services.users.sign_up("maya@example.com", "a long pass phrase", Sender("127.0.0.1"))
    key = await house.services.projects.create(signed.user, "studio", AuthMethod.KEY)
    fill(house, key.project.id, count)
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(house.app, http="httptools", lifespan="off", log_level="error", proxy_headers=False))
    await house.start()
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, cookies={COOKIE: signed.token}, timeout=60) as client:
            print(f"{count:,} tasks in the project\n{'page':44}{'median ms':>10}{'90 % ms':>10}{'cpu ms':>8}{'kB':>8}")
            for page in PAGES:
                await tell(client, page, times)
    finally:
        server.should_exit = True
        await serving
        await house.drain()
        await house.stop()


async def tell(client: httpx.AsyncClient, page: str, times: int) -> None:
    first = await client.get(page)
    if first.status_code != 200:
        print(f"{page:44}{first.status_code:>10}")
        return
    taken = []
    began = time.process_time()
    for _ in range(times):
        start = time.perf_counter()
        await client.get(page)
        taken.append((time.perf_counter() - start) * 1e3)
    cpu_ms = (time.process_time() - began) * 1e3 / times
    taken.sort()
    print(f"{page:44}{statistics.median(taken):10.1f}{taken[int(len(taken) * 0.9)]:10.1f}{cpu_ms:8.1f}{len(first.content) / 1e3:8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(measure(Path(folder), options.tasks, options.times))


if __name__ == "__main__":
    main()
