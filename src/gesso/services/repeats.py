"""Orders that come again under the key of an earlier one: they find its Task and make none.

The key is on disk with the Task, so it holds after a restart; between the look at the disk and that write, one order at a time goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gesso.domain.errors import RepeatRefused
from gesso.domain.once import Once
from gesso.ports import Clock, TaskStore


@dataclass(slots=True)
class _Turn:
    """Whose turn it is with one key, and how many wait for it or have it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class Repeats:
    def __init__(self, store: TaskStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turns: dict[tuple[int, str], _Turn] = {}

    @asynccontextmanager
    async def turn(self, project_id: int, once: Once) -> AsyncIterator[int | None]:
        """Within the block no other order has this key: the id of the Task that was made with it already, or None.

        Errors: RepeatRefused when that Task was ordered otherwise, Unavailable.
        """
        place = (project_id, once.key)
        turn = self._turns.setdefault(place, _Turn())
        turn.count += 1
        try:
            async with turn.lock:
                yield await self._earlier(project_id, once)
        finally:
            turn.count -= 1
            if not turn.count:
                del self._turns[place]

    async def _earlier(self, project_id: int, once: Once) -> int | None:
        found = await self._store.by_once_key(project_id, once.key, self._clock.now())
        if found is None:
            return None
        earlier, task_id = found
        if earlier.digest != once.digest:
            raise RepeatRefused(once.key)
        return task_id
