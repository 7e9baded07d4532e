"""Engines that misbehave, one way each. They are imported only in Workers."""

from __future__ import annotations

import atexit
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gesso.execution.protocol import OutputMade, encode
from gesso.models.contract import Device, Emit, InputError, Killed, Output

MIB = 2**20


class Obedient:
    """Behaves. The others replace what they do differently."""

    def setup(self, device: Device, weights: Path) -> None:
        pass

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        emit.progress(1, 1)
        return [Output(b"fine", "txt")]


def wait_for_ever() -> None:
    while True:
        signal.pause()


def socket_fd() -> int:
    return int(sys.argv[1])


class OutOfMemoryError(RuntimeError):
    """Named like the one of torch."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class ExitsInSetup(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        print("the disk is full", file=sys.stderr)
        os._exit(3)


class LeavesInSetup(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        sys.exit("no licence")


class RaisesInSetup(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        print("looking for weights")
        raise FileNotFoundError("no weights here")


class HangsInSetup(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        print("loading")
        wait_for_ever()


class NeedsAnArgument(Obedient):
    def __init__(self, colour: str) -> None:
        self.colour = colour


class TellsItsSurroundings(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        self.device, self.weights = device, weights

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        for name, value in sorted(os.environ.items()):
            print(f"{name}={value}")
        print(f"cwd={Path.cwd()}")
        print(f"device={self.device} weights={self.weights}")
        print(f"leads={os.getpgrp() == os.getsid(0) == os.getpid()}")
        print(f"reads={sys.stdin.read()!r}")
        print(f"heavy={sorted({'sqlalchemy', 'starlette', 'typer', 'pydantic', 'asyncio', 'torch', 'PIL', 'numpy'} & set(sys.modules))}")
        print(f"path={str(Path.cwd()) in sys.path}")
        print(f"inherits={os.get_inheritable(socket_fd())}")
        return []


class TellsItsInputs(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        print({name: value for name, value in inputs.items() if not name.startswith("picture")})
        for file in [inputs["picture"], *inputs["pictures"]]:
            if file is None:
                print("absent")
            else:
                print(file.name, file.content_type)
                yield Output(file.path.read_bytes(), ".TXT")


class ExitsMidRun(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        print("cannot go on", file=sys.stderr)
        os._exit(3)


class KilledMidRun(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class Crashes(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        ctypes.string_at(0)


class ExitsAfterItsRun(Obedient):
    """Dies when it is idle."""

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        threading.Thread(target=self._exit, daemon=True).start()
        return [Output(b"last words", "txt")]

    def _exit(self) -> None:
        Path("go").open().close()
        os._exit(9)

    def setup(self, device: Device, weights: Path) -> None:
        os.mkfifo("go")


class RaisesWhatIsAsked(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        errors = {
            "error": RuntimeError("the tensor is sad"),
            "input": InputError("The mask is empty."),
            "memory": MemoryError(),
            "torch": OutOfMemoryError("tried to allocate 80 GiB"),
            "exit": SystemExit(5),
            "interrupt": KeyboardInterrupt(),
            "killed": Killed("nobody asked"),
            "unicode": RuntimeError("half a pair: \ud800, and € and \x00"),
            "unicode input": InputError("half a pair: \udfff"),
            "unprintable": Unprintable(),
            "long": RuntimeError("x" * 100_000),
            "full": OSError(errno.ENOSPC, "No space left on device"),
        }
        raise errors[inputs["how"]]


class YieldsWhatIsAsked(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        return {
            "none": None,
            "number": [7],
            "text": [Output("text", "txt")],  # pyright: ignore[reportArgumentType]
            "extension": [Output(b"", "../../etc/passwd")],
            "count": [Output(b"", "txt")] * 65,
            "nothing": [],
            "memoryview": (Output(memoryview(b"bytes"), "bin") for _ in range(2)),  # pyright: ignore[reportArgumentType]
        }[inputs["how"]]


class HangsIgnoringKill(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        print("deaf")
        while True:
            try:
                emit.check()
                threading.Event().wait(0.005)
            except Killed:
                continue


class NeverEmits(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        print("silent")
        wait_for_ever()


class StopsWhenAsked(Obedient):
    """Runs until it is killed, unless told to be `quick`, and cleans up."""

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        if inputs.get("quick"):
            yield Output(b"quick", "txt")
            return
        try:
            print("working")
            yield Output(b"unfinished", "txt")
            while True:
                emit.check()
                threading.Event().wait(0.005)
        finally:
            print("cleaned up")


class SwallowsKilled(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        print("working")
        try:
            while True:
                emit.check()
                threading.Event().wait(0.005)
        except Killed:
            return [Output(b"finished all the same", "txt")]


class FinishesWithoutLooking(Obedient):
    """Waits for a file that the test makes, and ends without having emitted."""

    def setup(self, device: Device, weights: Path) -> None:
        os.mkfifo("go")

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        if inputs.get("quick"):
            return []
        print("working")
        Path("go").open().close()
        return []


class FloodsStderr(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        block = b"".join(b"line %6d of a flood of lines, each of them of eighty bytes, of no use to anyone\n" % n for n in range(13_000))
        print("the first line", file=sys.stderr)
        for _ in range(100):
            os.write(2, block)
        print("the last line", file=sys.stderr)
        return []


class FloodsWithoutNewline(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        for _ in range(20):
            os.write(1, "ü".encode() * (MIB // 2))
        return []


class FloodsProgress(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        for step in range(100_000):
            emit.progress(step + 1, 100_000)
        return []


class DrawsABar(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        for percent in range(101):
            sys.stderr.write(f"\r{percent:3}%|{'#' * (percent // 10)}|")
            sys.stderr.flush()
        sys.stderr.write("\n")
        return []


class PrintsWithoutNewline(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        sys.stdout.write("no newline")
        ctypes.CDLL(None).printf(b" and C holds this back")
        return []


class PrintsBytesOfAllKinds(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        print("half a pair: \ud800")
        sys.stdout.flush()
        os.write(1, b"not utf-8: \xff\xfe nul: \x00 end\r\n")
        return []


class PrintsAtExit(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        atexit.register(print, "farewell")
        print("welcome")


class ClosesItsStreams(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        sys.stdout.close()
        sys.stderr.close()
        sys.stdout = None  # pyright: ignore[reportAttributeAccessIssue]
        return [Output(b"fine", "txt")]


class DoesWhatIsAsked(Obedient):
    """`how`: quick, listens, deaf or exits."""

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        print(inputs["how"])
        if inputs["how"] == "exits":
            os._exit(3)
        if inputs["how"] == "deaf":
            wait_for_ever()
        while inputs["how"] == "listens":
            emit.check()
            threading.Event().wait(0.002)
        return [Output(b"quick", "txt")]


class WritesGarbage(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        os.write(socket_fd(), inputs["garbage"].encode() + b"\n")
        wait_for_ever()


class SendsAnEndlessMessage(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        while True:
            os.write(socket_fd(), b"x" * MIB)


class ShutsTheSocket(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        with socket.socket(fileno=os.dup(socket_fd())) as connection:
            connection.shutdown(socket.SHUT_WR)
        wait_for_ever()


class ClosesTheSocket(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        os.close(socket_fd())
        return []


class LaysALink(Obedient):
    """A link where the Worker will write its first output."""

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        Path(inputs["place"]).symlink_to(inputs["target"])
        return [Output(b"through the link", "txt")]


class ClaimsAnOutput(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        os.write(socket_fd(), encode(OutputMade(f"{inputs['task']}.1.1", "txt", inputs["size"], "0" * 64)))
        wait_for_ever()


class LinksAnOutput(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        Path(inputs["place"]).symlink_to("/etc/hostname")
        os.write(socket_fd(), encode(OutputMade(f"{inputs['task']}.1.1", "txt", inputs["size"], "0" * 64)))
        wait_for_ever()


class ForksAGrandchild(Obedient):
    """That holds stdout and the socket, and waits for ever."""

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        pid = os.fork()
        if not pid:
            wait_for_ever()
        print(pid)
        if inputs.get("then") == "hang":
            wait_for_ever()
        if inputs.get("then") == "exit":
            os._exit(3)
        return []


class SpawnsADaemon(Obedient):
    """That leaves the process group and holds stdout."""

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        process.returncode = 0
        print(process.pid)
        return []


class LeavesAThread(Obedient):
    """That goes on speaking of a run that has ended."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        stop = threading.Event()

        def speak() -> None:
            while not stop.is_set():
                emit.progress(1, 1)

        for thread in self.threads:
            thread.join(0.01)
        self.threads.append(threading.Thread(target=speak, daemon=True))
        self.threads[-1].start()
        return [Output(b"fine", "txt")]


class SpeaksFromManyThreads(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        threads = [threading.Thread(target=emit.preview, args=(bytes([number]) * 100_000,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return []


class Previews(Obedient):
    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Any:
        emit.preview(b"\xff\xd8 a picture")
        emit.warn("the picture was scaled")
        emit.log("a note")
        emit.preview(bytes(5 * MIB))
        return []


class IgnoresShutdown(Obedient):
    def setup(self, device: Device, weights: Path) -> None:
        threading.Thread(target=wait_for_ever_in_thread).start()


def wait_for_ever_in_thread() -> None:
    threading.Event().wait()
