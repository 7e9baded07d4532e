"""Both ends of the socket between server and Worker: messages as JSON lines, bounded, nothing of processes or runs.

The server's end hangs on the event loop with plain socket calls, without asyncio's streams, because those would be most of the round
trip. The Worker's end blocks while it is idle and is asked between two steps of a run, so that it needs no reading thread.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from gesso.domain.limits import KIB, MESSAGE_MAX_BYTES
from gesso.execution.protocol import (
    Kill,
    ProtocolError,
    ServerMessage,
    Shutdown,
    WorkerMessage,
    decode_from_server,
    decode_from_worker,
    encode,
)

if TYPE_CHECKING:
    # The Worker imports this module too, and asyncio would be a third of its start.
    from asyncio import AbstractEventLoop

_READ_BYTES = 64 * KIB
_DRAIN_READS_MAX_COUNT = 64


class Frames:
    """Cuts a stream of bytes into lines. Pure."""

    def __init__(self, max_bytes: int = MESSAGE_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends. Errors: ProtocolError for a line over `max_bytes`."""
        if not self._buffer and len(data) <= self._max_bytes and data.endswith(b"\n"):
            # Whole messages, as they nearly always come.
            return data[:-1].split(b"\n")
        scanned = len(self._buffer)
        self._buffer += data
        end = self._buffer.rfind(b"\n", scanned)
        lines: list[bytes] = []
        if end >= 0:
            lines = bytes(self._buffer[:end]).split(b"\n")
            del self._buffer[: end + 1]
        if len(self._buffer) > self._max_bytes or any(len(line) > self._max_bytes for line in lines):
            raise ProtocolError(f"a message of more than {self._max_bytes} bytes")
        return lines


class ServerChannel:
    """The server's end. Calls `on_message` for each message, and at last `on_end`, once unless closed before.

    `on_end` is told "" when the Worker closed its end, else how it broke the protocol.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        connection: socket.socket,
        on_message: Callable[[WorkerMessage], None],
        on_end: Callable[[str], None],
    ) -> None:
        connection.setblocking(False)
        self._loop = loop
        self._connection = connection
        self._on_message = on_message
        self._on_end = on_end
        self._frames = Frames()
        self._unsent = bytearray()
        self._is_open = True
        self._is_heard = True
        loop.add_reader(connection.fileno(), self._read)

    def send(self, line: bytes) -> None:
        """Send one encoded message, later if the Worker is not reading. To a Worker that is gone: dropped, its exit is told otherwise."""
        if not self._is_open:
            return
        assert len(self._unsent) <= 2 * MESSAGE_MAX_BYTES, "the Worker is sent more than one order at a time"
        if not self._unsent:
            line = line[self._write(line) :]
        if line:
            if not self._unsent:
                self._loop.add_writer(self._connection.fileno(), self._flush)
            self._unsent += line

    def drain(self) -> None:
        """Handle what has arrived, without waiting for more."""
        for _ in range(_DRAIN_READS_MAX_COUNT):
            if not self._is_heard or not self._read():
                return

    def close(self) -> None:
        self._stop_hearing()
        if self._is_open:
            self._is_open = False
            self._loop.remove_writer(self._connection.fileno())
            self._connection.close()

    def _read(self) -> bool:
        """Whether anything had arrived."""
        try:
            data = self._connection.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            # Not closed: that would end the process by its watchdog, and its own exit code says more.
            self._stop_hearing()
            self._on_end("")
            return False
        try:
            for line in self._frames.feed(data):
                self._on_message(decode_from_worker(line))
                if not self._is_heard:
                    return False
        except ProtocolError as error:
            self.close()
            self._on_end(f"broke the protocol: {error}")
        return True

    def _stop_hearing(self) -> None:
        if self._is_heard:
            self._is_heard = False
            self._loop.remove_reader(self._connection.fileno())

    def _write(self, data: bytes | bytearray) -> int:
        """The number of bytes taken; all of them when nobody will ever read."""
        try:
            return self._connection.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def _flush(self) -> None:
        del self._unsent[: self._write(self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._connection.fileno())


class WorkerChannel:
    """The Worker's end. Any thread of the Engine may send; a message is never torn."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = Frames()
        self._arrived: deque[ServerMessage] = deque()
        self._held = b""
        self._sending = threading.Lock()
        self._receiving = threading.Lock()

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: WorkerMessage) -> None:
        """Send, and wait while the server is behind. Errors: OSError when the server is gone."""
        line = encode(message)
        with self._sending:
            held, self._held = self._held, b""
            self._connection.sendall(held + line)

    def hold(self, message: WorkerMessage) -> None:
        """Send it with the next one: the server has no use for it before, and is woken once less."""
        line = encode(message)
        with self._sending:
            self._held += line

    def wait(self) -> ServerMessage | None:
        """The next message, as long as it takes; None when the server is gone. Errors: ProtocolError."""
        with self._receiving:
            while not self._arrived:
                if not self._receive(0):
                    return None
            return self._arrived.popleft()

    def is_stop_asked(self, run_id: str) -> bool:
        """Whether a Kill of this run, or a Shutdown, has come. Takes nothing away: what was not for a thread that an Engine left behind
        must not be lost to it. Errors: ProtocolError; OSError when the server is gone."""
        with self._receiving:
            try:
                if not self._receive(socket.MSG_DONTWAIT):
                    raise ConnectionResetError("the server is gone")
            except BlockingIOError:
                pass
            return any(isinstance(message, Shutdown) or message == Kill(run_id) for message in self._arrived)

    def _receive(self, flags: int) -> bool:
        data = self._connection.recv(_READ_BYTES, flags)
        self._arrived.extend(decode_from_server(line) for line in self._frames.feed(data))
        return bool(data)
