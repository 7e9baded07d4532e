"""A Batch from two clients to a real model process and back: each client sees its own task, as if it were alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.append(str(Path(__file__).parents[1] / "dialects" / "wiro"))

from wiro_server import LiveServer, record, run, socket_to

CHOIR = Path(__file__).parent
MODEL = "lab/choir"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with one Worker, whose Engine serves three voices together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHOIR))
        live = LiveServer(tmp_path_factory.mktemp("hall"), models=(f"{CHOIR / 'choir_model.py'}:MODEL",))
        live.start()
        yield live
        live.stop()


@pytest.fixture
def clients(hall: LiveServer) -> Iterator[list[httpx.Client]]:
    with hall.client(hall.key) as one, hall.client(hall.other) as other:
        yield [one, other]


def wait(hall: LiveServer, token: str, *types: str) -> list[dict[str, Any]]:
    with socket_to(hall) as socket:
        socket.register(token)
        return socket.until(*types)


def submitted(hall: LiveServer, clients: list[httpx.Client], *tasks: dict[str, Any]) -> list[str]:
    """The tokens of tasks, of the clients in turns, that all wait when the Worker becomes free."""
    before = run(clients[0], MODEL, words="before", goes="slowly")["socketaccesstoken"]
    wait(hall, before, "task_output")
    tokens = [run(clients[number % 2], MODEL, **task)["socketaccesstoken"] for number, task in enumerate(tasks)]
    clients[0].post("/Task/Kill", json={"tasktoken": before})
    return tokens


def ended(hall: LiveServer, clients: list[httpx.Client], tokens: list[str]) -> list[dict[str, Any]]:
    for token in tokens:
        wait(hall, token, "task_postprocess_end", "task_cancel")
    return [record(clients[number % 2], tasktoken=token) for number, token in enumerate(tokens)]


def said(client: httpx.Client, found: dict[str, Any]) -> list[str]:
    return [client.get(output["url"]).text for output in found["outputs"]]


def test_tasks_of_two_projects_share_a_batch_and_nothing_else(hall: LiveServer, clients: list[httpx.Client]) -> None:
    tokens = submitted(hall, clients, {"words": "kyrie"}, {"words": "gloria"}, {"words": "sanctus"})
    found = ended(hall, clients, tokens)
    for number, (words, task) in enumerate(zip(("kyrie", "gloria", "sanctus"), found, strict=True)):
        assert task["pexit"] == "0", task["debugerror"]
        assert said(clients[number % 2], task) == [f"{words}, among 3"]
        assert task["debugoutput"] == f"{words} among 3\n"
        frames = wait(hall, tokens[number], "task_postprocess_end")
        assert [frame["type"] for frame in frames].count("task_end") == 1
        assert Decimal(task["totalcost"]) == Decimal("0.5") * Decimal(task["elapsedseconds"])
    assert clients[1].post("/Task/Detail", json={"tasktoken": tokens[0]}).json()["tasklist"] == []


def test_one_of_a_batch_is_killed_and_one_fails_and_the_third_is_served(hall: LiveServer, clients: list[httpx.Client]) -> None:
    tasks = {"words": "kyrie", "goes": "slowly"}, {"words": "gloria", "goes": "wrong"}, {"words": "sanctus"}
    tokens = submitted(hall, clients, *tasks)
    wait(hall, tokens[0], "task_output")
    clients[0].post("/Task/Kill", json={"tasktoken": tokens[0]})
    killed, failed, served = ended(hall, clients, tokens)
    assert killed["status"] == "task_cancel"
    assert (failed["pexit"], "gloria went wrong" in failed["debugerror"], failed["outputs"]) == ("1", True, [])
    assert said(clients[0], served) == ["sanctus, among 3"]
    assert [Decimal(each["totalcost"]) > 0 for each in (killed, failed, served)] == [False, False, True]


def test_a_worker_that_dies_in_a_batch_costs_its_companions_nothing_but_time(hall: LiveServer, clients: list[httpx.Client]) -> None:
    tokens = submitted(hall, clients, {"words": "kyrie", "goes": "dies"}, {"words": "gloria"}, {"words": "sanctus"})
    dead, first, last = ended(hall, clients, tokens)
    # The second client's turn came first, and its task had ended.
    assert said(clients[1], first) == ["gloria, among 3"]
    assert said(clients[0], last) == ["sanctus, alone"]
    assert (dead["pexit"], dead["outputs"]) == ("1", [])
    assert "exited with code 7" in dead["debugerror"]
