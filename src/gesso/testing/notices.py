"""A NoticeStore in memory."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

from gesso.domain.notice import Delivery, Notice, webhook_secret
from gesso.ports import Busy


class MemoryNotices:
    """`notices`: by Task, as they are. `log`: all tries, in order, with their Tasks."""

    def __init__(self) -> None:
        self.notices: dict[int, Notice] = {}
        self.log: list[tuple[int, Delivery]] = []

    def add(self, notice: Notice) -> None:
        """Put a notice there, or ask for it anew."""
        self.notices[notice.task_id] = notice

    async def due(self, now: int, limit: int, busy: Busy) -> tuple[list[Notice], int]:
        waiting = sorted((notice for notice in self.notices.values() if notice.due_at), key=lambda notice: notice.due_at)
        found = [
            notice
            for notice in waiting
            if notice.due_at <= now
            and notice.task_id not in busy.task_ids
            and notice.host not in busy.hosts
            and notice.project_id not in busy.project_ids
        ]
        return found[:limit], next((notice.due_at for notice in waiting if notice.due_at > now), 0)

    def record(self, notice: Notice, delivery: Delivery, due_at: int) -> Awaitable[None]:
        self.log.append((notice.task_id, delivery))
        if self.notices[notice.task_id].due_at == notice.due_at:
            self.add(replace(notice, due_at=due_at, tries=notice.tries + bool(delivery.error)))
        return _nothing()

    async def secret(self, project_id: int) -> str:
        return webhook_secret(project_id.to_bytes(32, "big"))


async def _nothing() -> None:
    """What was put in line is on disk already."""
