"""Model processes that die or break the protocol under a run: WorkerLost with a sentence, no process, no descriptor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import uvloop
from harness import HERE, Bench, Ears, output_path, run, wait_for_end

from gesso.models.echo.model import MODEL as ECHO
from gesso.ports import WorkerLost


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("ExitsMidRun", r"exited with code 3; its last line on stderr: cannot go on\.$"),
        ("KilledMidRun", r"was killed by signal 9 \(SIGKILL\)\.$"),
    ],
)
def test_a_process_that_dies_is_named_by_its_exit(
    bench: Bench, engine: str, words: str, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(f"engines:{engine}", ears)
        await executor.start()
        with pytest.raises(WorkerLost, match=words):
            await run(executor, bench.order(), ears)
        assert not executor.is_alive
        assert executor.pid is None
        with pytest.raises(WorkerLost, match=words):
            await run(executor, bench.order(), ears)
        await executor.stop()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


def test_last_words_are_of_the_run_that_was_lost_and_of_none_before_it(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(ECHO, ears)
        await executor.start()
        values = {"text": "", "delay": 0.0, "steps": 1, "outputs": 1, "seed": 1}
        said = await run(executor, bench.order({**values, "fail": "stderr"}), ears)
        assert said.stderr
        with pytest.raises(WorkerLost, match=r"was killed by signal 9 \(SIGKILL\)\.$"):
            await run(executor, bench.order({**values, "fail": "kill"}), ears)
        await executor.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("engine", "values", "words"),
    [
        ("Crashes", {}, r"was killed by signal 11 \(SIGSEGV\)"),
        ("WritesGarbage", {"garbage": "garbage"}, "broke the protocol: unreadable message: b'garbage'"),
        ("WritesGarbage", {"garbage": '{"type":"Kill","run_id":"1"}'}, "broke the protocol: unreadable message"),
        ("WritesGarbage", {"garbage": '{"type":"RunEnded"}'}, "broke the protocol: unreadable message"),
        ("WritesGarbage", {"garbage": '{"type":"RunEnded","run_id":7}'}, "broke the protocol: unreadable message"),
        ("WritesGarbage", {"garbage": '{"type":"RunEnded","run_id":"1","more":1}'}, "broke the protocol: unreadable message"),
        ("WritesGarbage", {"garbage": "[]"}, "broke the protocol: unreadable message"),
        ("WritesGarbage", {"garbage": ""}, "broke the protocol: unreadable message"),
        ("WritesGarbage", {"garbage": '{"type":"Ready","is_batching":false}'}, "broke the protocol: set up twice"),
        (
            "WritesGarbage",
            {"garbage": '{"type":"FitTold","run_id":"1","key":"a","size":1,"most":2}'},
            "told of a batch that nobody asked for",
        ),
        ("SendsAnEndlessMessage", {}, "broke the protocol: a message of more than 8388608 bytes"),
        ("ShutsTheSocket", {}, "closed its channel"),
        ("ClosesTheSocket", {}, r"exited with code 1; its last line on stderr: OSError: \[Errno 9\] Bad file descriptor"),
    ],
)
def test_a_process_that_breaks_the_protocol_is_killed(bench: Bench, engine: str, values: dict[str, str], words: str) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(f"engines:{engine}", ears)
        await executor.start()
        with pytest.raises(WorkerLost, match=words):
            await run(executor, bench.order(values), ears)
        assert not executor.is_alive
        assert executor.pid is None

    asyncio.run(scenario())


@pytest.mark.parametrize(("there", "size"), [("nothing", 0), ("folder", 4096), ("five bytes", 6), ("five bytes", -1)])
def test_an_output_that_is_not_what_it_is_said_to_be_costs_the_process(bench: Bench, there: str, size: int) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:ClaimsAnOutput", ears)
        await executor.start()
        order = bench.order()
        if there == "folder":
            output_path(order, 0).mkdir()
        elif there == "five bytes":
            output_path(order, 0).write_bytes(b"other")
        order = replace(order, values={"task": order.task_id, "size": size})
        with pytest.raises(WorkerLost, match="broke the protocol: an output"):
            await run(executor, order, ears)
        assert not executor.is_alive

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [0, 4, 5, 1000])
def test_an_output_that_is_a_link_costs_the_process(bench: Bench, size: int) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:LinksAnOutput", ears)
        await executor.start()
        order = bench.order()
        order = replace(order, values={"task": order.task_id, "place": str(output_path(order, 0)), "size": size})
        with pytest.raises(WorkerLost, match="broke the protocol: an output that is no file"):
            await run(executor, order, ears)

    asyncio.run(scenario())


def test_a_process_that_dies_idle_is_seen_at_once(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:ExitsAfterItsRun", ears)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert result.failure == ""
        assert executor.is_ready
        pid = executor.pid
        assert pid
        await asyncio.to_thread(lambda: (bench.folder / "home-1" / "go").write_bytes(b""))
        await asyncio.to_thread(wait_for_end, pid)
        with pytest.raises(WorkerLost, match="exited with code 9"):
            await run(executor, bench.order(), ears)
        assert not executor.is_alive
        await executor.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("then", ["return", "hang", "exit"])
def test_a_grandchild_that_holds_stdout_dies_with_the_worker(bench: Bench, then: str) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:ForksAGrandchild", ears, kill_grace_s=0.1)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order({"then": then}), ears))
        await ears.until(lambda: ears.lines)
        grandchild = int(ears.lines[0])
        if then == "return":
            assert (await running).stdout == f"{grandchild}\n"
            os.kill(grandchild, 0)
        await executor.stop()
        if then != "return":
            with pytest.raises(WorkerLost):
                await running
        await asyncio.to_thread(wait_for_end, grandchild)

    asyncio.run(scenario())


def test_a_daemon_that_left_the_group_does_not_hold_up_the_end(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:SpawnsADaemon", ears)
        await executor.start()
        daemon = int((await run(executor, bench.order(), ears)).stdout)
        await executor.stop()
        assert executor.pid is None
        os.kill(daemon, signal.SIGKILL)
        await asyncio.to_thread(wait_for_end, daemon)

    asyncio.run(scenario())


@pytest.mark.parametrize("engine", ["engines:NeverEmits", "engines:ForksAGrandchild", "engines:HangsInSetup"])
def test_a_server_that_is_killed_leaves_no_orphan(bench: Bench, engine: str) -> None:
    command = [sys.executable, str(HERE / "doomed_server.py"), engine, str(bench.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pids = [int(word) for word in server.stdout.readline().split()]
        server.kill()
    assert len(pids) == (2 if engine == "engines:ForksAGrandchild" else 1)
    for pid in pids:
        wait_for_end(pid)


def test_the_echo_model_dies_on_demand(bench: Bench) -> None:
    async def scenario() -> None:
        for how, words in (("exit", "exited with code 3"), ("kill", "SIGKILL")):
            ears = Ears()
            executor = bench.executor(ECHO, ears)
            await executor.start()
            with pytest.raises(WorkerLost, match=words):
                await run(executor, bench.order(ECHO.check({"fail": how}, {})), ears)
            await executor.stop()

    asyncio.run(scenario())
