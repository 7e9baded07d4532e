"""A running Worker with its channel and its two logs on the event loop, from spawn to reaping. Knows messages, not what they mean."""

from __future__ import annotations

import select
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

from gesso.execution.channel import ServerChannel
from gesso.execution.logs import LogPipe
from gesso.execution.process import WorkerProcess, describe_exit
from gesso.execution.protocol import WorkerMessage

_LAST_WORDS_MAX_CHARACTERS = 500
_EXIT_AFTER_CLOSE_S = 1.0


class Child:
    """Calls `on_message` for each message, `on_line(stream, text)` for log lines, `on_broken(reason)` when it must be killed, and at last,
    after the process is reaped and all that it said was told, `on_end(reason)`, once. Reasons begin with a verb."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        process: WorkerProcess,
        on_message: Callable[[WorkerMessage], None],
        on_line: Callable[[str, str], None],
        on_broken: Callable[[str], None],
        on_end: Callable[[str], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._loop = loop
        self._process = process
        self._on_broken = on_broken
        self._on_end = on_end
        self._reason = ""
        self._is_shared = False
        self._exit_timer: TimerHandle | None = None
        self._channel = ServerChannel(loop, process.connection, on_message, self._channel_ended)
        self._stdout = LogPipe(loop, process.stdout.fileno(), lambda text: on_line("stdout", text), monotonic)
        self._stderr = LogPipe(loop, process.stderr.fileno(), lambda text: on_line("stderr", text), monotonic)
        self._logs = {process.stdout.fileno(): self._stdout, process.stderr.fileno(): self._stderr}
        self._unread = select.poll()
        for fd in self._logs:
            self._unread.register(fd, select.POLLIN)
        process.watch(loop, self._exited)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, line: bytes) -> None:
        self._channel.send(line)

    def begin_batch(self) -> None:
        """What is written from now on is of several runs, and no one's last words."""
        self._is_shared = True

    def begin_log(self) -> None:
        """What is written from now on is the run's."""
        self._is_shared = False
        self._drain_logs()
        self._stdout.begin()
        self._stderr.begin()

    def end_log(self) -> tuple[str, str]:
        """What the run wrote on stdout and stderr, to the last byte that has arrived."""
        self._drain_logs()
        return self._stdout.end(), self._stderr.end()

    def _drain_logs(self) -> None:
        # One look at both: most of the time there is nothing in them.
        for fd, _ in self._unread.poll(0):
            self._logs[fd].drain()

    def expect_end(self, reason: str) -> None:
        """Name the reason of an end that was asked for; the first one stays."""
        self._reason = self._reason or reason

    def kill(self, reason: str) -> None:
        self.expect_end(reason)
        self._process.kill_group()

    def _channel_ended(self, reason: str) -> None:
        if reason:
            self._on_broken(reason)
        else:
            # A process that exits closes its channel a moment before its exit is seen, and the exit code says more.
            self._exit_timer = self._loop.call_later(_EXIT_AFTER_CLOSE_S, self._on_broken, "closed its channel")

    def _exited(self) -> None:
        # What it said before its end counts: a run that ended well has ended well.
        self._channel.drain()
        self._channel.close()
        self._stdout.close()
        self._stderr.close()
        if self._exit_timer is not None:
            self._exit_timer.cancel()
        code = self._process.close()
        reason = self._reason or describe_exit(code)
        last_words = "" if self._is_shared else self._stderr.last_line[-_LAST_WORDS_MAX_CHARACTERS:]
        self._on_end(f"{reason}; its last line on stderr: {last_words}" if last_words else reason)
