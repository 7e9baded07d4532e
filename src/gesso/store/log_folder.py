"""The server's log in the data folder: `server.log`, and `server.log.1` and so on for what was written before, the oldest dropped.

A thread of its own writes, so that nobody waits for the disk. What the disk does not take is counted and left out: it is on stderr too.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from itertools import pairwise
from pathlib import Path

import structlog

from gesso.domain.limits import SERVER_LOG_CLOSE_S, SERVER_LOG_FILES_MAX_COUNT, SERVER_LOG_MAX_BYTES, SERVER_LOG_WAITING_MAX_COUNT

log = structlog.get_logger(__name__)
_NAME = "server.log"


class LogFolder:
    """Takes lines from the start; they are written once it is opened, which is when the data folder is known to be this server's."""

    def __init__(self, file_max_bytes: int = SERVER_LOG_MAX_BYTES) -> None:
        self._file_max_bytes = file_max_bytes
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._missing = 0
        self._is_refused = False

    def put(self, line: str) -> None:
        """Never waits and never fails: a line for which there is no room is counted."""
        if self._lines.qsize() < SERVER_LOG_WAITING_MAX_COUNT:
            self._lines.put(line)
        else:
            self._miss()

    def open(self, folder: Path) -> None:
        files = _Files(folder / _NAME, self._file_max_bytes)
        self._thread = threading.Thread(target=self._write_loop, args=(files,), name="gesso-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is in line. A disk that does not answer is not waited for."""
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join(SERVER_LOG_CLOSE_S)

    def _miss(self) -> None:
        with self._lock:
            self._missing += 1

    def _write_loop(self, files: _Files) -> None:
        while (line := self._lines.get()) is not None:
            self._write(files, line)
            if self._lines.empty():
                self._tell_missing()
        self._tell_missing()
        while not self._lines.empty() and (line := self._lines.get()) is not None:
            self._write(files, line)
        files.close()

    def _write(self, files: _Files, line: str) -> None:
        try:
            files.write(line.encode())
            self._is_refused = False
        except OSError as error:
            self._miss()
            if not self._is_refused:
                self._is_refused = True
                log.warning("the log cannot be written to its folder", reason=str(error))

    def _tell_missing(self) -> None:
        """Once lines are taken again: this is one of them."""
        if self._missing and not self._is_refused:
            with self._lock:
                missing, self._missing = self._missing, 0
            log.warning("lines are missing in the log's folder", count=missing)


class _Files:
    """One file that is written, and those that it was before. Together they stay below their number times `max_bytes`."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._descriptor = -1
        self._size_bytes = 0
        self._is_torn = False

    def write(self, line: bytes) -> None:
        """Errors: OSError; the next line may fare better."""
        try:
            if self._descriptor < 0:
                self._open()
            if self._size_bytes and self._size_bytes + len(line) >= self._max_bytes:
                self._turn()
            # What was written of half a line must not spoil this one.
            whole = b"%b%b\n" % (b"\n" if self._is_torn else b"", line)
            written = os.write(self._descriptor, whole)
            self._size_bytes += written
            self._is_torn = written < len(whole)
            if self._is_torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        except OSError:
            # Opened anew for the next line: the folder may have been moved, or its disk.
            self.close()
            raise

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size_bytes = os.fstat(self._descriptor).st_size

    def _turn(self) -> None:
        self.close()
        names = [self._path, *(self._path.with_name(f"{_NAME}.{number}") for number in range(1, SERVER_LOG_FILES_MAX_COUNT))]
        for newer, older in reversed(list(pairwise(names))):
            if newer.exists():
                newer.replace(older)
        self._open()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
