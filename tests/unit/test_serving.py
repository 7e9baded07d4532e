"""What is written within one turn of the loop goes to the client in one piece."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from gesso import serving
from gesso.api.dialect import WHOLE, Answer
from gesso.api.edge import Edge
from gesso.serving import _HELD_MAX_BYTES, Protocol, _Joined


class Wire:
    """A transport that notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str) -> str:
        return name


def joined() -> tuple[Wire, Any]:
    wire = Wire()
    return wire, _Joined(cast(asyncio.Transport, wire))


def test_a_head_and_its_body_are_one_piece_and_the_next_turns_another() -> None:
    async def main() -> None:
        wire, transport = joined()
        transport.write(b"head")
        transport.write(b"body")
        assert wire.sent == []
        await asyncio.sleep(0)
        assert wire.sent == [b"headbody"]
        transport.write(b"more")
        await asyncio.sleep(0)
        assert wire.sent == [b"headbody", b"more"]
        await asyncio.sleep(0)
        assert len(wire.sent) == 2

    asyncio.run(main())


def test_nothing_is_lost_when_the_connection_is_closed() -> None:
    async def main() -> None:
        wire, transport = joined()
        transport.write(b"last words")
        transport.close()
        assert (wire.sent, wire.is_closed) == ([b"last words"], True)
        await asyncio.sleep(0)
        assert len(wire.sent) == 1

    asyncio.run(main())


def test_nothing_is_written_to_who_has_left() -> None:
    async def main() -> None:
        wire, transport = joined()
        transport.write(b"too late")
        wire.close()
        await asyncio.sleep(0)
        assert wire.sent == []

    asyncio.run(main())


def test_much_is_not_held_back() -> None:
    async def main() -> None:
        wire, transport = joined()
        for _ in range(3):
            transport.write(bytes(_HELD_MAX_BYTES))
        assert sum(map(len, wire.sent)) >= 2 * _HELD_MAX_BYTES
        await asyncio.sleep(0)
        assert sum(map(len, wire.sent)) == 3 * _HELD_MAX_BYTES

    asyncio.run(main())


def test_everything_else_is_the_transports() -> None:
    async def main() -> None:
        _, transport = joined()
        assert transport.get_extra_info("peername") == "peername"

    asyncio.run(main())


class Talk:
    """A server of one application behind the Edge, and a client that speaks bytes. `ways`: of each answer, whether it went at once."""

    def __init__(self, answer: Answer, has_extension: bool = True, answers_after_s: float = 0.0) -> None:
        self._answer = answer
        self._answers_after_s = answers_after_s
        self._has_extension = has_extension
        self.ways: list[bool] = []

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await asyncio.sleep(self._answers_after_s)
        await self._answer.send(send)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        at_once = scope["extensions"][WHOLE]["send"]

        def noted(*answer: Any) -> bool:
            self.ways.append(at_once(*answer))
            return self.ways[-1]

        scope["extensions"] = {WHOLE: {"send": noted}} if self._has_extension else None
        await Edge(self._app, [])(scope, receive, send)

    def say(self, *requests: bytes) -> bytes:
        """What the server answers to these bytes, sent one after the other, until it closes."""

        async def main() -> bytes:
            config = uvicorn.Config(self._watched, http=Protocol, interface="asgi3", lifespan="off", date_header=False)
            config.load()
            loop, state = asyncio.get_running_loop(), ServerState()
            server = await loop.create_server(lambda: Protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
            async with server, asyncio.timeout(20.0):
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                for request in requests:
                    writer.write(request)
                    # So many turns of the loop that the server has read it, which it does on the same one.
                    for _ in range(5):
                        await asyncio.sleep(0)
                heard = await reader.read()
                writer.close()
                return heard

        return asyncio.run(main())


GET = b"GET /a HTTP/1.1\r\nhost: x\r\nx-request-id: 1\r\n\r\n"
LAST = b"GET /a HTTP/1.1\r\nhost: x\r\nx-request-id: 2\r\nconnection: close\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: x\r\nx-request-id: 3\r\ncontent-length: 4\r\n\r\nbody"


@pytest.mark.parametrize("status", [200, 404, 503])
@pytest.mark.parametrize("body", [b"", b"body", bytes(3 * _HELD_MAX_BYTES)])
def test_an_answer_at_once_is_the_same_as_one_in_two_messages(status: int, body: bytes) -> None:
    answer = Answer(body, status, b"text/plain", ((b"x-thing", b"1"), (b"x-thing", b"2")))
    at_once, long_way = Talk(answer), Talk(answer, has_extension=False)
    heard = at_once.say(GET, POST, GET, LAST)
    assert heard == long_way.say(GET, POST, GET, LAST)
    assert heard.count(b"HTTP/1.1 %d" % status) == 4
    # The last one closes the connection, and says so.
    assert at_once.ways == [True, True, True, False]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"HEAD /a HTTP/1.1\r\nhost: x\r\nx-request-id: 1\r\n\r\n", 200),
        (b"GET /a HTTP/1.0\r\nhost: x\r\nx-request-id: 1\r\n\r\n", 200),
        (GET, 204),
        (GET, 304),
    ],
)
def test_an_answer_of_another_kind_goes_the_long_way(request_bytes: bytes, status: int) -> None:
    talk, plain = Talk(Answer(b"" if status > 200 else b"body", status)), Talk(Answer(b"" if status > 200 else b"body", status), False)
    assert talk.say(request_bytes, LAST) == plain.say(request_bytes, LAST)
    assert not any(talk.ways)


def test_a_header_never_ends_early() -> None:
    talk = Talk(Answer(b"body", headers=((b"x-thing", b"1\r\nx-other: 2"),)))
    heard = talk.say(GET)
    assert b"x-other" not in heard
    assert not any(talk.ways)


def test_requests_leave_nothing_to_the_garbage_collector() -> None:
    talk = Talk(Answer(b"body"))
    gc.collect()
    gc.disable()
    try:
        talk.say(*[GET] * 20, LAST)
        # By type alone: asking anything of what others have left there, such as a deprecated thing's proxy, would wake it.
        left = sum(type(each) is RequestResponseCycle for each in gc.get_objects())
    finally:
        gc.enable()
    # That of a connection goes with the connection.
    assert left <= 1


@pytest.mark.parametrize("begun", [b"", b"G", GET[:-2], GET + LAST[:20]])
def test_a_client_that_does_not_finish_a_head_is_left(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_WAIT_S", 0.05)
    talk = Talk(Answer(b"body"))
    # It ends, which is what is tested: nothing asks the server to close.
    assert talk.say(begun).count(b"HTTP/1.1 200") == begun.startswith(GET)


@pytest.mark.parametrize("pieces", [(b"1", b"\r\na\r\n", b"0\r\n\r\n"), (b"1\r\na\r\n", b"0\r\n", b"\r\n")])
def test_a_body_and_its_answer_may_take_longer(pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_WAIT_S", 1.0)
    head = b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    # The size of a chunk in two pieces looks like the beginning of a head, and so does the end of the last one.
    assert b"HTTP/1.1 200" in Talk(Answer(b"body"), answers_after_s=1.5).say(head, *pieces)
