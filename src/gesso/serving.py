"""Runs a House behind uvicorn: binds the socket, starts, drains on SIGTERM or SIGINT, stops."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any, cast
from weakref import ref

import httptools
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gesso.api.dialect import WHOLE
from gesso.config import Settings
from gesso.domain.limits import HEAD_MAX_BYTES, HEAD_WAIT_S, KIB, SOCKET_MESSAGE_MAX_BYTES, SOCKET_PING_S
from gesso.wiring import House

_BACKLOG = 2048
_CLOSE_GRACE_S = 5
# The writer thread takes turns with the event loop; the interpreter's default turn of 5 ms would be the latency of every request.
_SWITCH_INTERVAL_S = 0.0005
# Objects between two rounds of the garbage collector. With the usual 700 it had a round for every task, and found nothing: what a task
# leaves has no cycles.
_GC_THRESHOLD = 20_000
# What would end a header early. Names are our own.
_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# More than this is not held back: whoever writes it waits for the client to read.
_HELD_MAX_BYTES = 64 * KIB


class _Server(uvicorn.Server):
    """At the first signal the House drains while requests are still answered; the second one ends at once, and who waits is sent away."""

    def __init__(self, config: uvicorn.Config, on_signal: Callable[[], object], on_second_signal: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_signal = on_signal
        self._on_second_signal = on_second_signal
        self._signals = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals == 1:
            self._on_signal()
        else:
            self._on_second_signal()
            super().handle_exit(sig, frame)
            self.force_exit = self.force_exit or sig == signal.SIGINT


class _Joined:
    """A transport that sends what is written within one turn of the loop in one piece: the head of an answer with its body. Each write is
    a system call that wakes the client, and it would be woken for half an answer."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._held_bytes = 0
        # Asked for with each answer, and so not by way of `__getattr__`.
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _HELD_MAX_BYTES:
            self.flush()

    def push(self, data: bytes) -> None:
        """Send `data` now, after what was held back."""
        self._parts.append(data)
        self.flush()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        if self._parts:
            joined = b"".join(self._parts)
            self._parts.clear()
            self._held_bytes = 0
            # The client may have gone since.
            if not self.is_closing():
                self._transport.write(joined)


class _Parser(httptools.HttpRequestParser):
    """What the plain parser leaves open.

    A request that offers another protocol is read as if it did not: Java's HttpClient and Ktor offer HTTP/2 with every one, and the plain
    parser stops at the end of its head, so that its body is lost. Source: RFC 9110, section 7.8.

    A head, or what stands after a body in chunks, has a limit: the plain parser keeps all of it in memory, however long it grows.
    """

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol)
        # As uvicorn sets it: the first of several requests is answered, though more comes after one that closes.
        self.set_dangerous_leniencies(lenient_data_after_close=True)
        self._protocol = protocol
        self._kept_bytes = 0

    @property
    def is_amid_head(self) -> bool:
        """Whether something was fed that is not handed on yet."""
        return self._kept_bytes > 0

    def feed_data(self, data: bytes) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        parser = self
        self._protocol.has_gone_on = False
        while True:
            try:
                super(_Parser, parser).feed_data(data)
                break
            except httptools.HttpParserUpgrade as offer:
                if not self._protocol.declines_offer():
                    raise
                data = self._protocol.head_without_offer() + data[offer.args[0] :]
                # One that has read the end of a connection would read no more.
                parser = self._protocol.parser = _Parser(self._protocol)
        parser._kept_bytes = 0 if self._protocol.has_gone_on else parser._kept_bytes + len(data)
        if parser._kept_bytes > HEAD_MAX_BYTES:
            raise httptools.HttpParserError("the head is too long")


class Protocol(HttpToolsProtocol):
    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.parser = _Parser(self)
        # Whether what was fed last was handed on, and not only kept.
        self.has_gone_on = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._joined = _Joined(transport)
        super().connection_made(cast(asyncio.Transport, self._joined))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_head()
        super().connection_lost(exc)
        if self.cycle is not None:
            self.cycle.scope.pop("extensions", None)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.parser.is_amid_head and self._head_timer is None:
            self._await_head()

    def _await_head(self) -> None:
        """Close the connection unless a head is whole in time: a client that sends one byte an hour would keep it for ever."""
        self._head_timer = asyncio.get_running_loop().call_later(HEAD_WAIT_S, self._joined.close)

    def _have_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_response_complete(self) -> None:
        # The answer is whole: it goes before whatever else waits for its turn of the loop.
        self._joined.flush()
        super().on_response_complete()

    def on_headers_complete(self) -> None:
        self.has_gone_on = True
        self._have_head()
        if not self.declines_offer():
            super().on_headers_complete()
            if self.cycle is not None and self.cycle.scope is self.scope:
                self.scope["extensions"] = {WHOLE: {"send": partial(self._send_whole, ref(self.cycle))}}

    def _send_whole(self, of_cycle: ref[RequestResponseCycle], status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer, which has a content-length, in one piece; False for one that must go the long way. That takes a message for
        the head and one for the body, and looks at each header on its own.

        `of_cycle`: weak, because the cycle has the scope that has this, and each request would be left to the garbage collector.
        """
        cycle = of_cycle()
        assert cycle is not None, "whoever answers is run by the cycle"
        must_go_the_long_way = (
            cycle.response_started
            or cycle.disconnected
            or cycle.flow.write_paused
            or not cycle.keep_alive
            or status < 200
            or status in (204, 304)
            or cycle.scope["method"] == "HEAD"
            or _UNSAFE.search(b"\t".join([value for _, value in headers])) is not None
        )
        if must_go_the_long_way:
            return False
        lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers)]
        self._joined.push(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        cycle.on_response()
        return True

    def on_body(self, body: bytes) -> None:
        self.has_gone_on = True
        # Of a body in chunks, what stands before a chunk is kept too.
        self._have_head()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.has_gone_on = True
        self._have_head()
        if not self.declines_offer():
            super().on_message_complete()

    def declines_offer(self) -> bool:
        """Whether the head that was just read offers a protocol other than WebSocket. It comes again without that."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT" and not self._should_upgrade()

    def head_without_offer(self) -> bytes:
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))


def bind(host: str, port: int) -> socket.socket:
    """A listening socket: clients may connect at once, and are answered when the server is ready.

    Errors: OSError when the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because loops set TCP_NODELAY on nothing else: without it an answer in two pieces waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def serve(settings: Settings, listener: socket.socket, on_ready: Callable[[House], None]) -> None:
    """Serve until a signal comes. `on_ready` is called once tasks are accepted. Errors: DataInUse, OSError, sqlalchemy's."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.set_threshold(_GC_THRESHOLD)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener, on_ready))


async def _serve(settings: Settings, listener: socket.socket, on_ready: Callable[[House], None]) -> None:
    host, port = listener.getsockname()[:2]
    house = House(settings, own_url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    config = uvicorn.Config(
        house.app,
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=SOCKET_MESSAGE_MAX_BYTES,
        ws_ping_interval=SOCKET_PING_S,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        # Its lines go where ours do.
        log_config=None,
        log_level="warning",
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_CLOSE_GRACE_S,
        proxy_headers=False,
    )
    server = _Server(
        config,
        on_signal=lambda: loop.call_soon_threadsafe(signalled.set),
        on_second_signal=lambda: loop.call_soon_threadsafe(house.hang_up),
    )
    try:
        await house.start()
        # What the server is made of stays to its end: no round of the garbage collector need go through it again.
        gc.freeze()
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        on_ready(house)
        waiting = asyncio.ensure_future(signalled.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await house.drain()
        server.should_exit = True
        await serving
    finally:
        await house.drain()
        await house.stop()
