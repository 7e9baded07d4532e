"""What a Task was made with is kept with its end, and nothing is kept of Tasks whose Engines say nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from databases import emptied

from gesso.domain.event import Queued, Recorded
from gesso.domain.provenance import MadeWith, Provenance
from gesso.domain.task import apply
from gesso.ports import TaskChange
from gesso.store.database import Database, make_engine, sqlite_url
from gesso.store.migrate import upgrade
from gesso.store.provenance import find_provenance
from gesso.store.tasks import SqlTasks, write_changes
from gesso.testing import EPOCH_US, make_task

MADE_WITH = MadeWith({"gesso": "1.0", "device": "cpu ☃"}, {"seed": 2**64 - 1, "crops": [[1, 2], [3, 4]], "nothing": None})
PROVENANCE = Provenance(MADE_WITH, {"picture": ("a" * 64,), "none": ()}, ("b" * 64, "c" * 64))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_provenance_is_read_as_it_was_written(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if kind == "postgres":
        engine = emptied(request.getfixturevalue("postgres_engine"))
    else:
        engine = make_engine(sqlite_url(tmp_path / "gesso.db"))
        upgrade(engine)

    async def scenario() -> None:
        database = Database(engine, write_changes)
        try:
            store = SqlTasks(database)
            one, other = (apply(make_task(id=store.next_id()), Queued(), EPOCH_US) for _ in range(2))
            change = TaskChange(one, 0, (Recorded(1, EPOCH_US, Queued()),), provenance=PROVENANCE)
            await asyncio.gather(store.write(change), store.write(replace(change, task=other, provenance=None)))
            assert await database.read(lambda connection: find_provenance(connection, one.id)) == PROVENANCE
            assert await database.read(lambda connection: find_provenance(connection, other.id)) is None
        finally:
            await asyncio.to_thread(database.close)

    asyncio.run(scenario())
