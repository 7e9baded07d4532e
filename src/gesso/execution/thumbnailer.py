"""The server's half of the process that makes small pictures: started when wanted, one order at a time, killed when it takes too long."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import structlog

from gesso.domain.limits import THUMBNAIL_IDLE_S, THUMBNAIL_TIMEOUT_S
from gesso.execution.process import worker_environment
from gesso.execution.thumbnail_child import DONE

log = structlog.get_logger(__name__)


class Thumbnailer:
    def __init__(self, environment: Mapping[str, str], timeout_s: float = THUMBNAIL_TIMEOUT_S, idle_s: float = THUMBNAIL_IDLE_S) -> None:
        self._environment = worker_environment(environment, 1)
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._resting: asyncio.Future[None] | None = None
        self._is_closed = False

    async def make(self, source: Path, target: Path, side: int) -> bool:
        """Write a small picture of `source` to `target`. False when it cannot be made of this file."""
        async with self._turn:
            if self._is_closed:
                return False
            self._keep()
            order = json.dumps({"source": str(source), "target": str(target), "side": side})
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._ask(order.encode() + b"\n")
            except (TimeoutError, OSError) as error:
                log.warning("a small picture could not be made", reason=str(error) or "it took too long")
                answer = b""
            except asyncio.CancelledError:
                # Its answer would be taken for that of the next order.
                await self._end()
                raise
            if not answer:
                await self._end()
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._rest)
            return answer.strip() == DONE.encode()

    async def close(self) -> None:
        self._is_closed = True
        async with self._turn:
            self._keep()
            await self._end()

    async def _ask(self, order: bytes) -> bytes:
        """The answer; nothing when the process died over it. Errors: OSError."""
        process = self._process
        if process is None or process.returncode is not None:
            await self._end()
            # -P keeps the working folder off the module path.
            command = (sys.executable, "-P", "-m", "gesso.execution.thumbnail_child")
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=dict(self._environment), start_new_session=True
            )
            self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(order)
        await process.stdin.drain()
        return await process.stdout.readline()

    def _keep(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _rest(self) -> None:
        self._idle = None
        self._resting = asyncio.ensure_future(self._end_idle())

    async def _end_idle(self) -> None:
        async with self._turn:
            if self._idle is None:
                await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
