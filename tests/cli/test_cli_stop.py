"""How `gesso serve` ends while clients wait for tasks that do not."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_terminal import TIMEOUT_S, Server, Terminal, serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

# Below the seconds that are left to answers which are under way at the end, and which nobody must be kept waiting for.
AT_ONCE_S = 4.0
LONG_RUN = {"delay": 60, "steps": 1_000}
RUN = "/Run/gesso/echo"


@pytest.fixture
def impatient(terminal: Terminal, tmp_path: Path) -> Iterator[tuple[Server, httpx.Client]]:
    """A server that gives running tasks no time when it stops, and a client of it."""
    with serving(terminal, tmp_path / "data", GESSO_STOP_GRACE_S="0", GESSO_WORKERS="1") as server, _client(terminal, server) as client:
        yield server, client


def test_who_waits_is_told_at_once_how_to_come_back(impatient: tuple[Server, httpx.Client]) -> None:
    server, client = impatient
    waiting: list[httpx.Response] = []
    waits = threading.Thread(target=lambda: waiting.append(client.post(f"{RUN}/sync", json=LONG_RUN)))
    waits.start()
    while client.post("/Task/List", json={}).json()["total"] == "0":
        assert waits.is_alive()
    (task,) = client.post("/Task/List", json={}).json()["tasklist"]
    with (
        client.stream("POST", f"{RUN}/sync?stream=true", json=LONG_RUN) as told,
        client.stream("GET", "/Task/Stream", params={"tasktoken": task["socketaccesstoken"]}) as followed,
        connect(server.url.replace("http", "ws") + "/v1") as socket,
    ):
        events, heard = told.iter_lines(), followed.iter_lines()
        start = _data(events, "start")
        _data(heard, "task_start")
        socket.recv(TIMEOUT_S)
        socket.send(json.dumps({"type": "task_info", "tasktoken": task["socketaccesstoken"]}))
        socket.recv(TIMEOUT_S)

        begun = time.monotonic()
        done = server.stop()
        took_s = time.monotonic() - begun

        late = _data(events, "error")
        # An end that is cut would raise.
        assert list(heard)[-1] == ""
        with pytest.raises(ConnectionClosed) as closed:
            _read_on(socket)
    waits.join(TIMEOUT_S)
    assert (done.code, done.err) == (0, "")
    assert took_s < AT_ONCE_S
    assert waiting[0].status_code == 504
    named = (waiting[0].json()["taskid"], waiting[0].json()["socketaccesstoken"], waiting[0].json()["result"])
    assert named == (task["id"], task["socketaccesstoken"], False)
    assert (late["taskid"], late["socketaccesstoken"], late["result"]) == (start["taskid"], start["socketaccesstoken"], False)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT], ids=lambda by: by.name)
def test_a_second_signal_waits_for_nothing(terminal: Terminal, tmp_path: Path, first: signal.Signals) -> None:
    with (
        serving(terminal, tmp_path / "data", GESSO_STOP_GRACE_S=str(TIMEOUT_S), GESSO_WORKERS="1") as server,
        _client(terminal, server) as client,
        client.stream("POST", f"{RUN}/sync?stream=true", json=LONG_RUN) as told,
    ):
        events = told.iter_lines()
        _data(events, "task_output")
        begun = time.monotonic()
        server.process.send_signal(first)
        while httpx.get(f"{server.url}/readyz").status_code == 200:
            """The first signal is heard when it takes no more tasks."""
        done = server.stop(signal.SIGINT)
        took_s = time.monotonic() - begun
        assert _data(events, "error")["taskid"]
    assert (done.code, done.err) == (0, "")
    assert took_s < AT_ONCE_S


def _read_on(socket: ClientConnection) -> None:
    while True:
        socket.recv(TIMEOUT_S)


def _client(terminal: Terminal, server: Server) -> httpx.Client:
    made = json.loads(terminal.gesso("project", "create", "waiting", "--auth", "key", "--json", "--data", server.data).out)
    return httpx.Client(base_url=f"{server.url}/v1", headers={"x-api-key": made["apikey"]}, timeout=TIMEOUT_S)


def _data(lines: Iterator[str], name: str) -> dict[str, Any]:
    """What the next event of that name says."""
    for line in lines:
        if line == f"event: {name}":
            return json.loads(next(lines).removeprefix("data: "))
    raise AssertionError(f"no event {name}")
