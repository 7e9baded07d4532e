"""Statements that are compiled once, for the writes of the hot path."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert

ROWS_AT_ONCE = 32


class Prepared:
    """A Core statement, compiled once for the database at hand. Rows go to the driver as they are: having each value bound anew for each
    row took longer than writing it.

    Where the driver takes values by position (SQLite's does), the rows of an INSERT go in one statement, ROWS_AT_ONCE at most. That driver
    gives up the interpreter at every row it steps over, and the event loop takes it: row by row, a commit waited for its turn ten times.
    """

    def __init__(self, statement: Any, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[Any, Any] = {}

    def execute(self, connection: Connection, rows: list[dict[str, Any]]) -> int:
        """How many rows were written."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._statement.compile(dialect=dialect, column_keys=self._names or None)
            self._compiled[dialect] = compiled
        if not compiled.positional:
            return connection.exec_driver_sql(compiled.string, rows).rowcount
        pick = itemgetter(*compiled.positiontup)
        values = [pick(row) for row in rows]
        head, _, row = compiled.string.partition(" VALUES ")
        if not isinstance(self._statement, Insert) or not row.endswith(")") or " ON CONFLICT " in row:
            return connection.exec_driver_sql(compiled.string, values).rowcount
        return sum(_insert(connection, head, row, part) for part in _parts(values))


def _insert(connection: Connection, head: str, row: str, values: list[tuple[Any, ...]]) -> int:
    statement = f"{head} VALUES {', '.join([row] * len(values))}"
    return connection.exec_driver_sql(statement, tuple(chain.from_iterable(values))).rowcount


def _parts(values: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(values), ROWS_AT_ONCE):
        yield values[start : start + ROWS_AT_ONCE]
