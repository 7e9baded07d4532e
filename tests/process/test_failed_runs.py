"""Runs that end badly while the Worker lives: an error told as data, and the next run as good as ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from harness import Bench, Ears, output_path, run

RAISED = [
    ("error", "engine", "RuntimeError: the tensor is sad"),
    ("input", "input", "The mask is empty."),
    ("memory", "memory", "MemoryError"),
    ("torch", "memory", "OutOfMemoryError: tried to allocate 80 GiB"),
    ("exit", "engine", "SystemExit: 5"),
    ("interrupt", "engine", "KeyboardInterrupt"),
    ("killed", "engine", "Killed: nobody asked"),
    ("unicode", "engine", "RuntimeError: half a pair: ?, and € and \ufffd"),
    ("unicode input", "input", "half a pair: ?"),
    ("unprintable", "engine", "Unprintable: (an error that cannot be shown)"),
    ("long", "engine", "RuntimeError: " + "x" * 1985 + "…"),
    ("full", "disk", "its disk is full"),
]


def test_what_an_engine_raises_is_told_and_the_worker_stays(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:RaisesWhatIsAsked", ears)
        await executor.start()
        pid = executor.pid
        for how, failure, text in RAISED:
            result = await run(executor, bench.order({"how": how}), ears)
            assert (how, result.failure, result.text, result.outputs) == (how, failure, text, ())
            assert ("Traceback" in result.stderr) == (failure not in ("input", "disk")), how
            assert executor.is_ready
        assert executor.pid == pid
        await executor.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("none", "TypeError: the Engine's run returned a NoneType, not Outputs"),
        ("number", "TypeError: the Engine yielded a int, not an Output"),
        ("text", "TypeError: memoryview: a bytes-like object is required, not 'str'"),
        ("extension", "ValueError: the extension of an output is not letters and digits: '../../etc/passwd'"),
        ("count", "ValueError: more than 64 outputs"),
        ("nothing", ""),
        ("memoryview", ""),
    ],
)
def test_what_is_no_output_is_the_engines_error(bench: Bench, how: str, text: str) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:YieldsWhatIsAsked", ears)
        await executor.start()
        result = await run(executor, bench.order({"how": how}), ears)
        assert result.text == text
        assert bench.outputs(result) == ([b"bytes"] * 2 if how == "memoryview" else [])
        assert executor.is_ready
        await executor.stop()

    asyncio.run(scenario())


def test_an_output_is_not_written_through_a_link(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:LaysALink", ears)
        await executor.start()
        target = bench.folder / "precious"
        target.write_bytes(b"precious")
        order = bench.order()
        order = replace(order, values={"place": str(output_path(order, 0)), "target": str(target)})
        result = await run(executor, order, ears)
        assert result.failure == "engine"
        assert result.text.startswith("FileExistsError")
        assert target.read_bytes() == b"precious"
        assert executor.is_ready
        await executor.stop()

    asyncio.run(scenario())


def test_streams_that_an_engine_closes_are_its_own_loss(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:ClosesItsStreams", ears)
        await executor.start()
        assert (await run(executor, bench.order(), ears)).failure == ""
        again = await run(executor, bench.order(), ears)
        assert (again.failure, again.text) == ("engine", "AttributeError: 'NoneType' object has no attribute 'close'")
        assert executor.is_ready
        await executor.stop()

    asyncio.run(scenario())


def test_a_thread_left_behind_does_not_speak_into_the_next_run(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:LeavesAThread", ears)
        await executor.start()
        for _ in range(3):
            result = await run(executor, bench.order(), ears)
            assert bench.outputs(result) == [b"fine"]
        await executor.stop()

    asyncio.run(scenario())


def test_a_run_over_its_time_is_a_timeout_and_an_engine_that_listens_goes_on(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:StopsWhenAsked", ears, run_timeout_s=0.3)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert (result.failure, result.text, result.outputs) == ("timeout", "The run took more than 0.3 s.", ())
        assert result.stdout == "working\ncleaned up\n"
        assert executor.is_ready
        assert (await run(executor, bench.order({"quick": True}), ears)).failure == ""
        await executor.stop()

    asyncio.run(scenario())


def test_a_run_over_its_time_that_does_not_listen_costs_the_process(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:NeverEmits", ears, run_timeout_s=0.2, kill_grace_s=0.1)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert (result.failure, result.stdout) == ("timeout", "silent\n")
        assert not executor.is_alive
        assert executor.pid is None

    asyncio.run(scenario())
