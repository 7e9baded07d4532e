"""A whole server on a real port, in a thread of the test process, with clients for it."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn
import uvloop
from sqlalchemy import Connection, event
from websockets.sync.client import ClientConnection, connect

from gesso.config import Settings
from gesso.domain.project import AuthMethod, Key, signature
from gesso.serving import Protocol, bind
from gesso.wiring import House

START_TIMEOUT_S = 30
FRAME_TIMEOUT_S = 20
LONG_S = 60


class LiveServer:
    """`url`: the origin. `key`: of a project without signatures; `signing`: of one that signs; `other`: of a third."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self._data = data
        self._settings = Settings(data=data, workers=1, fetch_allow="127.0.0.0/8", kill_grace_s=0.5, stop_grace_s=0, **settings)
        self._listener = bind("127.0.0.1", 0)
        self.origin = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.origin}"
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), name="live server")

    def start(self) -> None:
        self._thread.start()
        self._ready.result(START_TIMEOUT_S)
        self.key = self.new_key(AuthMethod.KEY)
        self.signing = self.new_key(AuthMethod.SIGNATURE)
        self.other = self.new_key(AuthMethod.KEY)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT_S)
        assert not self._thread.is_alive()

    def new_key(self, method: AuthMethod) -> Key:
        return self.call(lambda: self.house.store.accounts.create_project("a project", method))

    def call(self, function: Callable[[], Any]) -> Any:
        """The result of a coroutine function, run where the server runs."""

        async def run() -> Any:
            return await function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(START_TIMEOUT_S)

    def stored_files(self) -> dict[str, Path]:
        """The bytes that the server keeps, by access key."""
        return {path.name: path for path in (self._data / "blobs").rglob("*") if path.is_file()}

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Another process, or another connection of this one, holds the database: it can be read and not written."""
        connection = sqlite3.connect(self._data / "gesso.db", isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """The database may not grow, as on a full disk."""
        most = [1, 2**30]

        def bound(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={most[0]}")

        event.listen(self.house.store.database.engine, "begin", bound)
        try:
            yield
        finally:
            # Kept by each connection until it is told otherwise.
            most.reverse()

    def drain(self) -> None:
        """Let the server stop taking runs, while it answers the rest."""
        self.call(self.house.drain)

    def client(self, key: Key | None = None, **headers: str) -> httpx.Client:
        proof = {} if key is None else {"x-api-key": key.api_key}
        if key is not None and key.project.auth_method is AuthMethod.SIGNATURE:
            proof |= {"x-nonce": "1", "x-signature": signature(key.api_key, key.api_secret, "1")}
        return httpx.Client(base_url=f"{self.url}/v1", headers=proof | headers, timeout=FRAME_TIMEOUT_S)

    async def _serve(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
            self.house = House(self._settings)
            config = uvicorn.Config(
                self.house.app,
                http=Protocol,
                ws="websockets-sansio",
                lifespan="off",
                log_level="warning",
                proxy_headers=False,
                timeout_graceful_shutdown=2,
            )
            self._server = uvicorn.Server(config)
            await self.house.start()
        except BaseException as error:
            self._ready.set_exception(error)
            raise
        self._ready.set_result(None)
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            await self.house.drain()
            await self.house.stop()


class Socket:
    """A WebSocket client that reads frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, message: Any) -> None:
        self._connection.send(message if isinstance(message, str | bytes) else orjson.dumps(message).decode())

    def register(self, token: str) -> None:
        self.send({"type": "task_info", "tasktoken": token})

    def frame(self) -> dict[str, Any]:
        text = self._connection.recv(FRAME_TIMEOUT_S)
        assert isinstance(text, str)
        return orjson.loads(text)

    def until(self, *types: str) -> list[dict[str, Any]]:
        """Frames up to the first one of `types`."""
        frames = [self.frame()]
        while frames[-1]["type"] not in types:
            frames.append(self.frame())
        return frames


@contextlib.contextmanager
def socket_to(server: LiveServer, path: str = "/v1") -> Iterator[Socket]:
    """A socket that has been greeted."""
    with connect(f"ws://{server.origin}{path}", compression=None, max_size=8 * 2**20) as connection:
        socket = Socket(connection)
        assert socket.frame() == {"type": "connected", "version": "1.0"}
        yield socket


@contextlib.contextmanager
def web_server(files: dict[str, bytes]) -> Iterator[str]:
    """The origin of a foreign web server that has `files` by path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(client: httpx.Client, model: str = "gesso/echo", **fields: Any) -> dict[str, Any]:
    """Submit a run; its answer."""
    answer = client.post(f"/Run/{model}", json=fields).json()
    assert answer["result"], answer
    return answer


def record(client: httpx.Client, **names: Any) -> dict[str, Any]:
    """The record of one task."""
    answer = client.post("/Task/Detail", json=names).json()
    assert answer["result"], answer
    return answer["tasklist"][0]


def ended(server: LiveServer, client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """Run to the end; the record."""
    token = run(client, **fields)["socketaccesstoken"]
    with socket_to(server) as socket:
        socket.register(token)
        socket.until("task_postprocess_end", "task_cancel")
    return record(client, tasktoken=token)


@contextlib.contextmanager
def running(server: LiveServer, client: httpx.Client, **fields: Any) -> Iterator[dict[str, Any]]:
    """A run that has started and takes long; its answer. Killed in the end."""
    answer = run(client, delay=LONG_S, steps=LONG_S * 20, **fields)
    try:
        with socket_to(server) as socket:
            socket.register(answer["socketaccesstoken"])
            socket.until("task_output")
        yield answer
    finally:
        client.post("/Task/Kill", json={"tasktoken": answer["socketaccesstoken"]})
