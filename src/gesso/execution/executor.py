"""The server's half of a Worker: starts the process, gives it one run or one Batch at a time, watches it, ends it. Decides nothing about
Tasks.

DEAD means that it takes no more work. `start`, `run` and `stop` return or raise only when the Executor is ready again or its process is
reaped, so nobody who awaits them leaves anything behind.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gesso.domain.batch import Fit
from gesso.domain.event import LiveEvent, LogLine
from gesso.domain.limits import BATCH_ORDER_MAX_BYTES, FIT_TIMEOUT_S, KILL_GRACE_S, MESSAGE_MAX_BYTES, RUN_TIMEOUT_S, SETUP_TIMEOUT_S
from gesso.domain.model import Model
from gesso.domain.parameter import Kind
from gesso.execution import protocol
from gesso.execution.child import Child
from gesso.execution.process import WorkerProcess, launch, worker_environment
from gesso.execution.run import Outcome, RunInFlight, tell
from gesso.execution.state import LEGAL_STEPS, State
from gesso.models.contract import Device
from gesso.ports import Member, RunOrder, RunResult, SetupFailed, WorkerLost


class ProcessExecutor:
    """An `Executor` over a child process on this machine.

    `home`: the process's working folder, made if absent and left to the caller. `environment`: the server's own, of which the process
    sees an allowed part. `on_log`: hears lines written outside a run. `kill_grace_s`: from asking a run or a process to end to SIGKILL.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        device: Device,
        weights: Path,
        home: Path,
        environment: Mapping[str, str],
        on_log: Callable[[LogLine], None],
        *,
        kill_grace_s: float = KILL_GRACE_S,
        run_timeout_s: float = RUN_TIMEOUT_S,
        setup_timeout_s: float = SETUP_TIMEOUT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.model = model
        self._device = device
        self._weights = weights
        self._home = home
        self._environment = worker_environment(environment, device.threads)
        self._on_log = on_log
        self._kill_grace_s = kill_grace_s
        self._run_timeout_s = run_timeout_s
        self._setup_timeout_s = setup_timeout_s
        self._monotonic = monotonic
        self._file_names = [parameter.id for parameter in model.parameters if parameter.kind.is_file]
        self._single_names = [parameter.id for parameter in model.parameters if parameter.kind is Kind.FILE]
        self._state = State.NEW
        self._end_reason = "was stopped"
        self._run_numbers = itertools.count(1)
        self._runs: dict[str, RunInFlight] = {}
        # Whose stdout and stderr are: the run's, unless it is one of a Batch.
        self._writer: RunInFlight | None = None
        self._fitting: asyncio.Future[Fit | WorkerLost | None] | None = None
        self._child: Child | None = None
        self.is_batching = False

    @property
    def is_ready(self) -> bool:
        return self._state is State.READY

    @property
    def is_alive(self) -> bool:
        return self._state in (State.STARTING, State.READY, State.BUSY)

    @property
    def pid(self) -> int | None:
        """The number of the process, from its spawn to its reaping."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Errors: SetupFailed, WorkerLost. When it raises, or is cancelled, no process is left."""
        self._step(State.STARTING)
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._setup: asyncio.Future[SetupFailed | WorkerLost | None] = self._loop.create_future()
        try:
            await self._launch()
            async with asyncio.timeout(self._setup_timeout_s):
                error = await asyncio.shield(self._setup)
        except TimeoutError:
            error = SetupFailed(f"The Engine of {self.model.name} was not set up within {self._setup_timeout_s:g} s.")
        except BaseException:
            await self._bury()
            raise
        if error is not None:
            await self._bury()
            raise error

    async def run(self, order: RunOrder, on_started: Callable[[], None], on_live: Callable[[LiveEvent], None]) -> RunResult:
        """Carry out one order. Errors: WorkerLost, RunKilled. Cancelled, it kills the run first. A listener that fails is reported to the
        loop and changes nothing."""
        if self._state is State.DEAD:
            raise WorkerLost(self._end_sentence())
        run_id = self._run_id(order)
        try:
            line = protocol.encode(self._run_message(run_id, order))
        except TypeError as error:
            return RunResult((), "input", f"The inputs cannot be given to the model: {error}.", "", "")
        if len(line) > MESSAGE_MAX_BYTES:
            return RunResult((), "input", f"The inputs take more than {MESSAGE_MAX_BYTES} bytes.", "", "")
        self._step(State.BUSY)
        run = self._writer = self._expect(run_id, order, on_started, on_live)
        child = self._present_child()
        child.begin_log()
        child.send(line)
        run.begin()
        outcome = await self._outcome(run)
        if self._state is State.DEAD:
            await asyncio.shield(self._gone)
        if isinstance(outcome, RunResult):
            return outcome
        raise outcome

    async def fit(self, order: RunOrder) -> Fit | None:
        """With whom the order could share a Batch; None for nobody. Errors: WorkerLost."""
        if self._state is State.DEAD:
            raise WorkerLost(self._end_sentence())
        try:
            line = protocol.encode(self._run_message(self._run_id(order), order))
        except TypeError:
            return None
        if len(line) > BATCH_ORDER_MAX_BYTES:
            return None
        self._step(State.BUSY)
        self._fitting = self._loop.create_future()
        timer = self._loop.call_later(FIT_TIMEOUT_S, self._condemn, "did not say with whom a run could share a batch")
        self._fitting.add_done_callback(lambda _: timer.cancel())
        self._present_child().send(protocol.encode(protocol.AskFit()) + line)
        found = await asyncio.shield(self._fitting)
        if isinstance(found, WorkerLost):
            raise found
        return found

    def run_batch(self, members: Sequence[Member]) -> Sequence[asyncio.Future[Outcome]]:
        """Begin to carry out orders together, which must be known to fit; how each ends, errors as values."""
        if self._state is State.DEAD:
            lost = [asyncio.get_running_loop().create_future() for _ in members]
            for outcome in lost:
                outcome.set_result(WorkerLost(self._end_sentence()))
            return lost
        self._step(State.BUSY)
        runs = [self._expect(self._run_id(each.order), each.order, each.on_started, each.on_live) for each in members]
        messages = [protocol.Batch(len(runs)), *(self._run_message(run.run_id, run.order) for run in runs)]
        child = self._present_child()
        child.begin_batch()
        child.send(b"".join(map(protocol.encode, messages)))
        for run in runs:
            run.begin()
        return [run.outcome for run in runs]

    def _run_id(self, order: RunOrder) -> str:
        return f"{order.task_id}.{order.attempt}.{next(self._run_numbers)}"

    def _expect(self, run_id: str, order: RunOrder, on_started: Callable[[], None], on_live: Callable[[LiveEvent], None]) -> RunInFlight:
        run = RunInFlight(run_id, order, self._loop.create_future(), on_started, on_live, self._monotonic)
        run.add_timer(self._loop.call_later(self._run_timeout_s, self._time_out, run))
        self._runs[run_id] = run
        return run

    def kill(self, order: RunOrder | None = None) -> None:
        """Stop the present run, or that of `order`, which then raises RunKilled whatever else it does. No-op when idle."""
        for run in self._runs.values():
            if not run.is_killed and (order is None or run.order is order):
                was_stopping = run.is_stopping
                run.is_killed = True
                if not was_stopping:
                    self._ask_to_stop(run)

    async def stop(self) -> None:
        """End the process: asked first, SIGKILL after the grace time; a run in flight is lost. Cancelled, it kills at once."""
        if self._state is State.NEW:
            self._step(State.DEAD)
        if not self.is_alive and self._child is None:
            return
        timer: asyncio.TimerHandle | None = None
        if self._state in (State.READY, State.BUSY):
            child = self._present_child()
            self._step(State.DEAD)
            child.expect_end("was stopped")
            child.send(protocol.encode(protocol.Shutdown()))
            timer = self._loop.call_later(self._kill_grace_s, child.kill, "was stopped")
        elif self._state is State.STARTING:
            self._condemn("was stopped")
        try:
            await asyncio.shield(self._gone)
        except asyncio.CancelledError:
            if self._child is not None:
                self._child.kill("was stopped")
            raise
        finally:
            if timer is not None:
                timer.cancel()

    async def _launch(self) -> None:
        """Spawn in a thread, because exec waits for the disk; the process is tied to the channel, not to the thread."""
        launching = self._loop.run_in_executor(None, launch, self._home, self._environment)
        try:
            process = await asyncio.shield(launching)
        except asyncio.CancelledError:
            launching.add_done_callback(_discard)
            raise
        except OSError as error:
            raise WorkerLost(f"The model process of {self.model.name} could not be started: {error}.") from error
        if self._state is State.DEAD:
            process.close()
            raise WorkerLost(self._end_sentence())
        self._child = Child(self._loop, process, self._on_message, self._on_line, self._condemn, self._on_end, self._monotonic)
        device = self._device
        options = dict(device.options)
        setup = protocol.Setup(self.model.engine, device.name, device.memory_bytes, device.threads, str(self._weights), options)
        self._child.send(protocol.encode(setup))

    def _run_message(self, run_id: str, order: RunOrder) -> protocol.Run:
        given = {name: order.files.get(name, ()) for name in self._file_names}
        files = {name: [[str(file.path), file.name, file.content_type] for file in several] for name, several in given.items()}
        return protocol.Run(run_id, dict(order.values), files, self._single_names, str(order.folder), order.stem)

    async def _outcome(self, run: RunInFlight) -> Outcome:
        try:
            return await asyncio.shield(run.outcome)
        except asyncio.CancelledError:
            self.kill()
            try:
                await asyncio.wait([run.outcome])
                if self._state is State.DEAD:
                    await asyncio.shield(self._gone)
            except asyncio.CancelledError:
                self._condemn("was stopped")
            raise

    def _ask_to_stop(self, run: RunInFlight) -> None:
        self._present_child().send(protocol.encode(protocol.Kill(run.run_id)))
        run.add_timer(self._loop.call_later(self._kill_grace_s, self._lose_patience, run))

    def _lose_patience(self, run: RunInFlight) -> None:
        if all(other.is_stopping for other in self._runs.values()):
            self._condemn("did not stop when asked")
        else:
            # Others of its Batch would die of it.
            run.add_timer(self._loop.call_later(self._kill_grace_s, self._lose_patience, run))

    def _time_out(self, run: RunInFlight) -> None:
        if not run.is_stopping:
            run.timeout_text = f"The run took more than {self._run_timeout_s:g} s."
            self._ask_to_stop(run)

    def _on_message(self, message: protocol.WorkerMessage) -> None:
        """Errors: ProtocolError."""
        match message:
            case protocol.Ready() | protocol.SetupBroke():
                self._on_setup(message)
            case protocol.FitTold():
                self._on_fit(message)
            case _ if (run := self._runs.get(message.run_id)) is not None:
                self._on_run_message(run, message)
            case _:
                # A thread that an Engine left behind may still speak of a run that has ended.
                pass

    def _on_setup(self, message: protocol.Ready | protocol.SetupBroke) -> None:
        if self._setup.done():
            raise protocol.ProtocolError("set up twice")
        if isinstance(message, protocol.SetupBroke):
            self._setup.set_result(SetupFailed(f"The Engine of {self.model.name} could not be set up: {message.text}"))
        else:
            self.is_batching = message.is_batching
            if self._state is State.STARTING:
                self._step(State.READY)
            self._setup.set_result(None)

    def _on_fit(self, message: protocol.FitTold) -> None:
        if self._fitting is None or self._fitting.done():
            raise protocol.ProtocolError("told of a batch that nobody asked for")
        if message.key and not 1 <= message.size <= message.most:
            raise protocol.ProtocolError(f"a share of {message.size} in a batch of {message.most}")
        if self._state is State.BUSY:
            self._step(State.READY)
        self._fitting.set_result(Fit(message.key, message.size, message.most) if message.key else None)

    def _on_run_message(self, run: RunInFlight, message: protocol.RunMessage) -> None:
        match message:
            case protocol.RunEnded():
                self._finish(run, "", "")
            case protocol.RunBroke():
                if message.kind not in protocol.FAILURES:
                    raise protocol.ProtocolError(f"a failure of the kind {message.kind[:100]!r}")
                self._finish(run, message.kind, message.text)
            case protocol.RunStopped():
                # Unasked it is the answer to Shutdown: the run is lost with the process, which says so.
                if run.is_stopping:
                    self._finish(run, "", "")
            case _:
                run.heard(message)

    def _finish(self, run: RunInFlight, failure: str, text: str) -> None:
        stdout, stderr = self._end_log(run)
        del self._runs[run.run_id]
        # Ready before the outcome is told, so that whoever hears it may give the next order.
        if self._state is State.BUSY and not self._runs:
            self._step(State.READY)
        run.end(failure, text, stdout, stderr)

    def _end_log(self, run: RunInFlight) -> tuple[str, str]:
        if run is not self._writer:
            return run.said(), ""
        log = self._present_child().end_log()
        # Only now: what was held back is told as the run's.
        self._writer = None
        return log

    def _on_line(self, stream: str, text: str) -> None:
        line = LogLine(stream, text)
        if self._writer is not None:
            self._writer.live(line)
        else:
            tell(self._loop, self._on_log, line)

    def _condemn(self, reason: str) -> None:
        """Kill the process; its end is told by `_on_end`."""
        if self._state is not State.DEAD:
            self._step(State.DEAD)
            self._end_reason = reason
        if self._child is not None:
            self._child.kill(reason)

    def _on_end(self, reason: str) -> None:
        if self._state is not State.DEAD:
            self._step(State.DEAD)
        self._end_reason = reason
        for run in self._runs.values():
            run.lose(self._end_sentence(), *self._end_log(run))
        self._runs.clear()
        self._child = None
        if self._fitting is not None and not self._fitting.done():
            self._fitting.set_result(WorkerLost(self._end_sentence()))
        if not self._setup.done():
            self._setup.set_result(WorkerLost(self._end_sentence()))
        self._gone.set_result(None)

    async def _bury(self) -> None:
        self._condemn("was stopped")
        if self._child is not None:
            await asyncio.shield(self._gone)
        elif not self._gone.done():
            self._gone.set_result(None)

    def _end_sentence(self) -> str:
        return f"The model process of {self.model.name} {self._end_reason}."

    def _present_child(self) -> Child:
        assert self._child is not None, "the process is gone"
        return self._child

    def _step(self, state: State) -> None:
        assert state in LEGAL_STEPS[self._state], f"{self.name}: {self._state.name} -> {state.name}"
        self._state = state


def _discard(launching: asyncio.Future[WorkerProcess]) -> None:
    if not launching.cancelled() and launching.exception() is None:
        launching.result().close()
