"""Several orders at once in a real process: each has its own outputs, log, failure and end, whatever becomes of those beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from harness import PATIENCE_S, Bench, Ears

from gesso.domain.batch import Fit
from gesso.execution.executor import ProcessExecutor
from gesso.ports import Member, RunKilled, RunOrder, RunResult, WorkerLost

WORDS = ("kyrie", "gloria", "sanctus")


class Choir:
    """Three orders, with ears for each, in one Batch."""

    def __init__(self, bench: Bench, *goes: str, engine: str = "Chorus", **options: Any) -> None:
        self.bench = bench
        self.idle = Ears()
        self.executor: ProcessExecutor = bench.executor(f"batching_engines:{engine}", self.idle, **options)
        self.ears = [Ears() for _ in goes]
        self.orders = [order(bench, words, way) for words, way in zip(WORDS, goes, strict=False)]
        self.outcomes: list[asyncio.Future[RunResult | RunKilled | WorkerLost]] = []

    async def sing(self) -> None:
        await self.executor.start()
        members = [Member(each, ears.on_started, ears.on_live) for each, ears in zip(self.orders, self.ears, strict=True)]
        self.outcomes = list(self.executor.run_batch(members))

    async def ends(self) -> list[RunResult | RunKilled | WorkerLost]:
        async with asyncio.timeout(PATIENCE_S):
            return list(await asyncio.gather(*self.outcomes))

    def texts(self, *results: object) -> list[str]:
        return [text.decode() for result in results if isinstance(result, RunResult) for text in self.bench.outputs(result)]


def order(bench: Bench, words: str, goes: str = "well", tune: str = "mass", **values: Any) -> RunOrder:
    return bench.order({"words": words, "goes": goes, "tune": tune, **values})


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_each_has_its_own_outputs_log_progress_and_provenance(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "well", "well", "well")
        assert not choir.executor.is_batching
        await choir.sing()
        assert choir.executor.is_batching
        assert not choir.executor.is_ready
        ends = await choir.ends()
        assert choir.texts(*ends) == [f"{words}, among 3" for words in WORDS]
        for words, ears, end in zip(WORDS, choir.ears, ends, strict=True):
            assert isinstance(end, RunResult)
            assert (end.failure, end.stdout, end.stderr) == ("", f"{words} among 3\n", "")
            assert (ears.started_count, ears.lines, ears.steps) == (1, [f"{words} among 3"], [(1, 2)])
            assert end.made_with is not None
            assert end.made_with.used == {"words": words, "batch": 3}
        assert choir.executor.is_ready
        # What a library prints meanwhile may be about any of them.
        await choir.idle.until(lambda: "noise that is nobody's" in [line.text for line in choir.idle.idle_lines])
        alone = await choir.executor.run(order(bench, "credo"), choir.idle.on_started, choir.idle.on_live)
        assert (choir.texts(alone), alone.stdout) == (["credo, alone"], "credo alone\n")
        await choir.executor.stop()

    run(scenario())


def test_one_that_is_killed_ends_at_its_next_step_and_the_others_go_on(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "slowly", "slowly", "well", kill_grace_s=0.05)
        await choir.sing()
        await choir.ears[2].until(lambda: choir.ears[2].steps)
        choir.executor.kill(choir.orders[0])
        assert isinstance(await choir.outcomes[0], RunKilled)
        assert not choir.outcomes[1].done()
        assert not choir.executor.is_ready
        choir.executor.kill(choir.orders[1])
        _, killed, sang = await choir.ends()
        assert isinstance(killed, RunKilled)
        assert choir.texts(sang) == ["sanctus, among 3"]
        assert choir.executor.is_ready
        await choir.executor.stop()

    run(scenario())


def test_one_that_fails_fails_alone(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "well", "wrong", "well")
        await choir.sing()
        first, wrong, last = await choir.ends()
        assert choir.texts(first, last) == ["kyrie, among 3", "sanctus, among 3"]
        assert isinstance(wrong, RunResult)
        assert (wrong.failure, wrong.text, wrong.outputs) == ("engine", "ValueError: gloria went wrong", ())
        await choir.executor.stop()

    run(scenario())


def test_what_breaks_together_is_run_one_by_one(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "well", "breaks", "well")
        await choir.sing()
        first, broken, last = await choir.ends()
        assert choir.texts(first, last) == ["kyrie, alone", "sanctus, alone"]
        assert isinstance(broken, RunResult)
        assert broken.text == "RuntimeError: gloria broke"
        # Not a word of what the others ran into.
        assert broken.stdout == "gloria among 3\ngloria alone\n"
        await choir.executor.stop()

    run(scenario())


def test_a_process_that_dies_loses_those_that_had_not_ended(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "well", "dies", "well")
        await choir.sing()
        first, *lost = await choir.ends()
        assert choir.texts(first) == ["kyrie, among 3"]
        # What the one that died said last may be of any of them, and of another Project's.
        assert [str(each) for each in lost] == ["The model process of test/engine exited with code 7."] * 2
        assert not choir.executor.is_alive
        late = choir.executor.run_batch([Member(each, lambda: None, lambda event: None) for each in choir.orders])
        assert all(isinstance(each.result(), WorkerLost) for each in late)
        await choir.executor.stop()

    run(scenario())


def test_one_that_does_not_listen_costs_the_process_only_when_nobody_else_would_die_of_it(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "well", "well", engine="Deaf", kill_grace_s=0.05)
        await choir.sing()
        await choir.ears[0].until(lambda: choir.ears[0].lines)
        choir.executor.kill(choir.orders[0])
        await asyncio.wait([choir.outcomes[0]], timeout=0.3)
        assert choir.executor.is_alive
        choir.executor.kill()
        assert [type(end) for end in await choir.ends()] == [RunKilled, RunKilled]
        assert not choir.executor.is_alive
        await choir.executor.stop()

    run(scenario())


def test_a_stop_takes_all_of_them_along(bench: Bench) -> None:
    async def scenario() -> None:
        choir = Choir(bench, "slowly", "slowly")
        await choir.sing()
        await choir.ears[1].until(lambda: choir.ears[1].steps)
        await choir.executor.stop()
        assert [str(end) for end in await choir.ends()] == ["The model process of test/engine was stopped."] * 2

    run(scenario())


@pytest.mark.parametrize(
    ("values", "fit"),
    [
        ({}, Fit("mass", 1, 3)),
        ({"voices": 2}, Fit("mass", 2, 3)),
        ({"tune": "solo"}, None),
        ({"voices": 4}, None),
        ({"voices": 0}, None),
        ({"voices": "many"}, None),
        # It is run alone, and its client told why.
        ({"tune": "unreadable"}, None),
        ({"more": "x" * 300_000}, None),
        ({"more": "\ud800"}, None),
    ],
)
def test_with_whom_an_order_could_go_is_asked_of_the_engine(bench: Bench, values: dict[str, Any], fit: Fit | None) -> None:
    async def scenario() -> None:
        choir = Choir(bench)
        await choir.executor.start()
        for _ in range(2):
            assert await choir.executor.fit(order(bench, "agnus", **values)) == fit
            assert choir.executor.is_ready
        await choir.executor.stop()
        with pytest.raises(WorkerLost):
            await choir.executor.fit(order(bench, "agnus"))

    run(scenario())
