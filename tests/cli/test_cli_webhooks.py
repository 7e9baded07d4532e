"""`gesso webhooks` and `gesso project webhook-secret`, beside a running server and without one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_terminal import TIMEOUT_S, Terminal, serving

Posted = queue.Queue[tuple[dict[str, str], bytes]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, Posted]]:
    """An address, and what is posted to it. The first time it is gone."""
    posted: Posted = queue.Queue()
    statuses = iter([410])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            self.send_response(next(statuses, 200))
            self.end_headers()
            self.wfile.write(b"thank you")
            posted.put((headers, body))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_notice_that_was_given_up_is_shown_and_sent_again(terminal: Terminal, tmp_path: Path, receiver: tuple[str, Posted]) -> None:
    url, posted = receiver
    terminal = Terminal(tmp_path, (("GESSO_DATA", str(tmp_path / "data")),))
    with serving(terminal, tmp_path / "data", GESSO_FETCH_ALLOW="127.0.0.0/8") as server:
        project = json.loads(terminal.gesso("project", "create", "p", "--auth", "key", "--json").out)
        secret = terminal.gesso("project", "webhook-secret", project["id"]).out.strip()
        with httpx.Client(base_url=f"{server.url}/v1", headers={"x-api-key": project["apikey"]}, timeout=TIMEOUT_S) as client:
            task_id = client.post("/Run/gesso/echo", json={"text": "hello", "callbackUrl": url}).json()["taskid"]
            quiet_id = client.post("/Run/gesso/echo/sync", json={"text": "hello"}).json()["tasklist"][0]["id"]
        first, _ = posted.get(timeout=TIMEOUT_S)
        done = terminal.gesso("webhooks", "redeliver", task_id)
        assert (done.code, done.err) == (0, "")
        assert "The running server sends it now." in done.out
        second, body = posted.get(timeout=TIMEOUT_S)
        assert first["webhook-id"] == second["webhook-id"]
        signed = f"{second['webhook-id']}.{second['webhook-timestamp']}.".encode() + body
        expected = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
        assert second["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
        assert terminal.gesso("webhooks", "redeliver", quiet_id).err == f"gesso: Task {quiet_id} gave no callback address.\n"
        assert server.stop().code == 0
    assert not (tmp_path / "data" / "server.bell").exists()
    (record,) = json.loads(terminal.gesso("webhooks", "--json").out)
    assert (record["task"], record["state"], record["url"], record["last_error"]) == (task_id, "delivered", url, "")
    logged = json.loads(terminal.gesso("webhooks", "log", task_id, "--json").out)["log"]
    assert [(each["status"], each["error"], each["answer"]) for each in logged] == [
        (410, "The receiver answered 410", "thank you"),
        (200, "", "thank you"),
    ]
    assert "No server runs on" in terminal.gesso("webhooks", "redeliver", task_id).out
    shown = terminal.gesso("webhooks").out
    assert all(word in shown for word in (task_id, "waiting", "now", url.split("/")[2]))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("webhooks", "redeliver", "999999"), "There is no task 999999."),
        (("webhooks", "log", "999999"), "There is no task 999999."),
        (("project", "webhook-secret", "999999"), "There is no project 999999."),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(beside: Terminal, words: tuple[str, ...], sentence: str) -> None:
    done = beside.gesso(*words)
    assert (done.code, done.err) == (1, f"gesso: {sentence}\n")


def test_an_empty_folder_is_left_empty(terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.gesso("webhooks", "--data", "nowhere")
    assert done.code == 1
    assert "There is nothing in" in done.err
    assert not (tmp_path / "nowhere").exists()


def test_a_renewed_secret_replaces_the_old_one(terminal: Terminal) -> None:
    project_id = json.loads(terminal.gesso("project", "create", "p", "--json", "--data", "data").out)["id"]
    words = ("project", "webhook-secret", project_id, "--data", "data")
    first, renewed, last = (terminal.gesso(*words, *more).out for more in ((), ("--renew",), ()))
    assert first != renewed == last
    assert first.startswith("whsec_")
