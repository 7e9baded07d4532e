"""A whole server in a process of its own, for what FLUX Fill does through one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 120


def gesso(data: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "gesso", *arguments, "--data", str(data)]


@contextmanager
def serving(data: Path) -> Iterator[dict[str, str]]:
    """A server of that data folder; yields the environment that it has. Modules in the folder can be imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GESSO_")}
    # A folder that the operator names would be taken for what is compiled.
    environment.pop("TORCHINDUCTOR_CACHE_DIR", None)
    environment["PYTHONPATH"] = str(data)
    command = gesso(data, "serve", "--port", "0", "--log-level", "warning")
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert server.stdout is not None
    said = []
    try:
        for line in server.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(f"the server did not start: {said}")
        yield environment
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=PATIENCE_S)
