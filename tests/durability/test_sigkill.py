"""A server that is killed at any moment loses no accepted task, ends each exactly once, and charges each at most once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from doomed_house import Client, DoomedHouse, until

from gesso.config import Settings
from gesso.domain.price import Price, to_pico
from gesso.domain.project import AuthMethod
from gesso.wiring import Store

KILLS = 22
CLIENTS = 4
# A server that is killed has taken so many tasks at most since it started, and as few as none.
ANSWERS_A_LIFE = 24
SEED = int.from_bytes(os.urandom(4))
TERMINAL = {"Succeeded", "Failed", "Cancelled"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DoomedHouse]:
    made = DoomedHouse(tmp_path)
    yield made
    made.close()


def new_key(house: DoomedHouse) -> str:
    store = Store(Settings(data=house.data))
    try:
        return asyncio.run(store.accounts.create_project("a project", AuthMethod.KEY)).api_key
    finally:
        store.close()


def answered(clients: list[Client]) -> int:
    return sum(len(client.accepted) for client in clients)


def test_nothing_accepted_is_lost_over_many_kills(house: DoomedHouse) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    clients = [Client(house, new_key(house), SEED + number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    pause = threading.Event()
    try:
        for number in range(KILLS):
            if number % 5 == 4:
                # Also while it starts, when it closes what the one before left.
                house.spawn()
                pause.wait(draw.uniform(0.3, 1.0))
            else:
                house.start()
                # In answers, not in time, so that a slow machine has as much to lose.
                so_many = answered(clients) + draw.randrange(ANSWERS_A_LIFE)
                until(lambda so_many=so_many: answered(clients) >= so_many, "clients are answered no more")
                pause.wait(draw.uniform(0.0, 0.1))
            house.kill()
        house.start()
        pause.wait(0.5)
    finally:
        for client in clients:
            client.is_over.set()
        for client in clients:
            client.join()
    house.wait_until_all_ended()
    assert house.stop() == 0
    until(lambda: not house.model_processes(), "model processes are left behind")
    accepted = {task_id: token for client in clients for task_id, token in client.accepted.items()}
    withdrawn = {task_id for client in clients for task_id in client.withdrawn}
    assert len(accepted) >= KILLS, f"{len(accepted)} tasks are no load: {[client.refused[-1:] for client in clients]}"
    verify(house, accepted, withdrawn)
    ended = {task_id: count for client in clients for task_id, count in client.ended.items()}
    assert ended, "nobody was told of an end"
    states = {row["id"]: row["state"] for row in house.rows("SELECT id, state FROM tasks")}
    assert {task_id: states[task_id] for task_id in ended} == {task_id: "succeeded" if ended[task_id] else "failed" for task_id in ended}


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_output_that_a_power_cut_took_is_there_after_the_next_start(house: DoomedHouse, is_whole: bool) -> None:
    """A cut takes what is in no flushed file: here the server dies, and the bytes of the file with it."""
    house.start()
    with httpx.Client(base_url=house.url, headers={"x-api-key": new_key(house)}, timeout=40.0) as client:
        detail = client.post("/Run/gesso/echo/sync", json={"text": "kept"}).json()["tasklist"][0]
        address = detail["outputs"][0]["url"]
        content = client.get(address).content
    assert content
    house.kill()
    blob = next(path for path in (house.data / "blobs").rglob("*") if path.is_file() and path.name in address)
    if not is_whole:
        blob.write_bytes(b"")
    house.start()
    assert httpx.get(address).content == content
    assert house.stop() == 0
    assert house.rows("SELECT * FROM carried") == []


def verify(house: DoomedHouse, accepted: dict[int, str], withdrawn: set[int]) -> None:
    tasks = {row["id"]: row for row in house.rows("SELECT * FROM tasks")}
    missing = set(accepted) - set(tasks)
    assert not missing, f"accepted tasks are lost: {sorted(missing)}"
    assert all(tasks[task_id]["token"] == token for task_id, token in accepted.items())
    assert all(tasks[task_id]["state"] == "cancelled" for task_id in withdrawn)
    assert {row["state"] for row in tasks.values()} <= {"succeeded", "failed", "cancelled"}
    kinds: dict[int, list[str]] = {task_id: [] for task_id in tasks}
    for row in house.rows("SELECT task_id, seq, kind FROM events ORDER BY task_id, seq"):
        kinds[row["task_id"]].append(row["kind"])
        assert row["seq"] == len(kinds[row["task_id"]]), f"task {row['task_id']} has a gap in its events"
    for task_id, row in tasks.items():
        ends = [kind for kind in kinds[task_id] if kind in TERMINAL]
        assert ends == [row["state"].capitalize()], f"task {task_id} ended so: {kinds[task_id]}"
        assert row["seq"] == len(kinds[task_id])
    verify_charges(house, tasks)
    verify_outputs(house, tasks)


def verify_charges(house: DoomedHouse, tasks: dict[int, object]) -> None:
    charged = house.rows("SELECT task_id, amount_pico FROM entries WHERE task_id IS NOT NULL AND kind = 'charge'")
    assert max(Counter(row["task_id"] for row in charged).values()) == 1
    price = Price(Decimal("0.0007"))
    costs = {}
    for row in house.rows("SELECT id, model, state, cost_pico, document FROM tasks"):
        is_priced = row["state"] == "succeeded" and row["model"] == "gesso/priced"
        cost = to_pico(price.charge(json.loads(row["document"])["billed_us"])) if is_priced else 0
        assert row["cost_pico"] == cost
        if cost:
            costs[row["id"]] = -cost
    assert {row["task_id"]: row["amount_pico"] for row in charged if row["amount_pico"]} == costs
    assert costs, "nothing was charged"


def verify_outputs(house: DoomedHouse, tasks: dict[int, object]) -> None:
    stored = {path.name: path for path in (house.data / "blobs").rglob("*") if path.is_file()}
    known = {row["access_key"] for row in house.rows("SELECT access_key FROM files")}
    for row in house.rows("SELECT id, state, document FROM tasks"):
        outputs = json.loads(row["document"])["outputs"]
        assert len(outputs) == (row["state"] == "succeeded"), f"task {row['id']} {row['state']} has {len(outputs)} outputs"
        for output in outputs:
            assert output["access_key"] in known
            assert hashlib.sha256(stored[output["access_key"]].read_bytes()).hexdigest() == output["sha256"]
