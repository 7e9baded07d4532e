"""Statements that are compiled once, for the writes of the hot path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

ROWS_AT_ONCE = 32
_Row = tuple[Any, ...]
_T = TypeVar("_T")


class Prepared:
    """A Core statement, compiled once for the database at hand. Rows go to the driver as they are: having each value bound anew for each
    row took longer than writing it.

    Where the driver takes values by position (SQLite's does), the rows of an INSERT or an UPDATE go in one statement, ROWS_AT_ONCE at most:
    that driver gives up the interpreter for each, the event loop takes it, and row by row a commit waited for its turn ten times.
    """

    def __init__(self, statement: Any, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._writers: dict[Dialect, Callable[[DBAPICursor, Sequence[dict[str, Any]]], int]] = {}

    def execute(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """How many rows were written."""
        dialect = connection.dialect
        write = self._writers.get(dialect)
        if write is None:
            write = self._writers[dialect] = self._writer(dialect)
        return _driven(connection, lambda cursor: write(cursor, rows))

    def _writer(self, dialect: Dialect) -> Callable[[DBAPICursor, Sequence[dict[str, Any]]], int]:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._names or None)
        text: str = compiled.string
        if not compiled.positional:
            return lambda cursor, rows: _each(cursor, text, rows)
        pick = itemgetter(*compiled.positiontup)
        many = _many(self._statement, text)

        def write(cursor: DBAPICursor, rows: Sequence[dict[str, Any]]) -> int:
            values: list[_Row] = [pick(row) for row in rows]
            if many is None or len(values) == 1:
                return _each(cursor, text, values)
            count = 0
            for start in range(0, len(values), ROWS_AT_ONCE):
                part = values[start : start + ROWS_AT_ONCE]
                cursor.execute(many(len(part)), tuple(chain.from_iterable(part)))
                count += cursor.rowcount
            return count

        return write


def execute(connection: Connection, text: str) -> None:
    """Carry out a statement without values. Errors: SQLAlchemy's."""
    _driven(connection, lambda cursor: cursor.execute(text))


def _driven(connection: Connection, work: Callable[[DBAPICursor], _T]) -> _T:
    """Straight to the driver: the ways of `Connection.execute` take three times as long as a statement. Errors: SQLAlchemy's."""
    cursor = connection.connection.cursor()
    try:
        return work(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(None, None, error, connection.dialect.loaded_dbapi.Error) from error
    finally:
        cursor.close()


def _each(cursor: DBAPICursor, text: str, rows: Sequence[Any]) -> int:
    if len(rows) == 1:
        cursor.execute(text, rows[0])
    else:
        cursor.executemany(text, rows)
    return cursor.rowcount


def _many(statement: Any, text: str) -> Callable[[int], str] | None:
    """The text of the statement for a number of rows; None where it takes one."""
    if isinstance(statement, Insert):
        head, _, row = text.partition(" VALUES ")
        if row.endswith(")") and " ON CONFLICT " not in row:
            return lru_cache(lambda count: f"{head} VALUES {', '.join([row] * count)}")
    elif isinstance(statement, Update):
        return lru_cache(lambda count: _update(text, count))
    return None


def _update(text: str, count: int) -> str:
    """`UPDATE t SET a=?, ... WHERE t.b = ?` with its values from a list of rows. Understood by SQLite from 3.33."""
    pieces = text.split("?")
    columns = [f"given.column{number}" for number in range(1, len(pieces))]
    assignments, _, condition = "".join(chain.from_iterable(zip(pieces, [*columns, ""], strict=True))).partition(" WHERE ")
    row = f"({', '.join('?' * len(columns))})"
    # Put together from a compiled statement, without any value.
    return f"{assignments} FROM (VALUES {', '.join([row] * count)}) AS given WHERE {condition}"
