"""Databases for the contract tests: a fresh SQLite file, and a PostgreSQL server of their own where Debian's is installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from gesso.store.database import make_engine
from gesso.store.migrate import upgrade
from gesso.store.schema import metadata

_DEADLINE_S = 60.0
_DEBIAN = Path("/usr/lib/postgresql")


def _as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command] if os.geteuid() == 0 else command


@contextlib.contextmanager
def postgres() -> Iterator[Engine]:
    """An engine for a database with all tables, on a server that ends with the block. Skips, with the reason, where there is none."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    programs = max(_DEBIAN.glob("*/bin"), default=None, key=lambda path: int(path.parent.name))
    if programs is None:
        pytest.skip(f"no PostgreSQL server under {_DEBIAN}")
    folder = Path(tempfile.mkdtemp(prefix="gesso-postgres-"))
    try:
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "gesso", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(_as_postgres(initdb), capture_output=True, text=True, cwd=folder)
        if made.returncode:
            pytest.skip(f"initdb failed: {made.stderr}")
        # By a socket in its own folder: a port that was free a moment ago may be somebody's by now.
        settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=30"]
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), *settings]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(_as_postgres(command), stdout=log, stderr=log, cwd=folder)
        try:
            engine = make_engine(f"postgresql+psycopg://gesso@/postgres?host={folder}")
            _wait_for(engine)
            upgrade(engine)
            yield engine
            engine.dispose()
        finally:
            server.terminate()
            server.wait(_DEADLINE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(engine: Engine) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        try:
            with engine.connect():
                return
        except OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            threading.Event().wait(0.05)


def emptied(engine: Engine) -> Engine:
    """The same database without a row."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    return engine
