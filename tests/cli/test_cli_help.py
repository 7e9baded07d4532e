"""Help and refusals of the command line itself: instant, and in sentences."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli_terminal import TIMEOUT_S, Terminal, clean_environment

from gesso import __version__

COMMANDS = (
    "",
    "serve",
    "project",
    "project create",
    "user",
    "user create",
    "models",
    "models pull",
    "run",
    "tasks",
    "billing",
    "billing balance",
    "billing credit",
    "billing ledger",
    "billing usage",
    "billing budget",
    "doctor",
    "migrate",
    "bench",
)
# Each of these takes longer to import than `gesso --help` may take.
TOO_HEAVY = {"rich", "pydantic", "pydantic_settings", "sqlalchemy", "httpx", "websockets", "starlette", "uvicorn", "numpy", "asyncio"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(terminal: Terminal, command: str) -> None:
    done = terminal.gesso(*command.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: gesso")


def test_help_imports_nothing_but_typer() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gesso", "--help"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "typer" in imported
    assert not {name.partition(".")[0] for name in imported} & TOO_HEAVY
    assert not {name for name in imported if name.startswith("gesso.") and not name.startswith("gesso.cli")}


def test_version(terminal: Terminal) -> None:
    assert terminal.gesso("--version").out == f"gesso {__version__}\n"


def test_unknown_command_is_told(terminal: Terminal) -> None:
    done = terminal.gesso("paint")
    assert done.code == 2
    assert "No such command 'paint'" in done.err


def test_measurements_are_listed_with_what_they_measure(terminal: Terminal) -> None:
    done = terminal.gesso("bench", "list")
    assert done.code == 0, done.err
    listed = {line.split()[0] for line in done.out.splitlines() if line and not line.startswith(" ")}
    assert {"cycle", "flux_engine", "flux_gpu", "heal"} <= listed
    assert "client" not in listed
