"""A terminal for tests: the real `gesso` in processes of its own, warnings being errors, and no setting of ours in its environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 90
GESSO = (sys.executable, "-W", "error", "-m", "gesso")
# A shell lets what it runs in the background ignore Ctrl-C, and that is inherited: tests that are run so still want to interrupt.
INTERRUPTIBLE = (
    *(sys.executable, "-W", "error", "-c"),
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from gesso.cli import main; main()",
)


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GESSO_") and name not in ("COLUMNS", "FORCE_COLOR")}
    return {**kept, **more}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Terminal:
    """A shell in `folder`. `environment`: settings for all its commands."""

    folder: Path
    environment: tuple[tuple[str, str], ...] = ()

    def gesso(self, *words: str | Path, stdin: str = "", **environment: str) -> Done:
        done = subprocess.run(
            [*GESSO, *map(str, words)],
            cwd=self.folder,
            env=clean_environment(**dict(self.environment), **environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*INTERRUPTIBLE, *map(str, words)],
            cwd=self.folder,
            env=clean_environment(**dict(self.environment), **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@dataclass(frozen=True)
class Server:
    """A running `gesso serve`. `said`: what it printed until it was ready."""

    process: subprocess.Popen[str]
    data: Path
    said: str

    @property
    def url(self) -> str:
        return json.loads((self.data / "server.json").read_text("utf-8"))["url"]

    def stop(self, by: signal.Signals = signal.SIGTERM) -> Done:
        self.process.send_signal(by)
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        return Done(self.process.returncode, out, err)


@contextmanager
def serving(terminal: Terminal, data: Path, *words: str, **environment: str) -> Iterator[Server]:
    """A server on a free port, from when it says that it is ready."""
    process = terminal.start("serve", "--data", data, "--port", "0", "--log-level", "warning", *words, **environment)
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(f"the server did not start: {process.communicate(timeout=TIMEOUT_S)}")
        yield Server(process, data, said)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
