"""What must be known of a Task to run it again: the Task, what it was made with, and which of its inputs are gone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from gesso.domain.provenance import Provenance
from gesso.domain.task import Task
from gesso.store.provenance import find_provenance
from gesso.store.schema import files, tasks
from gesso.store.tasks import task_of


@dataclass(frozen=True, slots=True)
class Kept:
    """A Task as the store has it. `missing`: parameters whose files were deleted."""

    task: Task
    provenance: Provenance | None
    missing: tuple[str, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each Output, deleted ones included where its Engine told its provenance."""
        return self.provenance.outputs if self.provenance else tuple(file.sha256 for file in self.task.outputs)


def find_kept(connection: Connection, task_id: int) -> Kept | None:
    row = connection.execute(select(tasks).where(tasks.c.id == task_id)).one_or_none()
    if row is None:
        return None
    task = task_of(row)
    keys = {given.access_key: name for name, inputs in task.files.items() for given in inputs}
    there = set(connection.execute(select(files.c.access_key).where(files.c.access_key.in_(keys))).scalars())
    missing = dict.fromkeys(name for key, name in keys.items() if key not in there)
    return Kept(task, find_provenance(connection, task_id), tuple(missing))
