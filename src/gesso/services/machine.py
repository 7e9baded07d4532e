"""The machine for its owner: Workers, memory, weights, webhooks, settings. Only administrators are let in, by the doors themselves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gesso.domain.machine import Crew, DeviceUse, Pull
from gesso.domain.notice import Delivery, Notice
from gesso.services.catalog import Catalog


class Station(Protocol):
    """Where Workers are."""

    def devices(self) -> list[DeviceUse]: ...

    def crews(self) -> list[Crew]: ...

    def load(self, model: str) -> bool:
        """Begin to start a Worker; whether there is room for one, or some is being made."""
        ...

    def unload(self, model: str) -> int:
        """Let the idle Workers go; how many."""
        ...


class Puller(Protocol):
    """Fetches weights, apart from the server."""

    async def start(self, model: str) -> None: ...

    def pull(self, model: str, folder: Path) -> Pull | None:
        """The last one of the Model since the server started. It looks at the disk."""
        ...

    async def stop(self, model: str) -> None: ...


class NoticeRow(Protocol):
    @property
    def notice(self) -> Notice: ...

    @property
    def delivered_at(self) -> int: ...

    @property
    def last_error(self) -> str: ...

    @property
    def state(self) -> str: ...


class NoticeLog(Protocol):
    async def latest(self, limit: int) -> Sequence[NoticeRow]: ...

    async def log(self, task_id: int) -> list[Delivery]: ...

    async def redeliver(self, task_id: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Disk:
    """Of the disk that holds the data."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Setting:
    """`is_default`: nobody has chosen it."""

    name: str
    value: str
    help: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """`data`: the folder that holds everything. `database`: its kind. `started_at`: microseconds since 1970, UTC. `wake`: makes the
    server look at what is due."""

    station: Station
    puller: Puller
    notices: NoticeLog
    catalog: Catalog
    data: Path
    database: str
    settings: tuple[Setting, ...]
    started_at: int
    wake: Callable[[], None]

    async def redeliver(self, task_id: int) -> bool:
        """Tell of the Task's end once more, at once; False when nobody was to be told of it."""
        is_due = await self.notices.redeliver(task_id)
        if is_due:
            self.wake()
        return is_due

    async def pull(self, model: str) -> Pull | None:
        found = self.catalog.named(model)
        if found is None:
            return None
        return await asyncio.to_thread(self.puller.pull, model, self.catalog.weights_of(found))

    async def disk(self) -> Disk:
        usage = await asyncio.to_thread(shutil.disk_usage, self.data)
        return Disk(usage.free, usage.total)
