"""Whether a Task would be accepted now: what those are told who spread requests over servers, or watch over one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gesso.domain.errors import Unavailable
from gesso.domain.limits import READY_WAIT_S


class Writes(Protocol):
    """`refusal`: why the last write was refused; empty when it was not."""

    refusal: str

    async def try_room(self) -> None:
        """Write as a new order would, and keep nothing. Errors: Unavailable."""
        ...


class Acceptance:
    def __init__(self, is_accepting: Callable[[], bool], writes: Writes) -> None:
        self.is_accepting = is_accepting
        self._writes = writes
        self._trial: asyncio.Task[None] | None = None

    async def refusal(self) -> str:
        """Why none would be; empty when one would.

        While the disk takes writes this costs nothing. When it has refused one, each call sees to it that a trial is under way, and waits
        for it a moment, so that recovery needs no order.
        """
        if not self.is_accepting():
            return "the server is starting or stopping"
        if self._writes.refusal:
            if self._trial is None or self._trial.done():
                self._trial = asyncio.create_task(self._try(), name="trial of the disk")
            await asyncio.wait({self._trial}, timeout=READY_WAIT_S)
        return self._writes.refusal

    async def _try(self) -> None:
        try:
            await self._writes.try_room()
        except Unavailable:
            # Its reason is the refusal now.
            return
