"""The database: how connections are made, one writer thread that commits in groups, a few readers.

SQLite takes one writer at a time, so one thread owns writing. While a commit waits for the disk, changes gather; the next commit
takes them all, so many clients share one fsync. Reads go on beside it (WAL).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from gesso.domain.errors import Unavailable
from gesso.domain.limits import (
    BUSY_TIMEOUT_S,
    COMMIT_GATHER_MIN_CHANGES,
    COMMIT_GATHER_S,
    COMMIT_MAX_CHANGES,
    COMMIT_RETRY_S,
    KIB,
    READERS_MAX_COUNT,
    WRITE_QUEUE_MAX_CHANGES,
)
from gesso.store.prepared import execute
from gesso.store.schema import HEAD

log = structlog.get_logger(__name__)
T = TypeVar("T")
_CACHED_STATEMENTS = 512
_ROOM_BYTES = 16 * KIB


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def make_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, every commit on disk before it returns) or PostgreSQL."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=READERS_MAX_COUNT + 1, pool_pre_ping=True)
    engine = create_engine(
        url,
        pool_size=READERS_MAX_COUNT + 1,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S, "cached_statements": _CACHED_STATEMENTS},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        # The driver would begin transactions on its own, and only before some statements; they are begun below instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-16384")
        # 16 MB of log and not 4 before it is put into the tables: pages that every commit touches are written there a quarter as often.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: a transaction that reads first and writes later can be refused in the middle.
        is_reader = connection.get_execution_options().get("is_reader", False)
        execute(connection, "BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine


def schema_version(engine: Engine) -> str:
    """The migration that the database is at; an empty text for a database without tables."""
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    except DBAPIError:
        return ""


def is_current(engine: Engine) -> bool:
    return schema_version(engine) == HEAD


class Change(Protocol):
    """Something to write. Changes of one kind that meet in one commit are written together, in order."""

    @property
    def is_refusable(self) -> bool: ...


@dataclass(slots=True)
class _Pending:
    change: Any
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A change made by a function, for writes that are rare: it runs in a savepoint of the shared transaction."""

    function: Callable[[Connection], Any]
    is_refusable: bool = True


class Database:
    """Reads and writes of one database, for one event loop.

    `write_group`: writes a sequence of changes that are no Calls within an open transaction; it raises a GessoError to refuse.
    """

    def __init__(self, engine: Engine, write_group: Callable[[Connection, Sequence[Any]], None]) -> None:
        self.engine = engine
        self._write_group = write_group
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS_MAX_COUNT, "gesso-reader")
        self._stopping = threading.Event()
        self._connection: Connection | None = None
        # Why the last commit was refused; empty when it was not.
        self.refusal = ""
        self._thread = threading.Thread(target=self._write_loop, name="gesso-writer", daemon=True)
        self._thread.start()

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run `function` in a reader's transaction, off the event loop. Errors: Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    def _read(self, function: Callable[[Connection], T]) -> T:
        try:
            with self.engine.connect().execution_options(is_reader=True) as connection, connection.begin():
                return function(connection)
        except OperationalError as error:
            raise Unavailable(_reason(error)) from error

    async def call(self, function: Callable[[Connection], T]) -> T:
        """Run `function` in the writer's transaction; its result after the commit. Errors: Unavailable, and what it raises."""
        return await self.put(Call(function))

    async def try_room(self) -> None:
        """Write as much as an order takes, and take it back. Errors: Unavailable."""
        await self.call(_take_room)

    def put(self, change: Change) -> asyncio.Future[Any]:
        """Put a change in line, in call order; the future is done after its commit.

        Errors: Unavailable when the line is full. Only new orders are held back by that: what follows from accepted ones is bounded by
        their number, and refusing it would lose it.
        """
        if change.is_refusable and self._queue.qsize() >= WRITE_QUEUE_MAX_CHANGES:
            raise Unavailable("too many writes wait for the disk")
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Pending(change, future))
        return future

    def close(self) -> None:
        """Write what is in line, then end. Changes that must not be refused are tried once more and then left to recovery."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()
        self._readers.shutdown()
        if self._connection is not None:
            self._connection.close()
        self.engine.dispose()

    def _write_loop(self) -> None:
        kept: list[_Pending] = []
        while True:
            was_stopping = self._stopping.is_set()
            batch, is_last = self._take(kept)
            if batch:
                kept = self._commit(batch)
            # What is kept may fill every batch, so that the end of the line would never be reached.
            if is_last or (kept and was_stopping):
                return
            if kept:
                self._stopping.wait(COMMIT_RETRY_S)
            elif len(batch) >= COMMIT_GATHER_MIN_CHANGES:
                # Where changes meet, there are more to come. The fewer commits they make, the less of the machine they take.
                self._stopping.wait(COMMIT_GATHER_S)

    def _take(self, kept: list[_Pending]) -> tuple[list[_Pending], bool]:
        """What to write next, and whether it is the last. Blocks until there is something."""
        batch = list(kept)
        if not batch:
            first = self._queue.get()
            if first is None:
                return batch, True
            batch.append(first)
        # Counted without those that are repeated: they must not keep a new order from being refused while the disk refuses.
        while len(batch) - len(kept) < COMMIT_MAX_CHANGES:
            try:
                pending = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
            if pending is None:
                return batch, True
            batch.append(pending)
        return batch, False

    def _commit(self, batch: list[_Pending]) -> list[_Pending]:
        """Write a batch in one transaction; what must be repeated is returned. Anything else is resolved."""
        try:
            self._transact(batch)
        except OperationalError as error:
            return self._refuse(batch, error)
        except Exception as error:
            # One change spoils the group: write each alone, so that only the culprit fails. This is the edge of the writer's loop: an
            # error that got past it would end the thread, and with it every write of the server.
            if len(batch) > 1:
                return [kept for pending in batch for kept in self._commit([pending])]
            batch[0].error = error
        else:
            self._note("")
        self._resolve(batch)
        return []

    def _transact(self, batch: list[_Pending]) -> None:
        # One connection is kept: taking one from the pool for each commit would cost as much as the statements.
        connection = self._connection or self.engine.connect()
        self._connection = None
        try:
            with connection.begin():
                group = [pending.change for pending in batch if type(pending.change) is not Call]
                if group:
                    self._write_group(connection, group)
                for pending in batch:
                    if type(pending.change) is Call:
                        self._run_call(connection, pending)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _run_call(self, connection: Connection, pending: _Pending) -> None:
        pending.error = None
        try:
            with connection.begin_nested():
                pending.result = pending.change.function(connection)
        except OperationalError:
            raise
        except Exception as error:
            pending.error = error

    def _refuse(self, batch: list[_Pending], error: OperationalError) -> list[_Pending]:
        self._note(_reason(error))
        refused = [pending for pending in batch if pending.change.is_refusable]
        for pending in refused:
            pending.error = Unavailable(self.refusal)
        self._resolve(refused)
        return [pending for pending in batch if not pending.change.is_refusable]

    def _note(self, refusal: str) -> None:
        # Once for each change: what may not be refused is tried again five times a second, and the log may lie on the same disk.
        if refusal != self.refusal:
            self.refusal = refusal
            if refusal:
                log.error("the database refuses writes", reason=refusal)
            else:
                log.info("the database takes writes again")

    def _resolve(self, batch: list[_Pending]) -> None:
        if batch:
            loop = batch[0].future.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, batch)


def _take_room(connection: Connection) -> None:
    # In a table of its own, which nobody sees: it is gone before the commit.
    connection.execute(text("CREATE TABLE gesso_room (filler TEXT)"))
    connection.execute(text("INSERT INTO gesso_room VALUES (:filler)"), {"filler": "x" * _ROOM_BYTES})
    connection.execute(text("DROP TABLE gesso_room"))


def _settle(batch: list[_Pending]) -> None:
    for pending in batch:
        if pending.future.cancelled():
            continue
        if pending.error is not None:
            pending.future.set_exception(pending.error)
        else:
            pending.future.set_result(pending.result)


def _reason(error: DBAPIError) -> str:
    words = str(error.orig).lower()
    if "full" in words or "no space" in words:
        return "the disk is full"
    if "locked" in words or "busy" in words:
        return "the database is locked by another process"
    return "the database cannot be written"
