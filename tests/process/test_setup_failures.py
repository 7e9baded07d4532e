"""Workers that never become ready: each leaves a sentence, and no process."""

from __future__ import annotations

import asyncio

import pytest
from harness import Bench, Ears

from gesso.domain.event import LogLine
from gesso.ports import SetupFailed, WorkerLost


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("engines:RaisesInSetup", "FileNotFoundError: no weights here"),
        ("engines:LeavesInSetup", "SystemExit: no licence"),
        ("engines:NeedsAnArgument", "TypeError: .*colour"),
        ("engines:NoSuchEngine", "AttributeError: .*NoSuchEngine"),
        ("no_such_module:Engine", "ModuleNotFoundError: .*no_such_module"),
        ("engine_that_cannot_be_imported:Engine", "RuntimeError: this module cannot be imported"),
        ("without a colon", "ModuleNotFoundError"),
    ],
)
def test_an_engine_that_cannot_be_set_up_is_told_with_its_error(bench: Bench, engine: str, words: str) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(engine, ears)
        with pytest.raises(SetupFailed, match=words):
            await executor.start()
        assert not executor.is_alive
        assert executor.pid is None
        assert any(line.stream == "stderr" and ("Error" in line.text or "SystemExit" in line.text) for line in ears.idle_lines)

    asyncio.run(scenario())


def test_a_process_that_exits_in_setup_is_lost_with_its_code_and_last_words(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:ExitsInSetup", ears)
        with pytest.raises(WorkerLost, match=r"exited with code 3; its last line on stderr: the disk is full"):
            await executor.start()
        assert LogLine("stderr", "the disk is full") in ears.idle_lines
        with pytest.raises(WorkerLost, match="exited with code 3"):
            await executor.run(bench.order(), ears.on_started, ears.on_live)

    asyncio.run(scenario())


def test_setup_has_a_time_limit(bench: Bench) -> None:
    async def scenario() -> None:
        executor = bench.executor("engines:HangsInSetup", Ears(), setup_timeout_s=0.3)
        with pytest.raises(SetupFailed, match=r"not set up within 0\.3 s"):
            await executor.start()
        assert not executor.is_alive

    asyncio.run(scenario())


def test_stop_during_setup_does_not_wait_for_it(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:HangsInSetup", ears)
        starting = asyncio.create_task(executor.start())
        await ears.until(lambda: LogLine("stdout", "loading") in ears.idle_lines)
        await executor.stop()
        with pytest.raises(WorkerLost, match="was stopped"):
            await starting

    asyncio.run(scenario())


def test_stop_during_the_spawn_leaves_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        executor = bench.executor("engines:Obedient", Ears())
        starting = asyncio.create_task(executor.start())
        await asyncio.sleep(0)
        await executor.stop()
        with pytest.raises(WorkerLost, match="was stopped"):
            await starting

    asyncio.run(scenario())


def test_a_cancelled_start_leaves_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:HangsInSetup", ears)
        starting = asyncio.create_task(executor.start())
        await ears.until(lambda: ears.idle_lines)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert executor.pid is None
        early = bench.executor("engines:Obedient", ears)
        starting = asyncio.create_task(early.start())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert not early.is_alive

    asyncio.run(scenario())


def test_a_process_that_cannot_be_spawned_is_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(bench.folder / "no-python"))

    async def scenario() -> None:
        executor = bench.executor("engines:Obedient", Ears())
        with pytest.raises(WorkerLost, match="could not be started"):
            await executor.start()
        assert not executor.is_alive

    asyncio.run(scenario())
