"""Small Outputs come to disk with the commit of their Task, and their files a little later, all of them at once.

A file of its own would have to be flushed, and its folder, before the Task may be told to have ended: several times what the commit costs.
So the commit carries the bytes, and when the files are flushed they are dropped from the database. Only a power cut makes use of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from gesso.domain.errors import GessoError
from gesso.domain.event import Recorded, Succeeded
from gesso.domain.limits import CARRIED_FLUSH_S, CARRIED_MAX_BYTES
from gesso.domain.task import Task
from gesso.ports import Blobs, CarriedStore

log = structlog.get_logger(__name__)


class Carrying:
    def __init__(self, store: CarriedStore, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Put back what a power cut has taken. Errors: Unavailable."""
        last, restored = 0, 0
        while True:
            carried, seen = await self._store.page(last)
            if seen == last:
                break
            restored += await self._blobs.restore(carried)
            last = seen
        if restored:
            log.warning("small outputs were not whole on disk and were written again", count=restored)
        await self._settle(last)

    async def stop(self) -> None:
        """Flush what is left. What cannot be flushed is put back at the next start."""
        if self._flushing is not None:
            await self._flushing
        if self._timer is not None:
            self._timer.cancel()
            await self._flush()
        if self._timer is not None:
            self._timer.cancel()

    def observe(self, task: Task, recorded: Sequence[Recorded]) -> None:
        """Follow what was committed."""
        if type(recorded[-1].event) is Succeeded and any(0 < file.size_bytes <= CARRIED_MAX_BYTES for file in task.outputs):
            self._plan()

    def _plan(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CARRIED_FLUSH_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
        else:
            self._plan()

    async def _flush(self) -> None:
        try:
            await self._settle(await self._store.last())
        except GessoError as error:
            # They stay where they are, safe, until the next time.
            log.warning("small outputs could not be flushed", reason=str(error))
            self._plan()

    async def _settle(self, last: int) -> None:
        if last:
            await self._blobs.flush()
            await self._store.drop(last)
