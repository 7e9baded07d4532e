"""A Worker that behaves: what crosses the border between server and model process, and what the process may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop
from harness import Bench, Ears, model_of, run

from gesso.domain.event import LogLine, Preview
from gesso.domain.file import output_key
from gesso.execution.executor import ProcessExecutor
from gesso.models.echo.engine import picture
from gesso.models.echo.model import MODEL as ECHO


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_run_gives_progress_log_and_outputs(bench: Bench, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(ECHO, ears)
        assert not executor.is_alive
        await executor.start()
        assert executor.is_ready
        for seed in (5, 6):
            order = bench.order(ECHO.check({"text": "hello", "steps": 3, "outputs": 2, "seed": seed}, {}))
            result = await run(executor, order, ears)
            assert result.failure == ""
            assert bench.outputs(result) == [picture("hello", seed, index) for index in (0, 1)]
            assert [made.access_key for made in result.outputs] == [output_key(order.stem, index) for index in (0, 1)]
            assert {made.extension for made in result.outputs} == {"png"}
            assert (result.stdout, result.stderr) == ("hello\n", "")
            assert executor.is_ready
        assert ears.started_count == 2
        assert ears.steps == [(1, 3), (2, 3), (3, 3)] * 2
        assert ears.lines == ["hello", "hello"]
        await executor.stop()
        assert not executor.is_alive
        assert executor.pid is None

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


def test_inputs_arrive_with_their_files(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:TellsItsInputs", ears)
        await executor.start()
        values = {"text": "ü \x00 \u2028", "number": 0.1, "seed": 2**64 - 1, "list": ["a"], "none": None}
        one = (bench.file("a ü.txt", b"first"),)
        result = await run(
            executor, bench.order(values, {"picture": one, "pictures": (bench.file("b", b"2"), bench.file("c", b"3"))}), ears
        )
        assert result.stdout.split("\n")[0] == str(values)
        assert bench.outputs(result) == [b"first", b"2", b"3"]
        assert [made.extension for made in result.outputs] == ["txt"] * 3
        result = await run(executor, bench.order(), ears)
        assert result.stdout == "{}\nabsent\n"
        await executor.stop()

    asyncio.run(scenario())


def test_a_worker_sees_an_allowed_part_of_the_environment_and_leads_its_own_group(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        secrets = {"GESSO_SECRET": "1", "DATABASE_URL": "2", "AWS_SECRET_ACCESS_KEY": "3", "HF_HOME": "/models", "OMP_NUM_THREADS": "64"}
        executor = bench.executor("engines:TellsItsSurroundings", ears, secrets)
        await executor.start()
        lines = (await run(executor, bench.order(), ears)).stdout.splitlines()
        assert not [line for line in lines if line.startswith(("GESSO_", "DATABASE_URL", "AWS_"))]
        assert {"HF_HOME=/models", "OMP_NUM_THREADS=2", "MKL_NUM_THREADS=2", "OPENBLAS_NUM_THREADS=2"} <= set(lines)
        assert {f"cwd={bench.folder}/home-1", "leads=True", "reads=''", "heavy=[]", "path=False", "inherits=False"} <= set(lines)
        weights = bench.folder / "weights"
        assert f"device=Device(name='cpu', memory_bytes={2**26}, threads=2) weights={weights}" in lines
        await executor.stop()

    asyncio.run(scenario())


def test_previews_and_warnings_arrive_and_too_large_a_preview_is_the_engines_error(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:Previews", ears)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert Preview("/9ggYSBwaWN0dXJl") in ears.live
        assert result.stdout == "Warning: the picture was scaled\na note\n"
        assert result.failure == "engine"
        assert result.text.startswith("ValueError: a preview of")
        await executor.stop()

    asyncio.run(scenario())


def test_messages_from_many_threads_are_not_torn(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:SpeaksFromManyThreads", ears)
        await executor.start()
        assert (await run(executor, bench.order(), ears)).failure == ""
        assert len({event for event in ears.live if isinstance(event, Preview)}) == 8
        await executor.stop()

    asyncio.run(scenario())


def test_lines_outside_a_run_go_to_the_servers_log(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:PrintsAtExit", ears)
        await executor.start()
        await ears.until(lambda: ears.idle_lines == [LogLine("stdout", "welcome")])
        assert (await run(executor, bench.order(), ears)).stdout == ""
        await executor.stop()
        assert ears.idle_lines == [LogLine("stdout", "welcome"), LogLine("stdout", "farewell")]
        assert ears.lines == []

    asyncio.run(scenario())


def test_orders_that_cannot_be_said_are_input_errors_and_cost_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:Obedient", ears)
        await executor.start()
        for values in ({"text": "\ud800"}, {"number": 2**64}, {"text": "x" * 2**23}):
            result = await run(executor, bench.order(values), ears)
            assert result.failure == "input"
            assert executor.is_ready
        large = await run(executor, bench.order({"text": "x" * (2**23 - 1000)}), ears)
        assert large.failure == ""
        await executor.stop()

    asyncio.run(scenario())


def test_a_listener_that_fails_is_reported_and_costs_the_run_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        reports: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context["exception"]))
        executor = bench.executor("engines:Obedient", ears)
        await executor.start()

        def fail(*arguments: object) -> None:
            raise LookupError("a listener's own error")

        result = await executor.run(bench.order(), fail, fail)
        assert result.failure == ""
        assert [type(report) for report in reports] == [LookupError, LookupError]
        await executor.stop()

    asyncio.run(scenario())


def test_without_a_pidfd_the_end_is_seen_by_a_thread(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.pidfd_open")

    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:Obedient", ears)
        await executor.start()
        assert (await run(executor, bench.order(), ears)).failure == ""
        await executor.stop()

    asyncio.run(scenario())


def test_stop_is_safe_at_any_time_and_twice(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        never_started = ProcessExecutor(
            "idle", model_of("engines:Obedient"), bench.device, bench.folder, bench.folder / "never", {}, ears.on_log
        )
        await never_started.stop()
        await never_started.stop()
        assert not (bench.folder / "never").exists()
        executor = bench.executor("engines:Obedient", ears)
        await executor.start()
        await asyncio.gather(executor.stop(), executor.stop())
        await executor.stop()
        executor.kill()

    asyncio.run(scenario())
