"""Tasks of FLUX Fill that share a Batch, through the Engine on a tiny real pipeline: who may, and that nobody's picture shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, changed, make_inputs, noise, pixels_of

from gesso.models.contract import Device, Fit, Killed, MadeWith, Output, Part

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 90, 70
OPTIONS = {"batch": 4, "balanced_threshold": 0.08, "turbo_threshold": 0.15, "compile": "off"}
# One level of 255 is what rounding may cost where a colour lies between two.
LEVELS = 1


@pytest.fixture(scope="module")
def choir(tiny_folder: Path) -> FluxFillEngine:
    """An Engine whose operator lets it draw four pictures together, on a CPU."""
    from gesso.models.flux_fill.engine import FluxFillEngine

    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1, OPTIONS), tiny_folder)
    return engine


def task(folder: Path, number: int, **values: Any) -> dict[str, Any]:
    """Number `number`, with a picture, mask, prompt and seed of its own."""
    home = folder / str(number)
    home.mkdir(exist_ok=True)
    mask = box_mask(WIDTH, HEIGHT, 20 + 3 * number, 20, 50 + 3 * number, 45)
    own = {"prompt": f"thing number {number}", "seed": 100 * number, "speed": "balanced"}
    return make_inputs(home, noise(WIDTH, HEIGHT, number), mask, **(own | values))


def batch(engine: FluxFillEngine, tasks: Sequence[dict[str, Any]], voices: Sequence[Voice] = ()) -> dict[int, Any]:
    voices = voices or [Voice() for _ in tasks]
    return dict(engine.run_batch([Part(inputs, voice) for inputs, voice in zip(tasks, voices, strict=True)]))


def levels(one: Output, other: Output) -> int:
    return int(np.abs(pixels_of(one).astype(int) - pixels_of(other)).max())


@pytest.mark.parametrize("speed", ["balanced", "turbo"])
def test_each_task_of_a_batch_gets_the_picture_of_its_single_run(choir: FluxFillEngine, tmp_path: Path, speed: str) -> None:
    tasks = [task(tmp_path, number, speed=speed) for number in range(3)]
    fits = [choir.fit(inputs) for inputs in tasks]
    assert len({fit and fit.key for fit in fits}) == 1
    together = batch(choir, tasks)
    for number, inputs in enumerate(tasks):
        (alone,), (shared,) = choir.run(inputs, Voice()), together[number]
        assert levels(alone, shared) <= LEVELS
        sent, mask = noise(WIDTH, HEIGHT, number), box_mask(WIDTH, HEIGHT, 20 + 3 * number, 20, 50 + 3 * number, 45)
        assert not changed(sent, pixels_of(shared))[~mask].any()
        assert changed(sent, pixels_of(shared))[mask].mean() > 0.9
        assert all(levels(shared, together[other][0]) > 50 for other in range(3) if other != number)


def test_each_sample_in_a_batch_is_the_single_run_with_its_seed(choir: FluxFillEngine, tmp_path: Path) -> None:
    tasks = [task(tmp_path, 0, samples=3, seed=2**64 - 2), task(tmp_path, 1)]
    voices = [Voice(), Voice()]
    together = batch(choir, tasks, voices)
    for sample, seed in enumerate((2**64 - 2, 2**64 - 1, 0)):
        (alone,) = choir.run(task(tmp_path, 0, seed=seed), Voice())
        assert levels(alone, together[0][sample]) <= LEVELS
    assert len(together[0]) == 3
    assert [voice.steps for voice in voices] == [[(0, 2), (1, 2), (2, 2)]] * 2


def test_what_a_task_is_told_is_what_it_is_told_alone(choir: FluxFillEngine, tmp_path: Path) -> None:
    tasks = [task(tmp_path, 0, scale=3.5, prompt="x" * 100), task(tmp_path, 1, scale=3.5)]
    voices, alone = [Voice(), Voice()], [Voice(), Voice()]
    for inputs in tasks:
        choir.fit(inputs)
    batch(choir, tasks, voices)
    for inputs, voice in zip(tasks, alone, strict=True):
        list(choir.run(inputs, voice))
    together = "It is drawn together with others, 2 pictures in all."
    assert [voice.warnings for voice in voices] == [voice.warnings for voice in alone]
    assert [len(voice.warnings) for voice in voices] == [2, 1]
    assert [[line for line in voice.logs if line != together] for voice in voices] == [voice.logs for voice in alone]
    assert all(together in voice.logs for voice in voices)


def test_the_batch_is_part_of_the_provenance(choir: FluxFillEngine, tmp_path: Path) -> None:
    told: list[MadeWith] = []
    parts = [Part(task(tmp_path, number, samples=number + 1), Voice()) for number in range(2)]
    for _ in choir.run_batch(parts):
        told.append(choir.provenance())
    assert [(made.used["batch"], made.used["seeds"]) for made in told] == [(3, [0]), (3, [100, 101])]
    list(choir.run(parts[0].inputs, Voice()))
    assert "batch" not in choir.provenance().used


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({}, True),
        ({"seed": 5, "prompt": "another", "feather": 9, "preview": True, "samples": 3}, True),
        ({"steps": 3}, False),
        ({"scale": 29.5}, False),
        ({"scale": 0}, True),
        ({"speed": "turbo"}, False),
        ({"crop": "off"}, False),
    ],
)
def test_who_may_join_whom(choir: FluxFillEngine, tmp_path: Path, values: dict[str, Any], fits: bool) -> None:
    first, other = choir.fit(task(tmp_path, 0)), choir.fit(task(tmp_path, 1, **values))
    assert first is not None
    assert other is not None
    assert (first.key == other.key) == fits
    assert (other.size, other.most) == (values.get("samples", 1), 4)


@pytest.mark.parametrize("values", [{"speed": "exact"}, {"samples": 4}])
def test_what_is_exact_or_fills_a_batch_runs_alone(choir: FluxFillEngine, tmp_path: Path, values: dict[str, Any]) -> None:
    assert choir.fit(task(tmp_path, 0, **values)) is None


def test_holes_in_crops_of_their_own_run_alone(choir: FluxFillEngine, tmp_path: Path) -> None:
    mask = box_mask(900, 700, 20, 20, 40, 40) | box_mask(900, 700, 850, 650, 880, 690)
    assert choir.fit(make_inputs(tmp_path, noise(900, 700), mask, speed="balanced")) is None


@pytest.mark.parametrize(
    ("device", "options", "most"), [("cpu", {}, None), ("cpu", {"batch": 2}, 2), ("cuda:0", {}, 4), ("cuda:0", {"batch": 9}, 9)]
)
def test_how_many_go_together_follows_from_the_device_and_what_the_operator_fixed(
    choir: FluxFillEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, options: dict[str, int], most: int | None
) -> None:
    monkeypatch.setattr(choir, "_device", Device(device, 2**30, 1, options))
    # A picture so small that the model is shown a quarter of what it draws best.
    inputs = make_inputs(tmp_path, noise(30, 30), box_mask(30, 30, 5, 5, 20, 20), speed="balanced")
    fit = choir.fit(inputs)
    assert fit == (None if most is None else Fit(fit.key if fit else "", 1, most))


def test_a_killed_task_leaves_and_the_others_are_drawn(choir: FluxFillEngine, tmp_path: Path) -> None:
    tasks = [task(tmp_path, number, steps=4) for number in range(3)]
    for kill_at in (1, 3):
        voices = [Voice(), Voice(kill_at=kill_at), Voice()]
        together = batch(choir, tasks, voices)
        assert sorted(together) == [0, 2]
        assert len(voices[1].steps) == kill_at
        for number in (0, 2):
            (alone,) = choir.run(tasks[number], Voice())
            assert levels(alone, together[number][0]) <= LEVELS
    assert batch(choir, tasks, [Voice(kill_at=2) for _ in tasks]) == {}


def test_an_overflow_in_one_is_its_error_alone(choir: FluxFillEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gesso.models.flux_fill.pipeline import Filler, NotFiniteError

    drawn = Filler.draw_together

    def overflowing(self: Filler, drawings: Any) -> Any:
        answers = drawn(self, drawings)
        drawings[1].error = NotFiniteError("too much")
        return [answers[0], None]

    monkeypatch.setattr(Filler, "draw_together", overflowing)
    together = batch(choir, [task(tmp_path, number) for number in range(2)])
    assert isinstance(together[1], NotFiniteError)
    assert len(together[0]) == 1


def test_what_does_not_fit_together_is_refused_whatever_the_server_thinks(choir: FluxFillEngine, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be drawn together"):
        batch(choir, [task(tmp_path, 0), task(tmp_path, 1, steps=3)])


def test_after_memory_ran_out_in_a_batch_no_other_is_tried_and_the_plan_stays(tiny_folder: Path, tmp_path: Path) -> None:
    from gesso.models.flux_fill.engine import FluxFillEngine

    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1, OPTIONS), tiny_folder)
    plan, tasks = engine._filler.plan, [task(tmp_path, number) for number in range(2)]
    assert engine.fit(tasks[0]) is not None

    def fail(_module: object, inputs: tuple[Any, ...]) -> None:
        if len(inputs[0]) > 1:
            raise MemoryError

    engine._filler.filler.pipeline.vae.decoder.register_forward_pre_hook(fail)
    with pytest.raises(MemoryError):
        batch(engine, tasks)
    assert engine.fit(tasks[0]) is None
    assert len(list(engine.run(tasks[0], Voice()))) == 1
    assert engine._filler.plan == plan


def test_a_task_that_was_looked_at_is_not_read_again(choir: FluxFillEngine, tmp_path: Path) -> None:
    inputs = task(tmp_path, 7)
    assert choir.fit(inputs) == choir.fit(inputs)
    inputs["inputImage"].path.unlink()
    (output,) = choir.run(inputs, Voice())
    assert pixels_of(output).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(FileNotFoundError):
        choir.fit(inputs)


def test_a_kill_while_a_task_is_read_takes_nobody_else_along(choir: FluxFillEngine, tmp_path: Path) -> None:
    class Gone(Voice):
        def log(self, text: str) -> None:
            raise Killed

    together = batch(choir, [task(tmp_path, 0), task(tmp_path, 1)], [Gone(), Voice()])
    assert list(together) == [1]
