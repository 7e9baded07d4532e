"""What a model process writes on stdout and stderr: cut into lines, told live at a bounded rate, kept per run within bounds.

A line ends with a line feed. A carriage return begins the line anew, as a terminal shows it: of a progress bar the latest state is told
live, and only its last one is kept.
"""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gesso.domain.limits import KIB, LOG_LINE_MAX_BYTES, LOG_LINES_PER_SECOND, LOG_MAX_BYTES
from gesso.execution.rate import Allowance

_READ_BYTES = 32 * KIB
_DRAIN_READS_MAX_COUNT = 64
_STREAM_MAX_BYTES = LOG_MAX_BYTES // 2
"""stdout and stderr share what is kept of a run."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines, each with its end; `bar`: the present state of a line that was begun anew, not to be kept."""

    lines: bytes
    bar: bytes = b""


class Lines:
    """Cuts bytes into lines of at most `max_bytes`; a longer one becomes several. Pure."""

    def __init__(self, max_bytes: int = LOG_LINE_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = b""
        self._bar = b""

    def feed(self, data: bytes) -> Piece:
        text = self._rest + data
        lines, newline, rest = text.rpartition(b"\n")
        if b"\r" in lines:
            lines = b"\n".join(_overwritten(line) for line in lines.split(b"\n"))
        bar = b""
        if b"\r" in rest:
            before, _, after = rest.rstrip(b"\r").rpartition(b"\r")
            is_finished = rest.endswith(b"\r")
            bar = after if is_finished else _overwritten(before)
            rest = after + b"\r" if is_finished else after or bar
        whole = lines + newline
        if len(whole) > self._max_bytes or len(rest) > self._max_bytes:
            whole, rest = self._wrapped(whole, rest)
        self._rest = rest
        if bar == self._bar:
            return Piece(whole)
        self._bar = bar
        return Piece(whole, bar)

    def finish(self) -> bytes:
        """What was begun and not ended."""
        if not self._rest:
            return b""
        rest, self._rest = _overwritten(self._rest), b""
        return rest

    def _wrapped(self, whole: bytes, rest: bytes) -> tuple[bytes, bytes]:
        if max(map(len, whole.split(b"\n"))) > self._max_bytes:
            whole = b"\n".join(b"\n".join(self._parts(line)) for line in whole.split(b"\n"))
        *full, rest = self._parts(rest)
        return whole + b"".join(part + b"\n" for part in full), rest

    def _parts(self, line: bytes) -> list[bytes]:
        parts: list[bytes] = []
        while len(line) > self._max_bytes:
            end = self._max_bytes
            # A character of UTF-8 is at most four bytes, and all but its first are 10xxxxxx.
            while end > self._max_bytes - 4 and line[end] & 0xC0 == 0x80:
                end -= 1
            parts.append(line[:end])
            line = line[end:]
        return [*parts, line]


def _overwritten(line: bytes) -> bytes:
    """The line as it stands after its last carriage return."""
    return line.rstrip(b"\r").rpartition(b"\r")[2]


class Record:
    """The head and the tail of what one run wrote, in whole lines. Pure."""

    def __init__(self, max_bytes: int = _STREAM_MAX_BYTES) -> None:
        self._half_bytes = max_bytes // 2
        self._head = bytearray()
        self._is_head_full = False
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._cut_bytes = 0

    def add(self, lines: bytes) -> None:
        if not self._is_head_full:
            room = self._half_bytes - len(self._head)
            end = len(lines) if len(lines) <= room else lines.rfind(b"\n", 0, room) + 1
            self._head += lines[:end]
            self._is_head_full = end < len(lines)
            lines = lines[end:]
        if lines:
            self._tail.append(lines)
            self._tail_bytes += len(lines)
            while self._tail_bytes - len(self._tail[0]) >= self._half_bytes:
                self._cut_bytes += len(self._tail[0])
                self._tail_bytes -= len(self._tail.popleft())

    def text(self) -> str:
        if not self._head and not self._tail:
            return ""
        tail = b"".join(self._tail)
        cut_bytes = self._cut_bytes
        if len(tail) > self._half_bytes:
            start = tail.find(b"\n", len(tail) - self._half_bytes - 1) + 1
            cut_bytes += start
            tail = tail[start:]
        if not cut_bytes:
            return readable(bytes(self._head) + tail)
        return f"{readable(bytes(self._head))}[… {cut_bytes} bytes were left out here …]\n{readable(tail)}"


def readable(raw: bytes) -> str:
    """Text that every store and wire takes: what is not UTF-8, and NUL, is replaced."""
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")


class LogPipe:
    """The server's end of a process's stdout or stderr. One bounded read for each turn of the loop, so a flood starves nobody."""

    def __init__(self, loop: AbstractEventLoop, fd: int, on_line: Callable[[str], None], monotonic: Callable[[], float]) -> None:
        os.set_blocking(fd, False)
        self._loop = loop
        self._fd = fd
        self._on_line = on_line
        self._monotonic = monotonic
        self._allowance = Allowance(LOG_LINES_PER_SECOND)
        self._lines = Lines()
        self._record: Record | None = None
        self._last = b""
        self._is_open = True
        loop.add_reader(fd, self._read)

    @property
    def last_line(self) -> str:
        """The last line that is not blank, or ""."""
        return readable(self._last.strip()[-LOG_LINE_MAX_BYTES:])

    def begin(self) -> None:
        """What is read from now on is the run's."""
        if rest := self._lines.finish():
            self._tell(rest)
        self._record = Record()
        # Whoever is told of a death must not read what another's run has said.
        self._last = b""

    def end(self) -> str:
        """What was read of the run."""
        self._keep(self._lines.finish())
        text = self._record.text() if self._record is not None else ""
        self._record = None
        return text

    def close(self) -> None:
        """Tell what has arrived, and let go of the descriptor, which stays its owner's to close."""
        if self._is_open:
            self.drain()
            self._keep(self._lines.finish())
            self._leave()

    def _leave(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._fd)

    def drain(self) -> None:
        """Read all that has arrived."""
        for _ in range(_DRAIN_READS_MAX_COUNT):
            if not self._is_open or not self._read():
                return

    def _read(self) -> bool:
        """Whether anything had arrived."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        if not data:
            self._leave()
            return False
        piece = self._lines.feed(data)
        self._keep(piece.lines)
        if piece.bar:
            self._tell(piece.bar)
        return True

    def _keep(self, lines: bytes) -> None:
        if not lines:
            return
        if self._record is not None:
            self._record.add(lines)
        if tail := lines[-LOG_LINE_MAX_BYTES - 1 :].rstrip().rpartition(b"\n")[2]:
            self._last = tail
        self._tell(lines)

    def _tell(self, lines: bytes) -> None:
        now = self._monotonic()
        start = 0
        while start < len(lines) and self._allowance.take(now):
            end = lines.find(b"\n", start)
            end = len(lines) if end < 0 else end
            if text := readable(lines[start:end]):
                self._on_line(text)
            start = end + 1
