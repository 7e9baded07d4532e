"""What is written within one turn of the loop goes to the client in one piece."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from gesso.serving import _HELD_MAX_BYTES, _Joined


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
