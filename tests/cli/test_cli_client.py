"""The client of the command line against a server without a socket: it asks again and again instead."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from gesso.cli.client import Api, Refusal, Submitted, Unauthorized, Unreachable
from gesso.domain.project import signature

TASK = Submitted("7", "token")


class Answers(BaseHTTPRequestHandler):
    """Tells the next of `told` at each request: a status of the task, or an HTTP status. No upgrade to a socket."""

    told: ClassVar[list[str | int]] = []
    heard: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.send_error(404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        Answers.heard.append({name.lower(): value for name, value in self.headers.items()})
        word = Answers.told.pop(0)
        status = word if isinstance(word, int) else 200
        body = {"result": True, "errors": [], "tasklist": [{"status": word}]}
        if status != 200:
            body = {"result": False, "errors": [{"code": 0, "message": f"said {word}"}]}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Answers.told, Answers.heard = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_socket_the_states_are_asked_for(url: str) -> None:
    Answers.told = ["task_queue", "task_start", 503, "task_postprocess_end"]
    with Api(url, "key") as api:
        assert [frame["type"] for frame in api.follow(TASK)] == ["task_queue", "task_start", "task_postprocess_end"]
    assert Answers.told == []


def test_a_request_is_signed_with_the_secret(url: str) -> None:
    Answers.told = ["task_queue"]
    with Api(f"{url}/v1/", "key", "secret") as api:
        api.detail(TASK)
    heard = Answers.heard[0]
    assert heard["x-api-key"] == "key"
    assert heard["x-signature"] == signature("key", "secret", heard["x-nonce"])


def test_refusals_are_told_apart(url: str) -> None:
    Answers.told = [401, 503]
    with Api(url, "key") as api:
        with pytest.raises(Unauthorized, match="said 401"):
            api.detail(TASK)
        with pytest.raises(Refusal, match="said 503"):
            api.detail(TASK)


def test_no_server_and_a_false_one_are_told() -> None:
    with Api("http://127.0.0.1:9") as api, pytest.raises(Unreachable, match="does not answer"):
        api.detail(TASK)
