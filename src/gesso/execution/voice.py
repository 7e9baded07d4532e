"""What an Engine speaks through while it runs, on the Worker's side: the `Emit` of one run, and the files of its Outputs."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from collections.abc import Iterable
from decimal import Decimal

from gesso.domain.file import output_key
from gesso.domain.limits import (
    CARRIED_MAX_BYTES,
    LOG_LINE_MAX_BYTES,
    LOG_LINES_PER_SECOND,
    OUTPUT_MAX_BYTES,
    OUTPUTS_MAX_COUNT,
    PREVIEW_MAX_BYTES,
    PREVIEWS_PER_SECOND,
)
from gesso.domain.price import check_price
from gesso.execution.channel import WorkerChannel
from gesso.execution.protocol import Costed, Logged, OutputMade, Previewed, Progressed, Run, RunMessage, RunStopped
from gesso.execution.rate import Allowance
from gesso.models.contract import Killed, Output

_EXTENSION = re.compile(r"[a-z0-9]{1,16}", re.ASCII)


class Voice:
    """The `Emit` of one run. `is_silenced`: the run was killed or is over, and every call raises `Killed`."""

    def __init__(self, channel: WorkerChannel, run_id: str) -> None:
        self.is_silenced = False
        self._channel = channel
        self._run_id = run_id
        self._allowance = Allowance(LOG_LINES_PER_SECOND)
        self._previews = Allowance(PREVIEWS_PER_SECOND)

    def progress(self, step: int, total: int) -> None:
        self.check()
        total = max(1, int(total))
        step = min(max(0, int(step)), total)
        # More than a listener could follow is not sent: a loop of a million steps must not cost a million messages.
        if self._allowance.take(time.monotonic()) or step == total:
            self._channel.send(Progressed(self._run_id, step, total))

    def preview(self, jpeg: bytes) -> None:
        """Errors: ValueError for a picture that is too large to be a preview."""
        self.check()
        if len(jpeg) > PREVIEW_MAX_BYTES:
            raise ValueError(f"a preview of {len(jpeg)} bytes: {PREVIEW_MAX_BYTES} are the most")
        # As with progress: the next one shows more.
        if self._previews.take(time.monotonic()):
            self._channel.send(Previewed(self._run_id, base64.b64encode(jpeg).decode("ascii")))

    def log(self, text: str) -> None:
        self.check()
        print(text)  # noqa: T201

    def warn(self, text: str) -> None:
        self.log(f"Warning: {text}")

    def cost(self, amount: Decimal) -> None:
        """Errors: ValueError for an amount that cannot be charged exactly."""
        self.check()
        check_price(amount)
        self._channel.send(Costed(self._run_id, f"{amount:f}"))

    def check(self) -> None:
        self.is_silenced = self.is_silenced or self._channel.is_stop_asked(self._run_id)
        if self.is_silenced:
            raise Killed("the run was killed, or is over")


class Ends:
    """Tells the end of each run of a Batch once, as soon as it is known. The last one waits for `close`: after it the Worker is free."""

    def __init__(self, channel: WorkerChannel, run_ids: Iterable[str]) -> None:
        self._channel = channel
        self._open = set(run_ids)
        self._last: RunMessage | None = None

    def tell(self, end: RunMessage) -> None:
        if end.run_id not in self._open:
            return
        if len(self._open) == 1:
            self._last = self._last or end
        else:
            self._open.remove(end.run_id)
            self._channel.send(end)

    def close(self) -> None:
        assert self._last is not None, "a run of the Batch has no end"
        self._channel.send(self._last)


class BatchVoice(Voice):
    """The `Emit` of one run of a Batch."""

    def __init__(self, channel: WorkerChannel, run_id: str, ends: Ends) -> None:
        super().__init__(channel, run_id)
        self._ends = ends

    def log(self, text: str) -> None:
        self.check()
        for line in text.split("\n"):
            self._channel.send(Logged(self._run_id, line[:LOG_LINE_MAX_BYTES]))

    def check(self) -> None:
        try:
            super().check()
        except Killed:
            # At once: the Engine goes on with the others.
            self._ends.tell(RunStopped(self._run_id))
            raise


class OutputFolder:
    """Writes the Outputs of one run where they stay, each under the access key that follows from its number."""

    def __init__(self, channel: WorkerChannel, run: Run) -> None:
        self._channel = channel
        self._run = run
        self._count = 0
        self._is_flush_due = False

    def add(self, output: Output) -> None:
        """Write the bytes, and tell the server with the next message. Errors: TypeError, ValueError if it is no Output; OSError.

        They are flushed, unless they are so few that they go with the message: flushing a file costs more than all the rest of a short run.
        """
        if not isinstance(output, Output):
            raise TypeError(f"the Engine yielded a {type(output).__name__}, not an Output")
        data = memoryview(output.data).cast("B")
        extension = output.extension.lower().removeprefix(".")
        if not _EXTENSION.fullmatch(extension):
            raise ValueError(f"the extension of an output is not letters and digits: {output.extension!r}")
        if len(data) > OUTPUT_MAX_BYTES:
            raise ValueError(f"an output of {len(data)} bytes: {OUTPUT_MAX_BYTES} are the most")
        if self._count >= OUTPUTS_MAX_COUNT:
            raise ValueError(f"more than {OUTPUTS_MAX_COUNT} outputs")
        path = f"{self._run.folder}/{output_key(self._run.stem, self._count)}"
        # O_EXCL also refuses a symbolic link that an Engine may have laid there.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            rest = data
            while rest:
                rest = rest[os.write(fd, rest) :]
            if len(data) > CARRIED_MAX_BYTES:
                os.fsync(fd)
                self._is_flush_due = True
        finally:
            os.close(fd)
        self._count += 1
        digest = hashlib.sha256(data).hexdigest()
        carried = base64.b64encode(data).decode("ascii") if len(data) <= CARRIED_MAX_BYTES else ""
        self._channel.hold(OutputMade(self._run.run_id, extension, len(data), digest, carried))

    def flush(self) -> None:
        """Make the names of flushed files durable too, all at once. Errors: OSError."""
        if self._is_flush_due:
            fd = os.open(self._run.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
