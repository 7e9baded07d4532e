"""The port `Fetch` over HTTP, against small real servers: what may be reached, what is taken, and what a refusal says."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.domain.errors import BodyTooLarge, FetchRefused, Unavailable
from gesso.domain.file import Received
from gesso.domain.limits import FETCH_REDIRECTS_MAX_COUNT, FILE_MAX_BYTES, MIB, URL_MAX_CHARACTERS
from gesso.store.blobs import FolderBlobs
from gesso.store.fetch import AddressRefused, HttpFetch, guarded_client, is_forbidden, suggested_name

LOOPBACK = (ip_network("127.0.0.0/8"),)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)
Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
Scenario = Callable[["Server"], Awaitable[None]]


class Server:
    """One answer for each path; everything that arrives is noted."""

    def __init__(self, answers: dict[str, bytes | Answer]) -> None:
        self.answers = answers
        self.heads: list[str] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            answer = self.answers[head.split()[1].partition("?")[0]]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(head, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def url(self, path: str = "/a.png", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


class Anywhere(dict[str, bytes | Answer]):
    """The same answer for every path."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def __missing__(self, path: str) -> bytes:
        return self.answer


def serve(answers: dict[str, bytes | Answer], scenario: Scenario, tls: ssl.SSLContext | None = None) -> Server:
    """Run `scenario` beside a server on 127.0.0.1."""
    server = Server(answers)

    async def both() -> None:
        listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        async with listening:
            await scenario(server)

    asyncio.run(both())
    return server


class Memory:
    """A `BlobWriter` that counts, and keeps the first megabyte."""

    def __init__(self) -> None:
        self.content = b""
        self.size_bytes = 0

    async def write(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        if self.size_bytes > FILE_MAX_BYTES:
            raise BodyTooLarge(FILE_MAX_BYTES)
        if self.size_bytes < MIB:
            self.content += chunk

    async def finish(self, file_name: str) -> Received:
        raise AssertionError("who fetches leaves the finishing to others")

    async def discard(self) -> None: ...


def ok(body: bytes = PNG, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


async def fetched(url: str, **options: Any) -> tuple[str, bytes]:
    fetch = HttpFetch(options.pop("allowed_ranges", LOOPBACK), **options)
    writer = Memory()
    try:
        return await fetch.fetch(url, writer), writer.content
    finally:
        await fetch.close()


async def refusal(url: str, **options: Any) -> str:
    with pytest.raises(FetchRefused) as caught:
        await fetched(url, **options)
    return caught.value.reason


def answers_with(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver that gives the same addresses to every name."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def test_a_file_is_fetched_under_its_name(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)

    async def scenario(server: Server) -> None:
        fetch = HttpFetch(LOOPBACK, resolve=answers_with("127.0.0.1"))
        for _ in range(2):
            writer = blobs.receive()
            name = await fetch.fetch(server.url("/dir/a%20cat.png?x=1#y", host="Pictures.example"), writer)
            received = await writer.finish(name)
            assert (received.file_name, received.content_type) == ("a cat.png", "image/png")
            assert blobs.path(received.access_key).read_bytes() == PNG
        await fetch.close()

    server = serve({"/dir/a%20cat.png": ok(PNG, "Set-Cookie: a=b")}, scenario)
    blobs.close()
    for head in server.heads:
        lines = head.lower().splitlines()
        assert lines[0] == "get /dir/a%20cat.png?x=1 http/1.1"
        assert f"host: pictures.example:{server.port}" in lines
        assert "accept-encoding: identity" in lines
        assert not any(line.startswith(("cookie", "authorization")) for line in lines)


FORBIDDEN = """
    0.0.0.0 0.1.2.3 10.0.0.3 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.0.1 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1
    255.255.255.255 168.63.129.16 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1
    64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 64:ff9b:1::808:808 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1
    2001:db8::1 2002:7f00:1:: 2002:a00:1:: 2002:808:808:: 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1
"""
PUBLIC = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 2606:4700::1 2a00::1 ::ffff:8.8.8.8 64:ff9b::808:808"
SPELLINGS = """
    127.0.0.1 127.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0 0.0.0.0 localhost LOCALHOST localhost. 127.0.0.1. [::1] [::]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] ①②⑦.0.0.1 127。0。0。1
"""


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_an_address_that_is_not_public_is_refused_without_being_told_more(address: str) -> None:
    with structlog.testing.capture_logs() as logged:
        reason = asyncio.run(refusal("http://a.example/?secret", allowed_ranges=(), resolve=answers_with(address)))
    assert reason == "it leads to a private address, which this server does not fetch from"
    assert [(line["host"], line["address"]) for line in logged] == [("a.example", str(ip_address(address)))]


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_allowed(address: str) -> None:
    assert not is_forbidden(ip_address(address))


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_ipv6_changes_nothing(address: Any) -> None:
    assert is_forbidden(address) or address.is_global
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = ip_address(int(ip_address(prefix)) + int(address))
        assert is_forbidden(wrapped) == is_forbidden(address)


@given(st.ip_addresses(v=6))
def test_what_python_calls_not_global_is_forbidden(address: Any) -> None:
    wraps = address.ipv4_mapped or address in ip_network("64:ff9b::/96")
    assert is_forbidden(address) or address.is_global or wraps


@pytest.mark.parametrize("host", SPELLINGS.split())
def test_no_spelling_of_this_machine_gets_through(host: str) -> None:
    async def scenario(server: Server) -> None:
        assert await refusal(server.url(host=host), allowed_ranges=())

    assert serve({"/a.png": ok()}, scenario).heads == []


def test_an_opened_range_is_fetched_from_under_any_spelling() -> None:
    async def scenario(server: Server) -> None:
        for host in ("127.0.0.1", "127.1", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"):
            assert await fetched(server.url(host=host)) == ("a.png", PNG)

    serve({"/a.png": ok()}, scenario)


def test_one_forbidden_address_among_several_refuses_the_name() -> None:
    assert "private address" in asyncio.run(refusal("http://a.example/", resolve=answers_with("8.8.8.8", "10.0.0.3")))


def test_only_opened_addresses_are_used_where_there_are_any() -> None:
    async def scenario(server: Server) -> None:
        resolve = answers_with("10.0.0.3", "8.8.8.8", "127.0.0.1")
        assert (await fetched(server.url(host="a.example"), resolve=resolve))[1] == PNG

    serve({"/a.png": ok()}, scenario)


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def scenario(server: Server) -> None:
        resolve = answers_with("127.0.0.77", "127.0.0.77", "127.0.0.1")
        assert (await fetched(server.url(host="a.example"), resolve=resolve))[1] == PNG
        assert await refusal(server.url(host="a.example"), resolve=answers_with("127.0.0.77")) == "the server did not answer"

    serve({"/a.png": ok()}, scenario)


def test_a_name_that_changes_its_address_is_asked_once_for_each_connection() -> None:
    """DNS rebinding: the second answer is never connected to without being checked, nor asked for without a connection."""
    asked: list[str] = []
    answers = ["127.0.0.1", "127.0.0.1", "10.0.0.3", "127.0.0.1"]

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [answers[len(asked) - 1]]

    async def scenario(server: Server) -> None:
        url = server.url(host="rebind.example")
        assert (await fetched(url, resolve=resolve))[1] == PNG
        assert len(asked) == 1
        assert "private address" in await refusal(server.url("/again", host="rebind.example"), resolve=resolve)
        assert len(asked) == 3

    server = serve({"/a.png": ok(), "/again": redirect("/a.png")}, scenario)
    assert len(server.heads) == 2


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://10.0.0.3/", "private address"),
        ("http://169.254.169.254/latest/meta-data/", "private address"),
        ("//[::1]/", "private address"),
        ("http://user:secret@127.0.0.1/", "password"),
        ("file:///etc/passwd", "only http and https"),
        ("gopher://127.0.0.1/", "only http and https"),
        ("data:text/plain,x", "only http and https"),
        ("http://a.example:x/", "not a valid address"),
        ("http://a.example/" + "a" * URL_MAX_CHARACTERS, "longer than"),
        ("/loop", "more than 5 times"),
    ],
)
def test_each_redirect_is_checked(location: str, words: str) -> None:
    async def scenario(server: Server) -> None:
        assert words in await refusal(server.url("/loop"))

    server = serve({"/loop": redirect(location)}, scenario)
    assert len(server.heads) == (FETCH_REDIRECTS_MAX_COUNT + 1 if location == "/loop" else 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int) -> None:
    async def scenario(server: Server) -> None:
        assert await fetched(server.url("/1.png")) == ("1.png", PNG)

    serve({"/1.png": redirect("sub/2", status), "/sub/2": redirect("../3", status), "/3": ok()}, scenario)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "only http and https"),
        ("a.png", "only http and https"),
        ("ftp://a.example/a", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("http://", "names no host"),
        ("http:///a.png", "names no host"),
        ("http://user@a.example/", "user name"),
        ("http://a.example:99999/", "no valid port"),
        ("http://a.example:0x50/", "not a valid address"),
        ("http://a\r\nb.example/", "not a valid address"),
        ("http://a.example/\x00", "not a valid address"),
        ("http://" + "a" * 64 + ".example/", "no host of the name"),
        ("http://[fe80::1%25eth0]/", "no host of the name"),
        ("https://a.example/" + "x" * URL_MAX_CHARACTERS, "longer than"),
    ],
)
def test_addresses_that_cannot_be_tried(url: str, words: str) -> None:
    assert words in asyncio.run(refusal(url))


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long"), None])
def test_a_name_that_nobody_knows(error: Exception | None) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        if error:
            raise error
        return []

    assert asyncio.run(refusal("http://a.example/", resolve=resolve)) == "there is no host of the name a.example"


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    assert "longer than 0.05 seconds" in asyncio.run(refusal("http://a.example/", resolve=resolve, timeout_s=0.05))


async def drip(head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0)


async def drip_headers(head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"a: b\r\n" * 1000)
        await writer.drain()


async def stay_silent(head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
    await writer.drain()
    await asyncio.Event().wait()


async def never_end(head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not writer.is_closing():
        writer.write(bytes(MIB))
        await writer.drain()


async def never_end_in_chunks(head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"100000\r\n" + bytes(MIB) + b"\r\n")
        await writer.drain()


async def close_at_once(head: str, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


ANSWERS: dict[str, tuple[bytes | Answer, str, float]] = {
    "not found": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", "the server answered 404", 60),
    "server error": (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "the server answered 500", 60),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", "the server answered 304", 60),
    "redirect to nowhere": (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "the server answered 302", 60),
    "compressed": (ok(gzip.compress(PNG), "Content-Encoding: gzip"), "compressed", 60),
    "announced too large": (
        f"HTTP/1.1 200 OK\r\nContent-Length: {FILE_MAX_BYTES + 1}\r\n\r\n".encode(),
        "larger than the limit of 100 MiB",
        60,
    ),
    "announced absurdly large": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "", 60),
    "announced longer than sent": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", "broke off", 60),
    "announced nonsense": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc", "broke off", 60),
    "announced twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "broke off", 60),
    "cut in a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", "broke off", 60),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "broke off", 60),
    "nothing": (b"", "broke off", 60),
    "reset": (close_at_once, "broke off", 60),
    "endless": (never_end, "larger than the limit of 100 MiB", 60),
    "endless in chunks": (never_end_in_chunks, "larger than the limit of 100 MiB", 60),
    "endless headers": (drip_headers, "broke off", 60),
    "drip": (drip, "longer than 0.2 seconds", 0.2),
    "silence": (stay_silent, "longer than 0.1 seconds", 0.1),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_cannot_be_taken_is_refused_in_words(case: str) -> None:
    answer, words, timeout_s = ANSWERS[case]

    async def scenario(server: Server) -> None:
        assert words in await refusal(server.url(), timeout_s=timeout_s)

    serve({"/a.png": answer}, scenario)


def test_a_body_longer_than_announced_ends_where_it_was_announced() -> None:
    async def scenario(server: Server) -> None:
        assert (await fetched(server.url()))[1] == b"abc"

    serve({"/a.png": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"}, scenario)


def test_a_disk_that_refuses_is_not_the_fault_of_the_address() -> None:
    class Full(Memory):
        async def write(self, chunk: bytes) -> None:
            raise Unavailable("its disk is full")

    async def scenario(server: Server) -> None:
        fetch = HttpFetch(LOOPBACK)
        with pytest.raises(Unavailable):
            await fetch.fetch(server.url(), Full())
        await fetch.close()

    serve({"/a.png": ok()}, scenario)


def test_a_cancelled_fetch_closes_its_connection() -> None:
    has_begun, is_closed = asyncio.Event(), asyncio.Event()

    async def watch(head: str, writer: asyncio.StreamWriter) -> None:
        has_begun.set()
        try:
            await drip(head, writer)
        finally:
            is_closed.set()

    async def scenario(server: Server) -> None:
        fetching = asyncio.create_task(fetched(server.url()))
        await has_begun.wait()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        async with asyncio.timeout(5):
            await is_closed.wait()

    serve({"/a.png": watch}, scenario)


@pytest.mark.parametrize(
    ("path", "header", "name"),
    [
        ("/a/b.png", "", "b.png"),
        ("/a/b%20c.png", "", "b c.png"),
        ("/%E5%86%99.png", "", "写.png"),
        ("/a%2F..%2Fb.png", "", "b.png"),
        ("/", "", "file"),
        ("/a/", "", "file"),
        ("/200", "", "200"),
        ("/x", 'attachment; filename="cat.png"', "cat.png"),
        ("/x", "inline; filename=cat.png", "cat.png"),
        ("/x", "attachment; filename=\"x\"; filename*=UTF-8''%E5%86%99.png", "写.png"),
        ("/x.png", 'attachment; filename="../../etc/passwd"', "passwd"),
        ("/x.png", "attachment", "x.png"),
        ("/x.png", "attachment; filename*=nonsense'%%%", None),
        ("/x.png", "attachment; filename=" + "a" * 5000, None),
    ],
)
def test_the_name_of_a_file(path: str, header: str, name: str | None) -> None:
    async def scenario(server: Server) -> None:
        found, _ = await fetched(server.url(path))
        assert found == name if name else found

    serve({path: ok(PNG, *([f"Content-Disposition: {header}"] if header else []))}, scenario)


@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200))
def test_any_disposition_gives_a_safe_name(header: str) -> None:
    response = httpx.Response(200, headers=[(b"content-disposition", ("attachment; filename" + header).encode("latin-1"))])
    url = httpx.URL("http://a.example/x.png")
    name = suggested_name(response, url, url)
    assert name
    assert "/" not in name


def test_a_refusal_shows_neither_query_nor_credentials() -> None:
    async def scenario() -> None:
        for url in ("http://user:secret@a.example/x?token=secret#secret", "http://a.example/x?token=secret", "//me:secret@x/?secret"):
            with pytest.raises(FetchRefused) as caught:
                await fetched(url, resolve=answers_with("10.0.0.3"))
            assert "secret" not in str(caught.value)

    asyncio.run(scenario())


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.77:1")

    async def scenario(server: Server) -> None:
        assert (await fetched(server.url()))[1] == PNG
        async with guarded_client(LOOPBACK) as client:
            assert (await client.post(server.url())).status_code == 200

    serve({"/a.png": ok()}, scenario)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context, around a fresh certificate for `name`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_tls_verifies_the_name_while_the_address_is_pinned(tmp_path: Path) -> None:
    server_context, client_context = certificate(tmp_path, "pictures.example")
    named: list[str | None] = []
    server_context.sni_callback = lambda _socket, name, _context: named.append(name)

    async def scenario(server: Server) -> None:
        options: dict[str, Any] = {"resolve": answers_with("127.0.0.1"), "ssl_context": client_context}
        assert (await fetched(server.url(host="pictures.example", scheme="https"), **options))[1] == PNG
        assert named == ["pictures.example"]
        bad = "the server has no valid certificate for this name"
        assert await refusal(server.url(host="other.example", scheme="https"), **options) == bad
        assert await refusal(server.url(host="pictures.example", scheme="https"), resolve=options["resolve"]) == bad
        assert "from https to http" in await refusal(server.url("/down", host="pictures.example", scheme="https"), **options)

    serve({"/a.png": ok(), "/down": redirect("http://pictures.example/a.png")}, scenario, server_context)


def test_the_guarded_client_has_the_same_rule_and_no_memory() -> None:
    async def scenario(server: Server) -> None:
        async with guarded_client(LOOPBACK) as client:
            for _ in range(2):
                answer = await client.post(server.url("/hook"), json={"a": 1})
                assert answer.status_code == 302
            with pytest.raises(AddressRefused, match="private address"):
                await client.post("http://10.0.0.3/hook", json={})
        async with guarded_client() as client:
            with pytest.raises(httpx.HTTPError):
                await client.post(server.url("/hook"), json={})

    server = serve({"/hook": redirect("/other").replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; path=/\r\n\r\n")}, scenario)
    assert len(server.heads) == 2
    assert not any("cookie" in head.lower() for head in server.heads)


def test_many_fetches_at_once() -> None:
    async def scenario(server: Server) -> None:
        fetch = HttpFetch(LOOPBACK)
        writers = [Memory() for _ in range(100)]
        await asyncio.gather(*(fetch.fetch(server.url(), writer) for writer in writers))
        assert all(writer.content == PNG for writer in writers)
        await fetch.close()

    serve({"/a.png": ok()}, scenario)


URL_PIECES = st.one_of(
    st.sampled_from([*"/:@[]%?#.\\", "//", "http:", "https:", "127.0.0.1", "a.example", "::1", ":80", "..", "\n", " ", "é", "xn--", "%00"]),
    st.text(max_size=5),
)


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(URL_PIECES, max_size=8), prefix=st.sampled_from(["", "http://", "https://a.example", "//"]))
def test_any_text_as_an_address_is_refused_in_words(pieces: list[str], prefix: str) -> None:
    text = prefix + "".join(pieces)
    asyncio.run(refusal(text, allowed_ranges=(), resolve=answers_with("10.0.0.3")))


@settings(max_examples=40, deadline=None)
@given(pieces=st.lists(URL_PIECES, max_size=8))
def test_any_text_as_a_redirect_is_refused_in_words(pieces: list[str]) -> None:
    location = "".join(pieces).replace("\n", "").encode("utf-8", "replace")

    async def scenario(server: Server) -> None:
        await refusal(server.url(), resolve=answers_with("127.0.0.1", "10.0.0.3"))

    serve(Anywhere(redirect("X").replace(b"X", location)), scenario)


def test_closing_what_was_never_used() -> None:
    asyncio.run(HttpFetch().close())
