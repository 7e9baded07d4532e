"""One HTTP request as dialects read it: path segments, headers, who sent it, and which origin it was sent to."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import AsyncIterator, Iterable
from urllib.parse import parse_qs, unquote

from starlette.types import Receive, Scope

from gesso.domain.errors import BodyTooLarge, BodyUnreadable

_HOST = re.compile(rb"[A-Za-z0-9._\-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


class Request:
    __slots__ = ("_origin", "_scope", "headers", "method", "receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._origin: str | None = None
        self.receive = receive
        self.method: str = scope.get("method", "GET")
        self.headers: dict[bytes, bytes] = dict(scope["headers"])

    def segments(self, prefix: str) -> list[str]:
        """The decoded parts of the path below `prefix`. Split before decoding: a slug may hold an encoded slash."""
        raw: bytes = self._scope.get("raw_path") or self._scope["path"].encode()
        below = raw.partition(b"?")[0][len(prefix) :].strip(b"/")
        return [unquote(part.decode("latin-1")) if b"%" in part else part.decode("latin-1") for part in below.split(b"/")]

    def query(self, name: str) -> str:
        given: bytes = self._scope["query_string"]
        if not given:
            return ""
        try:
            values = parse_qs(given.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return ""
        return values.get(name, [""])[-1]

    def address(self, trusted_proxies: tuple[str, ...]) -> str:
        """The client's IP address: the socket's, or where that is a trusted proxy's, the nearest untrusted one that it reports."""
        peer = self._scope.get("client")
        here: str = peer[0] if peer else ""
        if not trusted_proxies or not _is_within(here, trusted_proxies):
            return here
        lines = [value.decode("latin-1") for name, value in self._scope["headers"] if name == b"x-forwarded-for"]
        hops = [_without_port(hop.strip()) for line in lines for hop in line.split(",") if hop.strip()]
        return next((hop for hop in reversed(hops) if not _is_within(hop, trusted_proxies)), hops[0] if hops else here)

    def origin(self) -> str:
        """Scheme and host as the client wrote them, through any proxy in between.

        A false X-Forwarded-Host is believed: it changes only the URLs in the answer to whoever sent it.
        """
        if self._origin is None:
            self._origin = self._read_origin()
        return self._origin

    def _read_origin(self) -> str:
        headers = self.headers
        scheme = headers.get(b"x-forwarded-proto", b"").partition(b",")[0].strip().lower()
        if scheme not in (b"http", b"https"):
            scheme = b"https" if self._scope.get("scheme") in ("https", "wss") else b"http"
        for name in (b"x-forwarded-host", b"host"):
            host = headers.get(name, b"").partition(b",")[0].strip()
            if host and _HOST.fullmatch(host):
                return f"{scheme.decode()}://{host.decode()}"
        server = self._scope.get("server") or ("127.0.0.1", None)
        return f"{scheme.decode()}://{server[0]}" + (f":{server[1]}" if server[1] else "")

    def is_from_own_page(self) -> bool | None:
        """Whether a page of this very origin sent it, as browsers tell in headers that scripts cannot set; None where nothing is told."""
        site = self.headers.get(b"sec-fetch-site")
        if site is not None:
            return site == b"same-origin"
        # Browsers of before 2023 name the origin only, and not always.
        origin = self.headers.get(b"origin")
        return None if origin is None else origin.decode("latin-1") == self.origin()

    def loopback_origins(self) -> tuple[str, ...]:
        """How who is on this machine may write where the server listens, whatever this request was sent to."""
        server = self._scope.get("server")
        return _loopback(server[1]) if server and server[1] else ()

    def content_length(self) -> int | None:
        given = self.headers.get(b"content-length", b"")
        return int(given) if given.isdigit() and len(given) <= 18 else None

    def chunks(self, max_bytes: int) -> AsyncIterator[bytes]:
        """The body as it comes in. Errors: BodyTooLarge, BodyUnreadable when the client breaks off."""
        return _Chunks(self.receive, max_bytes)

    async def gone(self) -> None:
        """Returns when the client has gone away. Only after the body was read."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


class _Chunks:
    """The pieces of a body. A class, because each new generator is entered in the books of its event loop."""

    __slots__ = ("_has_more", "_max_bytes", "_receive", "_seen_bytes")

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._seen_bytes = 0
        self._has_more = True

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        while self._has_more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BodyUnreadable("the client went away in the middle of it")
            chunk: bytes = message.get("body", b"")
            self._has_more = message.get("more_body", False)
            self._seen_bytes += len(chunk)
            if self._seen_bytes > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            if chunk:
                return chunk
        raise StopAsyncIteration


def _without_port(hop: str) -> str:
    """Some proxies report the client's port too."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@functools.lru_cache(maxsize=16)
def _loopback(port: int) -> tuple[str, ...]:
    return tuple(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))


@functools.lru_cache(maxsize=256)
def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(entry, strict=False)


def _is_within(address: str, ranges: Iterable[str]) -> bool:
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(here, ipaddress.IPv6Address) and here.ipv4_mapped:
        here = here.ipv4_mapped
    return any(here in _network(entry) for entry in ranges)
