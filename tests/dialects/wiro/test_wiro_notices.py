"""Webhooks as their receivers see them. What is tried again, and when, is tested in tests/delivery."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.server
import queue
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
from requirements import proves
from wiro_server import FRAME_TIMEOUT_S, LiveServer, record, run

Posted = tuple[dict[str, str], bytes]


class Receiver:
    """Takes what is posted to it. `url`: where."""

    def __init__(self, url: str, posted: queue.Queue[Posted]) -> None:
        self.url = url
        self._posted = posted

    def next(self) -> Posted:
        return self._posted.get(timeout=FRAME_TIMEOUT_S)

    def is_quiet(self) -> bool:
        return self._posted.empty()


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    posted: queue.Queue[Posted] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            posted.put((headers, body))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook", posted)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@proves("notice.sent", "notice.body")
def test_every_end_of_a_task_is_told_once(client: httpx.Client) -> None:
    with receiving() as receiver:
        succeeded = run(client, text="hello", callbackUrl=receiver.url)
        headers, body = receiver.next()
        failed = run(client, fail="error", callbackUrl=receiver.url)
        _, failed_body = receiver.next()
        killed = run(client, delay=60, steps=1200, callbackUrl=receiver.url)
        assert client.post("/Task/Kill", json={"taskid": killed["taskid"]}).json()["result"]
        _, killed_body = receiver.next()
        assert receiver.is_quiet()
    assert headers["content-type"] == "application/json"
    told = [orjson.loads(each) for each in (body, failed_body, killed_body)]
    assert [each["taskid"] for each in told] == [each["taskid"] for each in (succeeded, failed, killed)]
    assert [each["status"] for each in told] == ["task_postprocess_end", "task_postprocess_end", "task_cancel"]
    assert [each["tasklist"][0]["pexit"] for each in told] == ["0", "1", "1"]
    assert told[0]["socketaccesstoken"] == succeeded["socketaccesstoken"]
    # It has no files, whose URLs would have another origin here.
    assert told[2]["tasklist"][0] == record(client, taskid=killed["taskid"])


@proves("notice.signed")
def test_a_notice_is_signed_with_the_secret_of_the_project(server: LiveServer, client: httpx.Client) -> None:
    with receiving() as receiver:
        run(client, text="hello", callbackUrl=receiver.url)
        headers, body = receiver.next()
    secret = server.call(lambda: server.house.store.notices.secret(server.key.project.id))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
