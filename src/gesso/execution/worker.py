"""The child half of a Worker: loads one Engine, serves its runs one at a time or in Batches, says how each ended. Started by the server as
`python -m gesso.execution.worker FD`, with a connected socket as FD.

It imports little, because its start is waited for, and knows nothing of Tasks, the store or the network. Errors leave as data.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TextIO, cast

from gesso.domain.limits import PROVENANCE_MAX_BYTES
from gesso.execution.channel import WorkerChannel
from gesso.execution.protocol import (
    Accounted,
    AskFit,
    Batch,
    FitTold,
    Ready,
    Run,
    RunBroke,
    RunEnded,
    RunMessage,
    RunStopped,
    Setup,
    SetupBroke,
    Shutdown,
    encode,
)
from gesso.execution.voice import BatchVoice, Ends, OutputFolder, Voice
from gesso.models.contract import BatchingEngine, Device, Engine, InputError, InputFile, Killed, Output, Part

_TEXT_MAX_CHARACTERS = 2_000
# No fault of the Engine: the run is tried again.
_FULL = {errno.ENOSPC: "its disk is full", errno.EDQUOT: "its disk quota is used up"}


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    channel = WorkerChannel(connection)
    threading.Thread(target=_die_with_server, args=(connection.fileno(),), name="watchdog", daemon=True).start()
    # The server decides when a Worker ends. A handler and not SIG_IGN, which the programs that an Engine starts would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    _speak_utf8(sys.stdout)
    _speak_utf8(sys.stderr)
    setup = channel.wait()
    if not isinstance(setup, Setup):
        return
    engine = _set_up(channel, setup)
    while engine is not None:
        message = channel.wait()
        if message is None or isinstance(message, Shutdown):
            return
        # A Kill that is read here is of a run that has ended.
        if isinstance(message, Run):
            _serve(channel, engine, message)
        elif isinstance(message, AskFit):
            channel.send(_fit(engine, *_next_runs(channel, 1)))
        elif isinstance(message, Batch):
            _serve_batch(channel, engine, _next_runs(channel, message.count))


def _set_up(channel: WorkerChannel, setup: Setup) -> Engine | None:
    """The Engine, or None after its error was told."""
    try:
        module_name, _, class_name = setup.engine.partition(":")
        engine = getattr(importlib.import_module(module_name), class_name)()
        engine.setup(Device(setup.device, setup.memory_bytes, setup.threads, setup.options), Path(setup.weights))
    except BaseException as error:
        _print_traceback(error)
        _flush()
        channel.send(SetupBroke(_words(error)))
        return None
    _flush()
    channel.send(Ready(callable(getattr(engine, "run_batch", None))))
    return engine


def _serve(channel: WorkerChannel, engine: Engine, run: Run) -> None:
    voice = Voice(channel, run.run_id)
    end = _end(channel, engine, run, voice, partial(engine.run, _inputs(run), voice))
    # Before the end is told, so that the server finds every line of the run in the pipes.
    _flush()
    channel.send(end)


def _end(channel: WorkerChannel, engine: Engine, run: Run, voice: Voice, make: Callable[[], Iterable[Output]]) -> RunMessage:
    """How a run ends whose Outputs come from `make`; they are written."""
    outputs = OutputFolder(channel, run)
    end: RunMessage
    try:
        _produce(make(), voice, outputs)
        _account(channel, engine, run.run_id)
        end = RunStopped(run.run_id) if voice.is_silenced else RunEnded(run.run_id)
    except InputError as error:
        end = RunBroke(run.run_id, "input", _clipped(_safe_str(error)) or "The input cannot be served.")
    except BaseException as error:
        end = RunStopped(run.run_id) if voice.is_silenced else _broken(run.run_id, error)
    voice.is_silenced = True
    return end


def _broken(run_id: str, error: BaseException) -> RunBroke:
    full = _FULL.get(error.errno or 0) if isinstance(error, OSError) else None
    if full is not None:
        return RunBroke(run_id, "disk", full)
    _print_traceback(error)
    return RunBroke(run_id, "memory" if _is_out_of_memory(error) else "engine", _words(error))


def _fit(engine: Engine, run: Run) -> FitTold:
    try:
        fit = cast("BatchingEngine", engine).fit(_inputs(run))
        if fit is not None and 1 <= fit.size <= fit.most:
            return FitTold(run.run_id, str(fit.key), int(fit.size), int(fit.most))
    except InputError:
        # Alone it will be refused too, and its client be told why.
        pass
    except Exception as error:
        _print_traceback(error)
    return FitTold(run.run_id, "", 0, 0)


def _serve_batch(channel: WorkerChannel, engine: Engine, runs: Sequence[Run]) -> None:
    ends = Ends(channel, [run.run_id for run in runs])
    voices = [BatchVoice(channel, run.run_id, ends) for run in runs]
    try:
        parts = [Part(_inputs(run), voice) for run, voice in zip(runs, voices, strict=True)]
        for number, made in cast("BatchingEngine", engine).run_batch(parts):
            ends.tell(_end(channel, engine, runs[number], voices[number], partial(_made, made)))
    except Killed:
        pass
    except BaseException as error:
        _print_traceback(error)
    # Where all of them together ran into something, most will be well alone, and whose fault it was shows.
    for run, voice in zip(runs, voices, strict=True):
        if not voice.is_silenced:
            ends.tell(_end(channel, engine, run, voice, partial(engine.run, _inputs(run), voice)))
    _flush()
    ends.close()


def _made(made: Sequence[Output] | Exception) -> Sequence[Output]:
    if isinstance(made, Exception):
        raise made
    return made


def _next_runs(channel: WorkerChannel, count: int) -> list[Run]:
    """Those that were sent with the message before them. Errors: ConnectionResetError when the server is gone."""
    runs = [message for message in (channel.wait() for _ in range(count)) if isinstance(message, Run)]
    if len(runs) < count:
        raise ConnectionResetError("the server is gone")
    return runs


def _produce(made: Iterable[Output], voice: Voice, outputs: OutputFolder) -> None:
    if not isinstance(made, Iterable):
        raise TypeError(f"the Engine's run returned a {type(made).__name__}, not Outputs")
    try:
        for output in made:
            outputs.add(output)
            voice.check()
    finally:
        # A generator that is left early cleans up now, and what it prints then is still the run's.
        close = getattr(made, "close", None)
        if close is not None:
            close()
    outputs.flush()


def _account(channel: WorkerChannel, engine: Engine, run_id: str) -> None:
    """Tell what the run was made with, if the Engine can. What was made counts even when it cannot be told how."""
    account = getattr(engine, "provenance", None)
    if account is None:
        return
    try:
        made_with = account()
        message = Accounted(run_id, dict(made_with.environment), dict(made_with.used))
        size_bytes = len(encode(message))
        if size_bytes > PROVENANCE_MAX_BYTES:
            raise ValueError(f"a provenance of {size_bytes} bytes: {PROVENANCE_MAX_BYTES} are the most")
    except Exception as error:
        _print_traceback(error)
    else:
        channel.hold(message)


def _inputs(run: Run) -> dict[str, Any]:
    inputs: dict[str, Any] = dict(run.values)
    for parameter_id, described in run.files.items():
        files = [InputFile(Path(path), name, content_type) for path, name, content_type in described]
        inputs[parameter_id] = files if parameter_id not in run.single else files[0] if files else None
    return inputs


def _is_out_of_memory(error: BaseException) -> bool:
    """Also what torch raises, by name, because it must not be imported here."""
    return isinstance(error, MemoryError) or any(cls.__name__ == "OutOfMemoryError" for cls in type(error).__mro__)


def _words(error: BaseException) -> str:
    text = _safe_str(error)
    return _clipped(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _safe_str(error: BaseException) -> str:
    try:
        return str(error).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    except Exception:
        return "(an error that cannot be shown)"


def _clipped(text: str) -> str:
    return text if len(text) <= _TEXT_MAX_CHARACTERS else text[: _TEXT_MAX_CHARACTERS - 1] + "…"


def _print_traceback(error: BaseException) -> None:
    with suppress(Exception):
        sys.__excepthook__(type(error), error, error.__traceback__)


def _speak_utf8(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    assert reconfigure is not None, "the server starts the Worker with pipes"
    reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def _flush() -> None:
    """Push out what Python and C hold back. An Engine may have closed or replaced the streams."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    _libc().fflush(None)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _die_with_server(fd: int) -> None:
    """Wait, on a thread, for the server to go, and take along all that the Engine started: nothing else would end an Engine that never
    emits."""
    poll = select.poll()
    poll.register(fd, 0)
    poll.poll()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
