"""What Tasks were made with: documents of their own beside the Tasks, because few look at them and the Tasks are read often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from gesso.domain.provenance import MadeWith, Provenance
from gesso.ports import TaskChange
from gesso.store.prepared import Prepared
from gesso.store.schema import provenances

_INSERT = Prepared(insert(provenances))


def write_provenances(connection: Connection, changes: Sequence[TaskChange]) -> None:
    rows = [
        {"task_id": change.task.id, "document": orjson.dumps(change.provenance).decode()}
        for change in changes
        if change.provenance is not None
    ]
    if rows:
        _INSERT.execute(connection, rows)


def find_provenance(connection: Connection, task_id: int) -> Provenance | None:
    """What the Task was made with, if its Engine told."""
    document = connection.execute(select(provenances.c.document).where(provenances.c.task_id == task_id)).scalar()
    return None if document is None else _of(orjson.loads(document))


def _of(document: dict[str, Any]) -> Provenance:
    inputs = {name: tuple(digests) for name, digests in document["inputs"].items()}
    return Provenance(MadeWith(**document["made_with"]), inputs, tuple(document["outputs"]))
