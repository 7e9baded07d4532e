"""How files go: those of a Task when its owner says so or when they are old, and bytes that nothing names.

What is due is found in the store, so a restart forgets nothing, and a round that finds little waits long for the next one.
"""

from __future__ import annotations

import asyncio

import structlog

from gesso.domain.errors import GessoError, NotEnded, TaskUnknown
from gesso.domain.limits import (
    ORPHAN_AGE_S,
    ORPHAN_INTERVAL_S,
    RETENTION_INTERVAL_S,
    RETENTION_PAUSE_S,
    RETENTION_ROUND_MAX_COUNT,
)
from gesso.ports import Blobs, Clock, FileStore, TaskStore
from gesso.services.files import Files
from gesso.services.lifecycle import Lifecycle

log = structlog.get_logger(__name__)
_DAY_US = 24 * 60 * 60 * 1_000_000


class Retention:
    """`days`: how long files stay after their Task has ended; 0 is for ever."""

    def __init__(
        self, lifecycle: Lifecycle, task_store: TaskStore, file_store: FileStore, files: Files, blobs: Blobs, clock: Clock, days: float
    ) -> None:
        self._lifecycle = lifecycle
        self._task_store = task_store
        self._file_store = file_store
        self._files = files
        self._blobs = blobs
        self._clock = clock
        self._days = days
        self._loop: asyncio.Task[None] | None = None

    async def delete_files(self, task_id: int) -> None:
        """Delete the Outputs of an ended Task, and the inputs that are its own and no other's. Again: nothing happens.

        Errors: TaskUnknown, NotEnded, Unavailable.
        """
        gone = await self._lifecycle.delete_files(task_id)
        if not gone:
            return
        self._files.forget(gone)
        try:
            await self._blobs.delete(gone)
        except GessoError as error:
            # Nothing names these bytes any more, so they cannot be read, and go with the orphans.
            log.warning("files could not be deleted", count=len(gone), reason=str(error))

    def start(self) -> None:
        self._loop = asyncio.create_task(self._sweep(), name="retention")

    async def stop(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None

    async def _sweep(self) -> None:
        orphans_at = self._clock.monotonic() + RETENTION_INTERVAL_S
        while True:
            pause_s = RETENTION_INTERVAL_S
            try:
                if self._days and await self.sweep_old() >= RETENTION_ROUND_MAX_COUNT:
                    pause_s = RETENTION_PAUSE_S
                if self._clock.monotonic() >= orphans_at:
                    orphans_at = self._clock.monotonic() + ORPHAN_INTERVAL_S
                    await self.sweep_orphans()
            except GessoError as error:
                log.warning("old files could not be swept", reason=str(error))
            except Exception:
                # The edge of this loop: an error that got past it would end the sweeping until the next start.
                log.exception("a sweep of old files broke")
            await asyncio.sleep(pause_s)

    async def sweep_old(self) -> int:
        """One round: delete the files of some Tasks that are due; of how many. Errors: Unavailable."""
        before = self._clock.now() - round(self._days * _DAY_US)
        due = await self._task_store.with_old_files(before, RETENTION_ROUND_MAX_COUNT)
        for task_id in due:
            try:
                await self.delete_files(task_id)
            except (TaskUnknown, NotEnded) as error:
                log.error("a task whose files are old cannot be cleared", task_id=task_id, reason=str(error))
        if due:
            log.info("deleted old files", tasks=len(due))
        return len(due)

    async def sweep_orphans(self) -> int:
        """Delete bytes that came in a day ago or longer, and that no File names: a crash left them. How many. Errors: Unavailable."""
        count = 0
        async for access_keys in self._blobs.aged(ORPHAN_AGE_S):
            orphans = await self._file_store.unknown(access_keys)
            await self._blobs.delete(sorted(orphans))
            count += len(orphans)
        if count:
            log.info("deleted bytes that no file names", count=count)
        return count
