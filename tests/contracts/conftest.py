"""One PostgreSQL server for all contract tests: it takes seconds to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import postgres
from sqlalchemy import Engine


@pytest.fixture(scope="session")
def postgres_engine() -> Iterator[Engine]:
    with postgres() as engine:
        yield engine
