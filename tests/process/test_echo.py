"""gesso/echo through a real Worker: everything that a client may try out with it."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

import pytest
from harness import Bench, Ears, run
from PIL import Image

from gesso.domain.errors import ParameterNotAllowed, ParameterOutOfRange
from gesso.models.echo.engine import picture
from gesso.models.echo.model import MODEL
from gesso.ports import LocalFile, RunKilled, RunResult


def values(**given: Any) -> dict[str, Any]:
    return MODEL.check(given, {})


def echo(bench: Bench, orders: list[tuple[dict[str, Any], dict[str, tuple[LocalFile, ...]]]]) -> tuple[list[RunResult], Ears]:
    async def scenario() -> tuple[list[RunResult], Ears]:
        ears = Ears()
        executor = bench.executor(MODEL, ears)
        await executor.start()
        results = [await run(executor, bench.order(given, files), ears) for given, files in orders]
        await executor.stop()
        return results, ears

    return asyncio.run(scenario())


def test_pictures_are_pngs_that_depend_on_text_seed_and_number_only() -> None:
    pictures = {picture(text, seed, index) for text in ("", "ü\ud800") for seed in (0, 2**64 - 1) for index in range(16)}
    assert len(pictures) == 64
    assert picture("a", 1, 0) == picture("a", 1, 0)
    for data in pictures:
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("PNG", (64, 64))
            shown = image.convert("RGB")
            assert len(shown.getcolors() or []) in (1, 2)
            assert shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes() == shown.tobytes()


def test_files_come_back_byte_for_byte_after_the_pictures(bench: Bench) -> None:
    odd = bytes(range(256)) * 1000
    one, two, three = bench.file("a.JPG", odd), bench.file("no extension", b""), bench.file("x.tar.gz", b"\n\r\0")
    (result,), _ = echo(bench, [(values(outputs=1), {"inputFile": (one,), "inputFiles": (two, three)})])
    assert bench.outputs(result) == [picture("", 0, 0), odd, b"", b"\n\r\0"]
    assert [made.extension for made in result.outputs] == ["png", "jpg", "bin", "gz"]
    assert [made.size_bytes for made in result.outputs] == [len(picture("", 0, 0)), len(odd), 0, 3]


def test_nothing_asked_nothing_given(bench: Bench) -> None:
    (result,), ears = echo(bench, [(values(outputs=0), {})])
    assert result == RunResult((), "", "", "", "")
    assert ears.steps == [(1, 1)]


@pytest.mark.parametrize(
    ("how", "failure", "text", "stderr"),
    [
        ("error", "engine", "RuntimeError: the run was asked to fail", "Traceback"),
        ("input", "input", "The input was asked to be refused.", ""),
        ("memory", "memory", "MemoryError: the run was asked to run out of memory", "Traceback"),
        ("stderr", "", "", "The run was asked to write to stderr.\n"),
        ("none", "", "", ""),
    ],
)
def test_failures_on_demand(bench: Bench, how: str, failure: str, text: str, stderr: str) -> None:
    (result, after), ears = echo(bench, [(values(fail=how, text="before", steps=2), {}), (values(), {})])
    assert (result.failure, result.text, result.stdout) == (failure, text, "before\n")
    assert result.stderr.startswith(stderr)
    assert bool(result.stderr) == bool(stderr)
    assert ears.steps == [(1, 2), (2, 2), (1, 1)]
    assert after.failure == ""


def test_the_delay_is_spread_over_the_steps(bench: Bench) -> None:
    begin = time.monotonic()
    _, ears = echo(bench, [(values(delay=0.2, steps=4), {})])
    assert time.monotonic() - begin >= 0.2
    assert ears.steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("given", "is_ready_after"), [({"delay": 3600}, True), ({"delay": 3600, "steps": 10_000}, True), ({"fail": "hang"}, False)]
)
def test_a_long_run_is_killed_between_its_steps_and_a_hanging_one_with_its_process(
    bench: Bench, given: dict[str, Any], is_ready_after: bool
) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor(MODEL, ears, kill_grace_s=10 if is_ready_after else 0.1)
        await executor.start()
        running = asyncio.create_task(run(executor, bench.order(values(text="here", **given)), ears))
        # A run that is to hang still listens until its last step is done.
        await ears.until(lambda: ears.lines == ["here"] and (is_ready_after or ears.steps))
        executor.kill()
        with pytest.raises(RunKilled):
            await running
        assert executor.is_ready == is_ready_after
        await executor.stop()

    asyncio.run(scenario())


def test_parameters_have_their_bounds_and_defaults() -> None:
    assert values() == {"text": "", "steps": 1, "delay": 0.0, "outputs": 1, "seed": 0, "fail": "none"}
    for given in ({"steps": 10_001}, {"delay": -1}, {"delay": 3601}, {"outputs": 17}):
        with pytest.raises(ParameterOutOfRange):
            values(**given)
    with pytest.raises(ParameterNotAllowed):
        values(fail="explode")
    assert values(outputs=0)["outputs"] == 0
    assert MODEL.price.charge(10**9) == 0
