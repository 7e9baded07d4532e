"""The keys of orders that may be sent again, each written in one transaction with its Task."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from gesso.domain.limits import ONCE_KEPT_S
from gesso.domain.once import Once
from gesso.ports import TaskChange
from gesso.store.prepared import Prepared
from gesso.store.schema import once_keys

_KEPT_US = ONCE_KEPT_S * 1_000_000
_INSERT = Prepared(insert(once_keys))


def write_once_keys(connection: Connection, changes: Sequence[TaskChange]) -> None:
    """Write the keys of new Tasks, and forget those whose time is over, so that one of them may be used again."""
    rows = [
        {
            "project_id": change.task.project_id,
            "key": change.once.key,
            "digest": change.once.digest,
            "task_id": change.task.id,
            "created_at": change.task.created_at,
        }
        for change in changes
        if change.once is not None
    ]
    if rows:
        latest = max(row["created_at"] for row in rows)
        connection.execute(delete(once_keys).where(once_keys.c.created_at <= latest - _KEPT_US))
        _INSERT.execute(connection, rows)


def find_once_key(connection: Connection, project_id: int, key: str, now: int) -> tuple[Once, int] | None:
    """The order that has the key, and its Task, unless its time is over at `now`."""
    statement = select(once_keys).where(
        once_keys.c.project_id == project_id, once_keys.c.key == key, once_keys.c.created_at > now - _KEPT_US
    )
    row = connection.execute(statement).one_or_none()
    return (Once(row.key, row.digest), row.task_id) if row is not None else None
