"""A server process for tests to kill, and clients that note each answer they got.

python doomed_house.py DATA PORT forks a server for each line that it reads.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from gesso.config import Settings
from gesso.observe import configure_logs
from gesso.serving import bind, serve

DEADLINE_S = 40.0
PRICED = """
from dataclasses import replace
from decimal import Decimal

from gesso.models.echo.model import MODEL as ECHO
from gesso.sdk import Price

MODEL = replace(ECHO, slug="priced", price=Price(Decimal("0.0007")))
"""
TOML = """\
models = ["priced.py:MODEL"]
billing = "prepaid"
opening_credit = 1000000
workers = 2
kill_grace_s = 0.5
stop_grace_s = 0.5
"""


class DoomedHouse:
    """One data folder, one port, and one server process after another. Each is forked off a nursery that has imported everything, so that
    two dozen of them take seconds. `pid`: of the present one, or 0."""

    def __init__(self, data: Path) -> None:
        self.data = data
        (data / "priced.py").write_text(PRICED)
        (data / "gesso.toml").write_text(TOML)
        # Bound, and not listening: while no server is there, nobody else on the machine is given the port, not even a client.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", 0))
        self.port = self._place.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.pid = 0
        self._log = (data / "server.log").open("ab")
        command = [sys.executable, __file__, str(data), str(self.port)]
        self._nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True)

    def spawn(self) -> None:
        """Begin to start a server."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write("start\n")
        self._nursery.stdin.flush()
        self.pid = int(self._line().removeprefix("pid "))

    def start(self) -> None:
        self.spawn()
        assert self._line() == "ready", f"the server did not start; see {self.data / 'server.log'}"

    def kill(self) -> None:
        assert self._end(signal.SIGKILL) == -signal.SIGKILL

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        os.kill(self.pid, number)
        while not (line := self._line()).startswith("ended "):
            assert line == "ready"
        self.pid = 0
        return int(line.removeprefix("ended "))

    def _line(self) -> str:
        assert self._nursery.stdout is not None
        return self._nursery.stdout.readline().strip()

    def close(self) -> None:
        if self.pid:
            self._end(signal.SIGKILL)
        self._nursery.communicate()
        self._log.close()
        self._place.close()

    def rows(self, statement: str) -> list[sqlite3.Row]:
        connection = sqlite3.connect(f"file:{self.data / 'gesso.db'}?mode=ro", uri=True, timeout=DEADLINE_S)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def wait_until_all_ended(self) -> None:
        until(lambda: not self.rows("SELECT 1 FROM tasks WHERE is_open = 1 LIMIT 1"), "tasks are left open")

    def model_processes(self) -> list[int]:
        """The numbers of all processes that work below the data folder, but the server's own."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.pid:
                try:
                    folder = (entry / "cwd").readlink()
                except OSError:
                    continue
                if folder.is_relative_to(self.data):
                    found.append(int(entry.name))
        return found


def until(is_so: object, sentence: str) -> None:
    """Look again and again, for a bounded time."""
    assert callable(is_so)
    pause, deadline = threading.Event(), time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, sentence
        pause.wait(0.02)


class Client(threading.Thread):
    """Submits tasks until it is told to end; notes the ids that were answered, and cancels or kills some."""

    def __init__(self, house: DoomedHouse, api_key: str, seed: int) -> None:
        super().__init__(name=f"client {seed}")
        self._house = house
        self._random = random.Random(seed)
        self._api_key = api_key
        self.is_over = threading.Event()
        self.accepted: dict[int, str] = {}
        self.withdrawn: set[int] = set()
        # Of tasks whose end was waited for and told: how many outputs they had.
        self.ended: dict[int, int] = {}
        self.refused: list[str] = []

    def run(self) -> None:
        headers = {"x-api-key": self._api_key}
        while not self.is_over.is_set():
            try:
                with httpx.Client(base_url=self._house.url, headers=headers, timeout=DEADLINE_S) as client:
                    while not self.is_over.is_set():
                        self._submit(client)
            except httpx.HTTPError:
                # The server was killed: what was not answered may have been accepted or not.
                self.is_over.wait(0.02)

    def _submit(self, client: httpx.Client) -> None:
        draw = self._random
        body = {
            "text": f"{self.name} {draw.random()}",
            "delay": draw.choice((0, 0, 0, 0.05, 0.4)),
            "steps": 3,
            "fail": draw.choices(("none", "error", "exit"), (40, 4, 1))[0],
        }
        path = f"/Run/gesso/{draw.choice(('priced', 'priced', 'echo'))}"
        is_sync = draw.random() < 0.3
        answer = client.post(f"{path}/sync" if is_sync else path, json=body).json()
        if not answer.get("result"):
            self.refused.append(str(answer))
            self.is_over.wait(0.05)
            return
        if is_sync:
            record = answer["tasklist"][0]
            task_id = int(record["id"])
            self.accepted[task_id] = record["socketaccesstoken"]
            self.ended[task_id] = len(record["outputs"])
            return
        task_id = int(answer["taskid"])
        self.accepted[task_id] = answer["socketaccesstoken"]
        if draw.random() < 0.1:
            how = draw.choice(("Kill", "Cancel"))
            if client.post(f"/Task/{how}", json={"taskid": str(task_id)}).json().get("result"):
                self.withdrawn.add(task_id)
        self.is_over.wait(0.05)


def nurse(data: Path, port: int) -> None:
    """Fork a server for each line that comes, and say when it has ended, and how."""
    configure_logs("info")
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(Settings(data=data), bind("127.0.0.1", port), lambda house: print("ready", flush=True))
            os._exit(0)
        print(f"pid {child}", flush=True)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    nurse(Path(sys.argv[1]), int(sys.argv[2]))
