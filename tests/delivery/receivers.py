"""Receivers of webhooks on this machine, and an outbox over a real database to send to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson

from gesso.config import Settings
from gesso.delivery.bus import Bus
from gesso.delivery.outbox import Outbox
from gesso.delivery.webhooks import Sender
from gesso.domain.event import Cancelled
from gesso.domain.notice import Delivery, Notice
from gesso.domain.project import AuthMethod
from gesso.domain.task import Task
from gesso.ports import Clock
from gesso.services.lifecycle import Lifecycle
from gesso.store.fetch import guarded_client
from gesso.store.notices import SqlNotices
from gesso.store.tasks import SqlTasks
from gesso.store.vault import Vault, load_secret_key
from gesso.testing import FakeClock, make_task
from gesso.wiring import Store

LOOPBACK = (ip_network("127.0.0.0/8"),)
TIMEOUT_S = 20
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Posted:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


def status(code: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def hang(writer: asyncio.StreamWriter) -> None:
    """Answer nothing, as long as the sender stays."""
    await asyncio.Event().wait()


class Receiver:
    """Answers in the order given; the last answer goes on. `connections`: how many were opened."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers or [status(200, b"thanks")])
        self._handlers: set[asyncio.Task[Any]] = set()
        self.posted: asyncio.Queue[Posted] = asyncio.Queue()
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?secret=1"

    async def next(self) -> Posted:
        async with asyncio.timeout(TIMEOUT_S):
            return await self.posted.get()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
            body = await reader.readexactly(int(headers["content-length"]))
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            self.posted.put_nowait(Posted(line, headers, body))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._handlers.discard(task)
            writer.close()

    async def close(self) -> None:
        for handler in list(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)


@asynccontextmanager
async def receiving(*answers: Answer) -> AsyncIterator[Receiver]:
    receiver = Receiver(*answers)
    listening = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    receiver.port = listening.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        listening.close()
        await receiver.close()


class WatchedNotices(SqlNotices):
    """The real store, which tells of each try that is on disk."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.recorded: asyncio.Queue[tuple[Notice, Delivery, int]] = asyncio.Queue()

    async def record(self, notice: Notice, delivery: Delivery, due_at: int) -> None:
        await super().record(notice, delivery, due_at)
        self.recorded.put_nowait((notice, delivery, due_at))


class PostOffice:
    """An outbox in a data folder of its own, with the lifecycle that fills it. It is started by `outbox.start()`."""

    def __init__(self, folder: Path, clock: Clock | None = None, timeout_s: float = TIMEOUT_S, allowed: Any = LOOPBACK) -> None:
        self.store = Store(Settings(data=folder))
        self.clock = clock or FakeClock()
        self.notices = WatchedNotices(self.store.database, Vault(load_secret_key(folder / "secret.key")), self.clock)
        self.tasks = SqlTasks(self.store.database)
        self.lifecycle = Lifecycle(self.tasks, Bus(), self.clock)
        sender = Sender(guarded_client(allowed), timeout_s)
        self.outbox = Outbox(self.notices, self.lifecycle.see, {"test": self._encode}, sender, self.clock, lambda: 0.0)
        self.lifecycle.observe(self.outbox.observe)

    async def _encode(self, task: Task) -> bytes:
        return orjson.dumps({"task": task.id, "state": task.state.value})

    async def project(self) -> int:
        return (await self.store.accounts.create_project("a project", AuthMethod.KEY)).project.id

    async def end_a_task(self, url: str, project_id: int = 1, dialect: str = "test") -> Task:
        """A Task that gave `url` and ends now."""
        task = make_task(id=self.tasks.next_id(), callback_url=url, project_id=project_id, dialect=dialect)
        await self.lifecycle.create(task, ())
        await self.lifecycle.record(task.id, None, Cancelled())
        return await self.lifecycle.see(task.id)

    async def recorded(self) -> tuple[Notice, Delivery, int]:
        """The next try that is on disk, and when the following one is due."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.notices.recorded.get()


@asynccontextmanager
async def post_office(folder: Path, **options: Any) -> AsyncIterator[PostOffice]:
    """A post office with one project that is open, and closed at the end."""
    office = PostOffice(folder, **options)
    try:
        await office.project()
        office.outbox.start()
        yield office
    finally:
        await office.outbox.stop(0)
        office.store.close()
