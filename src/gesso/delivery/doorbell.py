"""A doorbell for the running server: a named pipe in its data folder, by which a command says that there is something to look at.

It carries no word: what is to be done is in the database. Nobody needs to look at it from time to time, and it has no port.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)
_RINGS_MAX_BYTES = 4096


class Doorbell:
    """The server's end. `on_ring` is called on the event loop; many rings may be one call."""

    def __init__(self, path: Path, on_ring: Callable[[], None]) -> None:
        self._path = path
        self._on_ring = on_ring
        self._descriptor = -1

    def open(self) -> None:
        """Where the file system has no named pipes, commands wait for the next thing that happens in the server."""
        try:
            # An earlier server that was killed left its own.
            self._path.unlink(missing_ok=True)
            os.mkfifo(self._path, 0o600)
            # Opened for writing too, or the end of the first command would be the end of the pipe, reported without pause.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            log.warning("commands cannot ring at this server", path=str(self._path), error=str(error))
            return
        asyncio.get_running_loop().add_reader(self._descriptor, self._hear)

    def close(self) -> None:
        """Nothing happens when it is closed already."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            self._path.unlink(missing_ok=True)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, _RINGS_MAX_BYTES)
        self._on_ring()


def ring(path: Path) -> bool:
    """Ring at a server. False when none listens there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return False
        # A pipe that is full has not been heard yet, and will be.
        with contextlib.suppress(BlockingIOError):
            os.write(descriptor, b"\n")
        return True
    finally:
        os.close(descriptor)
