"""What model processes print: complete to the last byte, bounded, and no burden to the server's loop."""

from __future__ import annotations

import asyncio
import time

from harness import Bench, Ears, run

from gesso.domain.limits import LOG_LINE_MAX_BYTES, LOG_LINES_PER_SECOND, LOG_MAX_BYTES


def test_a_flood_of_lines_keeps_its_head_and_tail_and_starves_nobody(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:FloodsStderr", ears)
        await executor.start()
        turns = 0
        longest_s = 0.0

        async def breathe() -> None:
            nonlocal turns, longest_s
            while True:
                before = time.thread_time()
                await asyncio.sleep(0)
                longest_s = max(longest_s, time.thread_time() - before)
                turns += 1

        breathing = asyncio.create_task(breathe())
        begin = time.monotonic()
        result = await run(executor, bench.order(), ears)
        seconds = time.monotonic() - begin
        breathing.cancel()
        assert result.failure == ""
        assert result.stderr.startswith("the first line\nline      0 of a flood")
        assert result.stderr.endswith("line  12999 of a flood of lines, each of them of eighty bytes, of no use to anyone\nthe last line\n")
        assert "bytes were left out here …]\n" in result.stderr
        assert LOG_MAX_BYTES // 4 < len(result.stderr.encode()) <= LOG_MAX_BYTES
        assert len(ears.lines) <= LOG_LINES_PER_SECOND * (seconds + 2)
        assert turns > 1_000
        assert longest_s < 0.1
        await executor.stop()

    asyncio.run(scenario())


def test_a_flood_without_line_ends_is_wrapped(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:FloodsWithoutNewline", ears)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert len(result.stdout.encode()) <= LOG_MAX_BYTES
        assert "\ufffd" not in result.stdout
        assert all(len(line.encode()) <= LOG_LINE_MAX_BYTES for line in [*ears.lines, *result.stdout.splitlines()])
        await executor.stop()

    asyncio.run(scenario())


def test_a_flood_of_progress_is_thinned_and_its_end_is_told(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:FloodsProgress", ears)
        await executor.start()
        begin = time.monotonic()
        await run(executor, bench.order(), ears)
        assert ears.steps[-1] == (100_000, 100_000)
        assert len(ears.steps) <= LOG_LINES_PER_SECOND * (time.monotonic() - begin + 2)
        await executor.stop()

    asyncio.run(scenario())


def test_a_progress_bar_is_one_line(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:DrawsABar", ears)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert result.stderr == "100%|##########|\n"
        assert ears.lines[-1] == "100%|##########|"
        await executor.stop()

    asyncio.run(scenario())


def test_lines_without_end_and_lines_that_c_holds_back_are_of_their_run(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:PrintsWithoutNewline", ears)
        await executor.start()
        for _ in range(2):
            result = await run(executor, bench.order(), ears)
            assert result.stdout == "no newline and C holds this back"
        await executor.stop()
        assert ears.idle_lines == []

    asyncio.run(scenario())


def test_bytes_of_all_kinds_become_text(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("engines:PrintsBytesOfAllKinds", ears)
        await executor.start()
        result = await run(executor, bench.order(), ears)
        assert result.stdout == "half a pair: ?\nnot utf-8: \ufffd\ufffd nul: \ufffd end\n"
        assert ears.lines == result.stdout.splitlines()
        await executor.stop()

    asyncio.run(scenario())
