"""What people say about Models: who may say and take back what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gesso.domain.comment import Comment, Report, check_text
from gesso.domain.errors import RoleTooLow
from gesso.domain.limits import COMMENT_REFILL_S, COMMENTS_BURST_COUNT, COMMENTS_PAGE_MAX_COUNT
from gesso.domain.user import User
from gesso.ports import Clock
from gesso.services.throttle import Throttle


class CommentStore(Protocol):
    async def add(self, model: str, user_id: int, text: str, now: int) -> None: ...

    async def of_model(self, model: str, limit: int) -> list[Comment]: ...

    async def counts(self) -> Mapping[str, int]: ...

    async def remove(self, comment_id: int, user_id: int | None) -> bool: ...

    async def report(self, model: str, user_id: int, text: str, now: int) -> None: ...

    async def open_reports(self) -> list[Report]: ...

    async def close_report(self, report_id: int, now: int) -> None: ...


class Comments:
    """Any User may comment and report, a few times an hour; its author and administrators take a Comment back."""

    def __init__(self, store: CommentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._pace = Throttle(clock, COMMENTS_BURST_COUNT, COMMENT_REFILL_S)
        self._counts: Mapping[str, int] | None = None

    async def add(self, user: User, model: str, text: str) -> None:
        """Errors: ParameterNotAllowed, TooManyAttempts, Unavailable."""
        kept = check_text(text)
        self._pace.take(user.uuid)
        await self._store.add(model, user.id, kept, self._clock.now())
        self._counts = None

    async def of_model(self, model: str) -> list[Comment]:
        """The latest, newest first; at most COMMENTS_PAGE_MAX_COUNT."""
        return await self._store.of_model(model, COMMENTS_PAGE_MAX_COUNT)

    async def count(self, model: str) -> int:
        """Remembered: every page of a Model shows it."""
        if self._counts is None:
            self._counts = await self._store.counts()
        return self._counts.get(model, 0)

    async def remove(self, user: User, comment_id: int) -> None:
        """Errors: RoleTooLow when it is neither the User's own nor there."""
        is_removed = await self._store.remove(comment_id, None if user.is_admin else user.id)
        self._counts = None
        if not is_removed:
            raise RoleTooLow

    async def report(self, user: User, model: str, text: str) -> None:
        """Errors: ParameterNotAllowed, TooManyAttempts, Unavailable."""
        kept = check_text(text)
        self._pace.take(user.uuid)
        await self._store.report(model, user.id, kept, self._clock.now())

    async def open_reports(self) -> list[Report]:
        return await self._store.open_reports()

    async def close_report(self, report_id: int) -> None:
        await self._store.close_report(report_id, self._clock.now())
