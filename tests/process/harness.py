"""What the tests of model processes share: building an Executor around a misbehaving Engine, orders for it, ears for its events."""

from __future__ import annotations

import asyncio
import itertools
import os
import select
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gesso.domain.event import LiveEvent, LogLine, Progress
from gesso.domain.file import output_key
from gesso.domain.ids import new_access_key
from gesso.domain.model import Group, Model
from gesso.domain.parameter import Kind, Parameter
from gesso.execution.executor import ProcessExecutor
from gesso.models.contract import Device
from gesso.ports import LocalFile, RunOrder, RunResult

HERE = Path(__file__).parent
PATIENCE_S = 20.0
"""After which a test has failed, not a time that any test takes."""


def model_of(engine: str) -> Model:
    files = (Parameter("picture", Kind.FILE), Parameter("pictures", Kind.FILES))
    return Model("test", "engine", "Test", "An Engine under test.", engine, (Group("All", files),))


class Ears:
    """Hears what an Executor tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.started_count = 0
        self.live: list[LiveEvent] = []
        self.idle_lines: list[LogLine] = []
        self._heard = asyncio.Event()

    def on_started(self) -> None:
        self.started_count += 1
        self._heard.set()

    def on_live(self, event: LiveEvent) -> None:
        self.live.append(event)
        self._heard.set()

    def on_log(self, line: LogLine) -> None:
        self.idle_lines.append(line)
        self._heard.set()

    @property
    def lines(self) -> list[str]:
        return [event.text for event in self.live if isinstance(event, LogLine)]

    @property
    def steps(self) -> list[tuple[int, int]]:
        return [(event.step, event.total) for event in self.live if isinstance(event, Progress)]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._heard.clear()
                await self._heard.wait()


class Bench:
    """One test's folder, Executors and orders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.device = Device("cpu", 2**26, 2)
        self._numbers = itertools.count(1)

    def executor(self, engine: str | Model, ears: Ears, environment: Mapping[str, str] | None = None, **options: Any) -> ProcessExecutor:
        model = engine if isinstance(engine, Model) else model_of(engine)
        seen = {**os.environ, "PYTHONPATH": str(HERE), **(environment or {})}
        home = self.folder / f"home-{next(self._numbers)}"
        return ProcessExecutor("under-test", model, self.device, self.folder / "weights", home, seen, ears.on_log, **options)

    def order(self, values: Mapping[str, Any] | None = None, files: Mapping[str, tuple[LocalFile, ...]] | None = None) -> RunOrder:
        number = next(self._numbers)
        folder = self.folder / "outputs"
        folder.mkdir(exist_ok=True)
        return RunOrder(number, 1, values or {}, files or {}, folder, new_access_key())

    def outputs(self, result: RunResult) -> list[bytes]:
        """The bytes of the Outputs that a run told of."""
        return [(self.folder / "outputs" / made.access_key).read_bytes() for made in result.outputs]

    def file(self, name: str, data: bytes) -> LocalFile:
        path = self.folder / f"input-{next(self._numbers)}"
        path.write_bytes(data)
        return LocalFile(path, name, "application/octet-stream")


def output_path(order: RunOrder, index: int) -> Path:
    """Where the Worker must write an Output."""
    return order.folder / output_key(order.stem, index)


async def run(executor: ProcessExecutor, order: RunOrder, ears: Ears) -> RunResult:
    async with asyncio.timeout(PATIENCE_S):
        return await executor.run(order, ears.on_started, ears.on_live)


def wait_for_end(pid: int) -> None:
    """Until the process, which need not be a child of this one, has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        assert poll.poll(PATIENCE_S * 1000), f"process {pid} lives on"
    finally:
        os.close(fd)


def open_descriptors() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:
            continue
    return found


def children() -> set[str]:
    return {child for listing in Path("/proc/self/task").glob("*/children") for child in listing.read_text().split()}
