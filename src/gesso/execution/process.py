"""One spawned model process as the server holds it: its socket and pipes, what it may know of the environment, its end.

It leads a process group of its own, so that a ctrl-C in the terminal passes it by and nothing it starts outlives it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

_ALLOWED_NAMES = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME"}
)
_ALLOWED_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "HF_", "TORCH", "PYTORCH_", "OMP_", "MKL_", "OPENBLAS_", "TRITON_", "NCCL_")
# A token of the hub, for one, is for the command that fetches weights: what an Engine runs may be anybody's code.
_SECRET_WORDS = {"TOKEN", "KEY", "SECRET", "PASSWORD", "CREDENTIALS"}
_THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def worker_environment(environment: Mapping[str, str], threads: int) -> dict[str, str]:
    """What of the server's environment a model process may see: what it needs to compute, and no setting or secret of the server."""
    allowed = {
        name: value
        for name, value in environment.items()
        if name in _ALLOWED_NAMES or (name.startswith(_ALLOWED_PREFIXES) and _SECRET_WORDS.isdisjoint(name.upper().split("_")))
    }
    return allowed | {name: str(threads) for name in _THREAD_COUNTS} | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8:replace"}


def describe_exit(code: int) -> str:
    """An exit code as `subprocess` gives it, in words."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed by signal {-code}"


class WorkerProcess:
    """A running model process. `launch` makes one; after `watch` has told its exit, `close` it."""

    def __init__(self, popen: subprocess.Popen[bytes], connection: socket.socket) -> None:
        assert popen.stdout is not None
        assert popen.stderr is not None
        self.connection = connection
        self.stdout: IO[bytes] = popen.stdout
        self.stderr: IO[bytes] = popen.stderr
        self._popen = popen
        self._unwatch: Callable[[], None] | None = None
        self._is_closed = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    def watch(self, loop: AbstractEventLoop, on_exit: Callable[[], None]) -> None:
        """Call `on_exit` on the loop, once, when the process has ended."""
        try:
            fd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            self._watch_by_thread(loop, on_exit)
            return

        def ended() -> None:
            self._stop_watching()
            on_exit()

        def unwatch() -> None:
            loop.remove_reader(fd)
            os.close(fd)

        self._unwatch = unwatch
        loop.add_reader(fd, ended)

    def kill_group(self) -> None:
        """SIGKILL to the process and to all that it started. Until it is reaped, in `close`, its number cannot be another's."""
        if not self._is_closed:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> int:
        """Reap the process, which has ended, and let go of all that belongs to it; its exit code."""
        self.kill_group()
        self._is_closed = True
        code = self._popen.wait()
        self._stop_watching()
        self.connection.close()
        self.stdout.close()
        self.stderr.close()
        return code

    def _stop_watching(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _watch_by_thread(self, loop: AbstractEventLoop, on_exit: Callable[[], None]) -> None:
        def wait() -> None:
            if hasattr(os, "waitid"):
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            else:
                self._popen.wait()
            if not loop.is_closed():
                loop.call_soon_threadsafe(on_exit)

        threading.Thread(target=wait, name=f"exit of {self.pid}", daemon=True).start()


def launch(home: Path, environment: Mapping[str, str]) -> WorkerProcess:
    """Spawn a Worker whose working folder is `home`. Blocks for milliseconds. Errors: OSError."""
    home.mkdir(parents=True, exist_ok=True)
    ours, theirs = socket.socketpair()
    # -P keeps the working folder, in which an Engine may write, off the module path.
    command = [sys.executable, "-P", "-m", "gesso.execution.worker", str(theirs.fileno())]
    try:
        popen = subprocess.Popen(  # noqa: S603
            command,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env=dict(environment),
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return WorkerProcess(popen, ours)
