"""Addresses that clients give: downloads of inputs, and the guarded HTTP client that webhooks use.

Owns the rule of what an outgoing connection may reach. It is checked where sockets are opened, on the very address that is then
connected to, so that neither a redirect nor a name that changes its mind (DNS rebinding) nor an odd spelling gets past it. Logs hosts
and nothing else of an address: the rest may carry secrets. Source: the IANA special-purpose address registries; decision 0007.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

import httpcore
import httpx
import structlog

from gesso import __version__
from gesso.domain.errors import BodyTooLarge, FetchRefused
from gesso.domain.file import extension_of, safe_name
from gesso.domain.limits import (
    FETCH_CONNECT_TIMEOUT_S,
    FETCH_REDIRECTS_MAX_COUNT,
    FETCH_TIMEOUT_S,
    FILE_MAX_BYTES,
    KIB,
    MIB,
    URL_MAX_CHARACTERS,
)
from gesso.ports import AddressForbidden, BlobWriter

log = structlog.get_logger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_CONNECTIONS_MAX_COUNT = 64
_RESOLVER_THREADS = 8
_ADDRESSES_MAX_COUNT = 4
_KEEPALIVE_S = 5.0
_SHOWN_MAX_CHARACTERS = 300
_REDIRECTS = (301, 302, 303, 307, 308)
_TOO_LARGE = f"the file is larger than the limit of {FILE_MAX_BYTES // MIB} MiB"
_HEADERS = {
    "User-Agent": f"gesso/{__version__}",
    "Accept": "*/*",
    # Compressed bytes would need a second limit, on what they unpack to.
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_FORBIDDEN_IPV4 = (
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.0.2.0/24, 192.88.99.0/24, "
    "192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4, "
    # A public address under which a large cloud's virtual machines reach their own host.
    "168.63.129.16/32"
)
# Protocol assignments with Teredo, documentation, 6to4; what is outside 2000::/3 is forbidden as a whole.
_FORBIDDEN_IPV6 = "2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20"
_FORBIDDEN = tuple(ip_network(text) for text in f"{_FORBIDDEN_IPV4}, {_FORBIDDEN_IPV6}".split(", "))
# Of a Content-Disposition header. Source: RFC 6266, section 4.3; RFC 5987.
_EXTENDED_NAME = re.compile(r"\bfilename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r'\bfilename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]+))', re.IGNORECASE)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(httpx.ConnectError):
    """A host that may not be connected to, or that has no address; the text says why. For webhooks it is a failed delivery."""


class _PrivateAddress(AddressRefused, AddressForbidden):
    """An address that only the operator may open."""


class HttpFetch:
    """The port `Fetch` over HTTP. Nothing is opened or loaded before the first fetch."""

    def __init__(
        self,
        allowed_ranges: Iterable[Network] = (),
        *,
        resolve: Resolve | None = None,
        ssl_context: ssl.SSLContext | None = None,
        timeout_s: float = FETCH_TIMEOUT_S,
    ) -> None:
        """`allowed_ranges` are opened although they would be forbidden; `timeout_s` holds for all of a fetch, redirects included."""
        guard = _GuardedBackend(tuple(allowed_ranges), resolve or _SystemResolver())
        # No client around it: that would add cookies of other fetches, credentials of the machine, and a log line with the address.
        self._transport = _GuardedTransport(guard, ssl_context)
        self._timeout_s = timeout_s

    async def fetch(self, url: str, writer: BlobWriter) -> str:
        """Download `url` into `writer`; the file name that it suggests. After an error the caller discards the writer.

        Errors: FetchRefused, whose `url` lacks the query (it may be a secret); Unavailable from the writer.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(url.strip(), writer)
        except (TimeoutError, httpx.HTTPError, BodyTooLarge) as error:
            raise FetchRefused(_shown(url), self._sentence(error)) from error

    async def close(self) -> None:
        await self._transport.aclose()

    async def _follow(self, text: str, writer: BlobWriter) -> str:
        first = url = _checked(text)
        for _ in range(FETCH_REDIRECTS_MAX_COUNT + 1):
            async with aclosing(await self._open(url)) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    await _download(response, writer)
                    return suggested_name(response, url, first)
            following = _checked(response.headers["location"], url)
            if url.scheme == "https" and following.scheme == "http":
                raise _NotFetched("it leads on from https to http; give the final address if that is meant")
            url = following
        raise _NotFetched(f"it leads on to other addresses more than {FETCH_REDIRECTS_MAX_COUNT} times")

    async def _open(self, url: httpx.URL) -> httpx.Response:
        timeout = httpx.Timeout(self._timeout_s, connect=FETCH_CONNECT_TIMEOUT_S)
        request = httpx.Request("GET", url, headers=_HEADERS, extensions={"timeout": timeout.as_dict()})
        return await self._transport.handle_async_request(request)

    def _sentence(self, error: Exception) -> str:
        """Why, in words for the person who gave the address. Nothing here tells more than that person could find out from outside."""
        if isinstance(error, AddressRefused | _NotFetched):
            return str(error)
        if isinstance(error, BodyTooLarge):
            return _TOO_LARGE
        if isinstance(error, httpx.ConnectTimeout):
            return f"the server did not answer within {FETCH_CONNECT_TIMEOUT_S:g} seconds"
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return f"it took longer than {self._timeout_s:g} seconds"
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return "the server has no valid certificate for this name"
            cause = cause.__cause__ or cause.__context__
        return "the server did not answer" if isinstance(error, httpx.ConnectError) else "the server broke off its answer"


def guarded_client(
    allowed_ranges: Iterable[Network] = (),
    *,
    resolve: Resolve | None = None,
    ssl_context: ssl.SSLContext | None = None,
    timeout_s: float = FETCH_TIMEOUT_S,
) -> httpx.AsyncClient:
    """A client under the same rule, without redirects, proxies, cookies or credentials of the machine. `timeout_s`: per read and write.

    A forbidden address raises AddressRefused. httpx logs each URL on the logger `httpx` at INFO: keep that above INFO.
    """
    guard = _GuardedBackend(tuple(allowed_ranges), resolve or _SystemResolver())
    return httpx.AsyncClient(
        transport=_GuardedTransport(guard, ssl_context),
        timeout=httpx.Timeout(timeout_s, connect=FETCH_CONNECT_TIMEOUT_S),
        headers={"User-Agent": _HEADERS["User-Agent"], "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def is_forbidden(address: Address) -> bool:
    """Whether only the operator may open `address`: private, local, reserved, or a wrapping of such a one."""
    if isinstance(address, IPv6Address):
        inner = _unwrapped(address)
        if inner is not address:
            return is_forbidden(inner)
        if address not in _GLOBAL_UNICAST:
            return True
    return any(address in network for network in _FORBIDDEN)


class _NotFetched(httpx.TransportError):
    """The answer, or the address itself, cannot be used; the text says why."""


class _SystemResolver:
    """The resolver of the machine, in threads of its own: a name server that hangs must hold up nothing else."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        return [str(entry[4][0]) for entry in found]


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens sockets: resolves once, checks, and connects to the checked address. TLS still verifies the name, not the address."""

    def __init__(self, allowed_ranges: tuple[Network, ...], resolve: Resolve) -> None:
        self._allowed_ranges = allowed_ranges
        self._resolve = resolve
        # httpcore declares a stand-in under this name for installations without anyio; ours always has it.
        self._inner: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()  # pyright: ignore[reportAttributeAccessIssue]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = self._permitted(host, await self._resolve(host, port))
        except TimeoutError:
            raise AddressRefused(f"the name {host} could not be resolved in time") from None
        except (OSError, ValueError):
            raise AddressRefused(f"there is no host of the name {host}") from None
        share_s = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            # A machine without IPv6 still learns of IPv6 addresses, first in the list.
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(str(address), port, share_s, local_address, socket_options)
        return await self._inner.connect_tcp(str(addresses[-1]), port, share_s, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("it is not on the network")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    def _permitted(self, host: str, texts: Sequence[str]) -> list[Address]:
        """The addresses that may be connected to: those that the operator opened, or else all, if not one is forbidden."""
        addresses = list(dict.fromkeys(ip_address(text) for text in texts))
        opened = [
            address
            for address in addresses
            if any(address in network or _unwrapped(address) in network for network in self._allowed_ranges)
        ]
        if opened:
            return opened
        for address in addresses:
            if is_forbidden(address):
                # What a name leads to inside is for the operator. Told to clients, it would make this server their name server.
                log.info("a private address is refused", host=host, address=str(address))
                raise _PrivateAddress("it leads to a private address, which this server does not fetch from")
        if not addresses:
            raise AddressRefused(f"there is no host of the name {host}")
        return addresses[:_ADDRESSES_MAX_COUNT]


class _GuardedTransport(httpx.AsyncBaseTransport):
    """httpx's transport behind the guard, made at first use: reading the trusted certificates takes 80 ms (measured)."""

    def __init__(self, guard: _GuardedBackend, ssl_context: ssl.SSLContext | None) -> None:
        self._guard = guard
        self._ssl_context = ssl_context
        self._inner: _PooledTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._inner is None:
            ssl_context = self._ssl_context or await asyncio.to_thread(_trusting_context)
            # Another request may have come this far during the wait.
            self._inner = self._inner or _PooledTransport(self._guard, ssl_context)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        if self._inner is not None:
            await self._inner.aclose()


class _PooledTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, its requests and errors included, on a pool that opens sockets only through the guard."""

    def __init__(self, guard: _GuardedBackend, ssl_context: ssl.SSLContext) -> None:
        # The parent's constructor is left out on purpose: it would make an unguarded pool, which a changed httpx could go on using.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=_CONNECTIONS_MAX_COUNT,
            max_keepalive_connections=_CONNECTIONS_MAX_COUNT,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=guard,
        )


@functools.cache
def _trusting_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped or a NAT64 address stands for. Source: RFC 4291, section 2.5.5.2; RFC 6052, section 2.1."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _checked(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """An address that may be tried; `base` is what a redirect is relative to. Errors: _NotFetched."""
    if len(text) > URL_MAX_CHARACTERS:
        raise _NotFetched(f"it is longer than {URL_MAX_CHARACTERS} characters")
    try:
        url = base.join(text) if base else httpx.URL(text)
        is_whole = bool(url.host) and 0 < (url.port or 80) < 2**16
    except (httpx.InvalidURL, ValueError) as error:
        raise _NotFetched("it is not a valid address") from error
    if url.scheme not in ("http", "https"):
        raise _NotFetched("only http and https addresses can be fetched")
    if url.userinfo:
        raise _NotFetched("it carries a user name or a password, which this server does not send")
    if not is_whole:
        raise _NotFetched("it names no host, or no valid port")
    return url


async def _download(response: httpx.Response, writer: BlobWriter) -> None:
    if not response.is_success:
        raise _NotFetched(f"the server answered {response.status_code}")
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise _NotFetched("the server sent it compressed, although it was asked not to")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > FILE_MAX_BYTES:
        raise BodyTooLarge(FILE_MAX_BYTES)
    size_bytes = 0
    async for chunk in response.aiter_raw():
        size_bytes += len(chunk)
        if size_bytes > FILE_MAX_BYTES:
            raise BodyTooLarge(FILE_MAX_BYTES)
        await writer.write(chunk)


def suggested_name(response: httpx.Response, url: httpx.URL, first: httpx.URL) -> str:
    """The name that the server gives, or the end of the address: of the final one, unless only the given one has an extension."""
    header = response.headers.get("content-disposition", "")[:KIB]
    if extended := _EXTENDED_NAME.search(header):
        return safe_name(unquote(extended[2], encoding=extended[1], errors="replace"))
    if plain := _PLAIN_NAME.search(header):
        return safe_name(plain[1] or plain[2] or "")
    names = [safe_name(address.path) for address in (url, first)]
    return next((name for name in names if extension_of(name)), names[0])


def _shown(url: str) -> str:
    """An address as error texts show it: texts end up in tasks, pages and logs, and queries and credentials are secrets."""
    plain = re.split(r"[?#]", url.strip(), maxsplit=1)[0]
    return re.sub(r"//[^/]*@", "//", plain)[:_SHOWN_MAX_CHARACTERS]
