"""Any order of the Executor's public calls, with real processes: each does what it says or nothing, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from harness import Bench, Ears, open_descriptors, run
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gesso.execution.executor import ProcessExecutor
from gesso.ports import RunKilled, RunResult, WorkerLost


class AnyOrder(RuleBasedStateMachine):
    """`expected` is one of new, ready, listens, deaf (the last two: that run is in flight) and dead."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.runner.get_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.bench = Bench(self.folder)
        self.descriptors = open_descriptors()
        self.renew()

    def is_in(self, *expected: str) -> bool:
        return self.expected in expected

    @property
    def is_in_flight(self) -> bool:
        return self.is_in("listens", "deaf")

    @precondition(lambda self: self.is_in("dead"))
    @rule()
    def renew(self) -> None:
        async def renew() -> tuple[Ears, ProcessExecutor]:
            ears = Ears()
            return ears, self.bench.executor("engines:DoesWhatIsAsked", ears, kill_grace_s=0.05)

        self.ears, self.executor = self.runner.run(renew())
        self.running: asyncio.Task[RunResult] | None = None
        self.expected = "new"

    @precondition(lambda self: self.is_in("new"))
    @rule()
    def start(self) -> None:
        self.runner.run(self.executor.start())
        self.expected = "ready"

    @precondition(lambda self: self.is_in("ready"))
    @rule()
    def run_quickly(self) -> None:
        result = self.runner.run(run(self.executor, self.bench.order({"how": "quick"}), self.ears))
        assert (result.failure, result.stdout, len(result.outputs)) == ("", "quick\n", 1)

    @precondition(lambda self: self.is_in("ready"))
    @rule()
    def run_into_an_exit(self) -> None:
        with pytest.raises(WorkerLost, match="exited with code 3"):
            self.runner.run(run(self.executor, self.bench.order({"how": "exits"}), self.ears))
        self.expected = "dead"

    @precondition(lambda self: self.is_in("ready"))
    @rule()
    def begin_a_run_that_listens(self) -> None:
        self._begin("listens")

    @precondition(lambda self: self.is_in("ready"))
    @rule()
    def begin_a_run_that_is_deaf(self) -> None:
        self._begin("deaf")

    def _begin(self, how: str) -> None:
        async def begin() -> asyncio.Task[RunResult]:
            self.ears.live.clear()
            running = asyncio.create_task(run(self.executor, self.bench.order({"how": how}), self.ears))
            await self.ears.until(lambda: self.ears.lines == [how])
            return running

        self.running = self.runner.run(begin())
        self.expected = how

    async def _ended(self) -> object:
        assert self.running is not None
        running, self.running = self.running, None
        return (await asyncio.gather(running, return_exceptions=True))[0]

    @rule()
    def kill(self) -> None:
        async def kill() -> None:
            self.executor.kill()
            if self.is_in_flight:
                assert type(await self._ended()) is RunKilled
                self.expected = "ready" if self.is_in("listens") else "dead"

        self.runner.run(kill())

    @precondition(lambda self: self.is_in_flight)
    @rule()
    def cancel(self) -> None:
        async def cancel() -> None:
            assert self.running is not None
            self.running.cancel()
            assert type(await self._ended()) is asyncio.CancelledError

        self.runner.run(cancel())
        self.expected = "ready" if self.is_in("listens") else "dead"

    @precondition(lambda self: not self.is_in("new", "dead"))
    @rule()
    def lose_the_process(self) -> None:
        async def lose() -> None:
            assert self.executor.pid
            os.kill(self.executor.pid, signal.SIGKILL)
            if self.is_in_flight:
                assert type(await self._ended()) is WorkerLost
            with pytest.raises(WorkerLost, match="SIGKILL"):
                await run(self.executor, self.bench.order({"how": "quick"}), self.ears)

        self.runner.run(lose())
        self.expected = "dead"

    @precondition(lambda self: not self.is_in("new"))
    @rule()
    def stop(self) -> None:
        async def stop() -> None:
            await self.executor.stop()
            if self.is_in_flight:
                assert type(await self._ended()) is WorkerLost

        self.runner.run(stop())
        self.expected = "dead"

    @precondition(lambda self: self.is_in("dead"))
    @rule()
    def run_when_dead(self) -> None:
        with pytest.raises(WorkerLost):
            self.runner.run(run(self.executor, self.bench.order({"how": "quick"}), self.ears))

    @invariant()
    def tells_its_state(self) -> None:
        assert self.executor.is_ready == self.is_in("ready")
        assert self.executor.is_alive == (not self.is_in("new", "dead"))
        assert (self.executor.pid is None) == self.is_in("new", "dead")
        if self.is_in("dead"):
            assert open_descriptors() == self.descriptors

    def teardown(self) -> None:
        if hasattr(self, "executor"):
            self.runner.run(self.executor.stop())
            if self.is_in_flight:
                assert type(self.runner.run(self._ended())) is WorkerLost
            self.runner.close()
            shutil.rmtree(self.folder)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
