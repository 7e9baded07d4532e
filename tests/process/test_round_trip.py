"""The life of a Worker with the echo model: start, runs, stop."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from gesso.domain.event import LiveEvent, LogLine, Progress
from gesso.execution.executor import ProcessExecutor
from gesso.models.contract import Device
from gesso.models.echo.engine import picture
from gesso.models.echo.model import MODEL
from gesso.ports import RunOrder


def test_a_run_gives_progress_log_and_outputs(tmp_path: Path) -> None:
    async def scenario() -> None:
        executor = ProcessExecutor("echo-1", MODEL, Device("cpu", 2**26, 1), tmp_path, tmp_path / "home", os.environ, lambda line: None)
        await executor.start()
        live: list[LiveEvent] = []
        started: list[bool] = []
        values = MODEL.check({"text": "hello", "steps": 3, "outputs": 2, "seed": 5}, {})
        order = RunOrder(7, 1, values, {}, tmp_path)
        result = await executor.run(order, lambda: started.append(True), live.append)
        assert started == [True]
        assert result.failure == ""
        assert [made.path.read_bytes() for made in result.outputs] == [picture("hello", 5, 0), picture("hello", 5, 1)]
        assert [(event.step, event.total) for event in live if isinstance(event, Progress)] == [(1, 3), (2, 3), (3, 3)]
        assert LogLine("stdout", "hello") in live
        assert (result.stdout, result.stderr) == ("hello\n", "")
        assert executor.is_ready
        await executor.stop()
        assert not executor.is_alive

    asyncio.run(scenario())
