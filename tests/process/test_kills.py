"""Runs that are killed, cancelled or stopped: RunKilled whatever the Engine does, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
import uvloop
from harness import Bench, Ears, run

from gesso.ports import RunKilled, WorkerLost


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("engine", ["StopsWhenAsked", "SwallowsKilled"])
def test_a_killed_run_that_listens_leaves_the_worker_ready(
    bench: Bench, engine: str, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(f"engines:{engine}", ears)
        await executor.start()
        for _ in range(2):
            ears.live.clear()
            running = asyncio.create_task(run(executor, bench.order(), ears))
            await ears.until(lambda: "working" in ears.lines)
            executor.kill()
            executor.kill()
            with pytest.raises(RunKilled):
                await running
            assert executor.is_ready
        if engine == "StopsWhenAsked":
            assert "cleaned up" in ears.lines
        await executor.stop()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


@pytest.mark.parametrize("engine", ["NeverEmits", "HangsIgnoringKill"])
def test_a_killed_run_that_does_not_listen_costs_the_process_after_the_grace_time(bench: Bench, engine: str) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(f"engines:{engine}", ears, kill_grace_s=0.1)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order(), ears))
        await ears.until(lambda: ears.lines)
        executor.kill()
        assert executor.is_alive
        with pytest.raises(RunKilled):
            await running
        assert not executor.is_alive
        assert executor.pid is None

    asyncio.run(scenario())


def test_a_kill_holds_even_if_the_engine_was_quicker(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:FinishesWithoutLooking", ears)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order(), ears))
        await ears.until(lambda: "working" in ears.lines)
        executor.kill()
        await asyncio.to_thread(lambda: (bench.folder / "home-1" / "go").write_bytes(b""))
        with pytest.raises(RunKilled):
            await running
        # The Kill that the Engine never saw is not the next run's.
        assert (await run(executor, bench.order({"quick": True}), ears)).failure == ""
        executor.kill()
        assert (await run(executor, bench.order({"quick": True}), ears)).failure == ""
        await executor.stop()

    asyncio.run(scenario())


def test_a_killed_run_whose_process_dies_is_still_killed_and_not_lost(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:NeverEmits", ears)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order(), ears))
        await ears.until(lambda: ears.lines)
        executor.kill()
        assert executor.pid
        os.kill(executor.pid, signal.SIGKILL)
        with pytest.raises(RunKilled):
            await running
        assert not executor.is_alive

    asyncio.run(scenario())


@pytest.mark.parametrize(("engine", "is_ready_after"), [("StopsWhenAsked", True), ("NeverEmits", False)])
def test_cancelling_the_awaiting_task_kills_the_run_first(bench: Bench, engine: str, is_ready_after: bool) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(f"engines:{engine}", ears, kill_grace_s=0.1 if engine == "NeverEmits" else 10)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order(), ears))
        await ears.until(lambda: ears.lines)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert executor.is_ready == is_ready_after
        assert executor.is_alive == is_ready_after
        if is_ready_after:
            assert (await run(executor, bench.order({"quick": True}), ears)).failure == ""
        await executor.stop()

    asyncio.run(scenario())


def test_cancelling_twice_does_not_wait_for_the_grace_time(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:NeverEmits", ears, kill_grace_s=1000)
        await executor.start()
        running = asyncio.create_task(executor.run(bench.order(), ears.on_started, ears.on_live))
        await ears.until(lambda: ears.lines)
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not executor.is_alive
        await executor.stop()
        assert executor.pid is None

    asyncio.run(scenario())


@pytest.mark.parametrize("engine", ["StopsWhenAsked", "NeverEmits"])
def test_stop_loses_the_run_in_flight(bench: Bench, engine: str) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(f"engines:{engine}", ears, kill_grace_s=0.1 if engine == "NeverEmits" else 10)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order(), ears))
        await ears.until(lambda: ears.lines)
        await executor.stop()
        with pytest.raises(WorkerLost, match="was stopped"):
            await running

    asyncio.run(scenario())


def test_a_worker_that_does_not_leave_is_made_to(bench: Bench) -> None:
    async def scenario() -> None:
        executor = bench.executor("engines:IgnoresShutdown", Ears(), kill_grace_s=0.1)
        await executor.start()
        await executor.stop()
        assert executor.pid is None
        impatient = bench.executor("engines:IgnoresShutdown", Ears(), kill_grace_s=1000)
        await impatient.start()
        stopping = asyncio.create_task(impatient.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await impatient.stop()
        assert impatient.pid is None

    asyncio.run(scenario())


def test_signals_of_the_terminal_are_the_servers_to_answer(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:StopsWhenAsked", ears)
        await executor.start()
        assert executor.pid
        running = asyncio.create_task(run(executor, bench.order(), ears))
        await ears.until(lambda: "working" in ears.lines)
        os.kill(executor.pid, signal.SIGINT)
        os.kill(executor.pid, signal.SIGTERM)
        executor.kill()
        with pytest.raises(RunKilled):
            await running
        assert executor.is_ready
        await executor.stop()

    asyncio.run(scenario())
