"""One run in flight, as the Executor keeps it: what was made, what was asked of it since, and how it ends. No processes, no sockets."""

from __future__ import annotations

import base64
import os
import re
import stat
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from gesso.domain.event import LiveEvent, LogLine, Preview, Progress
from gesso.domain.file import output_key
from gesso.domain.limits import CARRIED_MAX_BYTES, LOG_LINE_MAX_BYTES, LOG_LINES_PER_SECOND, OUTPUT_MAX_BYTES, OUTPUTS_MAX_COUNT
from gesso.domain.price import check_price
from gesso.domain.provenance import MadeWith
from gesso.execution.logs import Record, readable
from gesso.execution.protocol import Accounted, Costed, Logged, OutputMade, Previewed, Progressed, ProtocolError
from gesso.execution.rate import Allowance
from gesso.ports import MadeOutput, RunKilled, RunOrder, RunResult, WorkerLost

Outcome = RunResult | RunKilled | WorkerLost

_EXTENSION = re.compile(r"[a-z0-9]{1,16}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class RunInFlight:
    """A run between its order and its outcome. `outcome` holds errors as values, so that one nobody awaits any more is no warning."""

    def __init__(
        self,
        run_id: str,
        order: RunOrder,
        outcome: Future[Outcome],
        on_started: Callable[[], None],
        on_live: Callable[[LiveEvent], None],
        monotonic: Callable[[], float],
    ) -> None:
        self.run_id = run_id
        self.order = order
        self.outcome = outcome
        self._on_live = on_live
        self.is_killed = False
        self.timeout_text = ""
        self._on_started = on_started
        self._monotonic = monotonic
        self._started_at = 0.0
        self._outputs: list[MadeOutput] = []
        self._reported: Decimal | None = None
        self._made_with: MadeWith | None = None
        # Of a run in a Batch, whose lines come as messages; made with the first of them.
        self._said: tuple[Record, Allowance] | None = None
        self._timers: list[TimerHandle] = []

    @property
    def is_stopping(self) -> bool:
        return self.is_killed or bool(self.timeout_text)

    def add_timer(self, timer: TimerHandle) -> None:
        """A timer that the outcome cancels."""
        self._timers.append(timer)

    def begin(self) -> None:
        """Its Worker, which has nothing else to do, was given the order."""
        self._started_at = self._monotonic()
        tell(self.outcome.get_loop(), self._on_started)

    def heard(self, message: Progressed | Previewed | Logged | Costed | OutputMade | Accounted) -> None:
        """Something that does not end it. Errors: ProtocolError."""
        match message:
            case Progressed():
                elapsed_us = round((self._monotonic() - self._started_at) * 1_000_000)
                self.live(Progress(message.step, message.total, elapsed_us))
            case Previewed():
                self.live(Preview(message.jpeg_base64))
            case Logged():
                self._keep(message.text)
            case Costed():
                self._reported = amount_of(message)
            case Accounted():
                self._made_with = MadeWith({name: str(value) for name, value in message.environment.items()}, message.used)
            case OutputMade():
                if len(self._outputs) >= OUTPUTS_MAX_COUNT:
                    raise ProtocolError(f"more than {OUTPUTS_MAX_COUNT} outputs")
                self._outputs.append(verified(message, self.order, len(self._outputs)))

    def said(self) -> str:
        """What it wrote in messages."""
        return "" if self._said is None else self._said[0].text()

    def _keep(self, text: str) -> None:
        line = text.encode("utf-8", "replace")[:LOG_LINE_MAX_BYTES]
        if self._said is None:
            self._said = Record(), Allowance(LOG_LINES_PER_SECOND)
        record, allowance = self._said
        record.add(line + b"\n")
        if text and allowance.take(self._monotonic()):
            self.live(LogLine("stdout", readable(line)))

    def live(self, event: LiveEvent) -> None:
        tell(self.outcome.get_loop(), self._on_live, event)

    def end(self, failure: str, text: str, stdout: str, stderr: str) -> None:
        """The Worker is done with the run. Who asked for a kill is told of a kill, even if the Engine was quicker."""
        if self.is_killed:
            self._settle(RunKilled("The run was killed as asked."))
        elif self.timeout_text:
            self._settle(RunResult((), "timeout", self.timeout_text, stdout, stderr))
        elif failure:
            self._settle(RunResult((), failure, text, stdout, stderr))
        else:
            self._settle(RunResult(tuple(self._outputs), "", "", stdout, stderr, self._reported, self._made_with))

    def lose(self, reason: str, stdout: str, stderr: str) -> None:
        """The Worker is gone."""
        if self.is_stopping:
            self.end("", "", stdout, stderr)
        else:
            self._settle(WorkerLost(reason))

    def _settle(self, outcome: Outcome) -> None:
        for timer in self._timers:
            timer.cancel()
        if not self.outcome.done():
            self.outcome.set_result(outcome)


def tell(loop: AbstractEventLoop, listener: Callable[..., None], *arguments: object) -> None:
    """Call a listener; its failure is the loop's to report, and must not cost the run its end."""
    try:
        listener(*arguments)
    except Exception as error:
        loop.call_exception_handler({"message": "a listener of a model process failed", "exception": error})


def amount_of(message: Costed) -> Decimal:
    """Errors: ProtocolError for what is no price."""
    try:
        amount = Decimal(message.amount)
        check_price(amount)
    except (InvalidOperation, ValueError) as error:
        raise ProtocolError(f"a cost of {message.amount[:100]!r}") from error
    return amount


def verified(message: OutputMade, order: RunOrder, index: int) -> MadeOutput:
    """The Output number `index` that a Worker says it made: a plain file in its place, of the size told. Errors: ProtocolError."""
    if not _EXTENSION.fullmatch(message.extension) or not _SHA256.fullmatch(message.sha256):
        raise ProtocolError(f"an output with the extension {message.extension[:100]!r} and the digest {message.sha256[:100]!r}")
    access_key = output_key(order.stem, index)
    try:
        status = os.lstat(f"{order.folder}/{access_key}")
    except OSError as error:
        raise ProtocolError(f"an output that is not there, number {index}") from error
    if not stat.S_ISREG(status.st_mode) or not status.st_size == message.size_bytes <= OUTPUT_MAX_BYTES:
        raise ProtocolError(f"an output that is no file of {message.size_bytes} bytes, number {index}")
    return MadeOutput(access_key, message.extension, message.size_bytes, message.sha256, _carried(message, index))


def _carried(message: OutputMade, index: int) -> bytes:
    if message.size_bytes > CARRIED_MAX_BYTES:
        return b""
    try:
        data = base64.b64decode(message.carried, validate=True)
    except ValueError as error:
        raise ProtocolError(f"an output whose bytes cannot be read, number {index}") from error
    if len(data) != message.size_bytes:
        raise ProtocolError(f"an output of {message.size_bytes} bytes that carries {len(data)}, number {index}")
    return data
