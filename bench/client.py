"""A small HTTP/1.1 client for measuring: one kept connection, no features, so that it costs less than what it measures."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson


class Connection:
    """One kept connection to a server on loopback."""

    def __init__(self, host: str, port: int, headers: dict[str, str] | None = None) -> None:
        self._host, self._port = host, port
        self._extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, path: str, body: Any) -> Any:
        """Post JSON, return decoded JSON. Errors: RuntimeError for any status but 200."""
        raw = orjson.dumps(body)
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}{self._extra}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        return orjson.loads(await self._answer())

    async def get(self, path: str) -> bytes:
        """Get bytes. Errors: RuntimeError for any status but 200."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n\r\n".encode())
        return await self._answer()

    async def _answer(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        body = await self._reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"{head!r} {body[:300]!r}")
        return body
