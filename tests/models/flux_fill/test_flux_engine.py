"""The Engine on a tiny real pipeline: what goes in, through diffusers, and comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, changed, make_inputs, noise, pixels_of
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.models.contract import Device, Killed, Output
from gesso.models.flux_fill.canvas import Canvas, Margins
from gesso.models.flux_fill.crops import crop_seed
from gesso.models.pictures import Picture

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.pipeline import Drawing

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 90, 70
PICTURE = noise(WIDTH, HEIGHT)
MASK = box_mask(WIDTH, HEIGHT, 20, 20, 50, 45)


def run(engine: FluxFillEngine, folder: Path, voice: Voice | None = None, mask: np.ndarray = MASK, **values: Any) -> list[bytes]:
    return [output.data for output in engine.run(make_inputs(folder, PICTURE, mask, **values), voice or Voice())]


GREY = 90
# Two holes whose crops overlap: each shows a part of the other.
TALL = 207, 270
UPPER, LOWER = box_mask(*TALL, 28, 20, 94, 78), box_mask(*TALL, 109, 96, 199, 120)


class Mirror:
    """In the place of a Station: remembers what it was given to draw, and gives it back with the holes in a grey of their own.

    `greys`: of the first drawing's holes, the second's and so on; None leaves them as they were. `lighter`: by so many levels all of it.
    """

    def __init__(self, station: Any, greys: tuple[int | None, ...], lighter: int = 0) -> None:
        self.drawings: list[Drawing] = []
        self._station = station
        self._greys = greys
        self._lighter = lighter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._station, name)

    def draw(self, drawing: Drawing) -> np.ndarray:
        answer = np.array(drawing.picture, np.float32)
        grey = self._greys[len(self.drawings) % len(self._greys)]
        if grey is not None:
            answer[np.asarray(drawing.mask) > 0] = grey
        self.drawings.append(drawing)
        return (answer + self._lighter) / 255


def off(one: np.ndarray, other: np.ndarray) -> float:
    """How many levels two pictures are apart on average. Where a grey meets another, resizing there and back leaves some."""
    return float(np.abs(one.astype(float) - other).mean())


def mirrored(folder: Path, *greys: int | None, lighter: int = 0) -> tuple[FluxFillEngine, Mirror]:
    """An Engine of its own before a Mirror."""
    from gesso.models.flux_fill.engine import FluxFillEngine

    engine: Any = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1), folder)
    engine._filler = Mirror(engine._filler, greys, lighter)
    return engine, engine._filler


@st.composite
def scenes(draw: st.DrawFn) -> tuple[int, int, np.ndarray]:
    width, height = draw(st.integers(1, 160)), draw(st.integers(1, 160))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return width, height, box_mask(width, height, left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))


@settings(max_examples=30, deadline=None)
@given(
    scene=scenes(),
    margins=st.builds(Margins, *[st.sampled_from([0, 0, 0, 9])] * 4),
    grow=st.sampled_from([0, 0, 5]),
    feather=st.integers(0, 12),
    crop=st.sampled_from(["auto", "off"]),
)
def test_outside_the_mask_every_pixel_is_the_one_sent(
    engine: FluxFillEngine,
    tmp_path_factory: pytest.TempPathFactory,
    scene: tuple[int, int, np.ndarray],
    margins: Margins,
    grow: int,
    feather: int,
    crop: str,
) -> None:
    width, height, mask = scene
    picture = noise(width, height)
    sides = {"extendLeft": margins.left, "extendTop": margins.top, "extendRight": margins.right, "extendBottom": margins.bottom}
    inputs = make_inputs(tmp_path_factory.mktemp("scene"), picture, mask, steps=1, grow=grow, feather=feather, crop=crop, **sides)
    (output,) = engine.run(inputs, Voice())
    asked = Canvas.of(Picture(picture), mask).extended(margins).grown(grow)
    after = pixels_of(output)
    difference = changed(asked.picture.colour, after)
    assert not difference[~asked.mask].any()
    assert difference[asked.mask].any()


def test_each_sample_is_the_single_run_with_its_seed(engine: FluxFillEngine, tmp_path: Path) -> None:
    together = run(engine, tmp_path, samples=3, seed=7)
    alone = [run(engine, tmp_path, seed=seed)[0] for seed in (7, 8, 9)]
    assert together == alone
    assert len(set(together)) == 3


def test_the_seed_after_the_last_one_is_zero(engine: FluxFillEngine, tmp_path: Path) -> None:
    assert run(engine, tmp_path, samples=2, seed=2**64 - 1)[1] == run(engine, tmp_path, seed=0)[0]


@pytest.mark.parametrize("values", [{"prompt": "a red boat"}, {"steps": 3}, {"scale": 60}, {"seed": 1}, {"crop": "off"}, {"feather": 0}])
def test_every_value_has_an_effect(engine: FluxFillEngine, tmp_path: Path, values: dict[str, Any]) -> None:
    assert run(engine, tmp_path, **values) != run(engine, tmp_path)


def test_a_scale_of_zero_is_the_usual_one(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    assert run(engine, tmp_path, voice, scale=0) == run(engine, tmp_path, scale=30)
    assert not voice.warnings


def test_each_sample_of_holes_far_apart_is_the_single_run_with_its_seed(engine: FluxFillEngine, tmp_path: Path) -> None:
    picture = noise(900, 700)
    mask = box_mask(900, 700, 20, 20, 40, 40) | box_mask(900, 700, 850, 650, 880, 690)
    voice = Voice()
    together = [each.data for each in engine.run(make_inputs(tmp_path, picture, mask, samples=2, seed=2**64 - 1), voice)]
    alone = [next(engine.run(make_inputs(tmp_path, picture, mask, seed=seed), Voice())).data for seed in (2**64 - 1, 0)]
    assert together == alone
    assert voice.steps == [(step, 8) for step in range(9)]
    assert "Holes that lie far apart are filled in 2 crops: that is cheaper than one around all of them." in voice.logs
    difference = changed(picture, pixels_of(Output(together[0])))
    assert not difference[~mask].any()
    assert difference[mask].mean() > 0.9


def test_each_crop_sees_what_the_ones_before_it_filled_and_what_is_still_to_come_is_masked(tiny_folder: Path, tmp_path: Path) -> None:
    engine, mirror = mirrored(tiny_folder, 200, 30)
    picture = np.full((*TALL[::-1], 3), GREY, np.uint8)
    (output,) = engine.run(make_inputs(tmp_path, picture, UPPER | LOWER, feather=0), Voice())
    first, second = mirror.drawings
    job = engine._desk.ahead(make_inputs(tmp_path, picture, UPPER | LOWER, feather=0))
    upper, lower = (crop.frame for crop in job.crops)
    assert LOWER[upper.within].any()
    assert UPPER[lower.within].any()
    halfway = np.where(UPPER[..., None], np.uint8(200), picture)
    for drawing, frame, shown, pending in ((first, upper, picture, UPPER | LOWER), (second, lower, halfway, LOWER)):
        seen, mask = Canvas.of(Picture(shown), pending).view(frame)
        assert np.array_equal(np.asarray(drawing.mask), np.asarray(mask))
        assert off(np.asarray(drawing.picture), np.asarray(seen)) < 1
    assert off(pixels_of(output), np.where(LOWER[..., None], np.uint8(30), halfway)) < 1


def test_each_crop_is_drawn_from_noise_of_its_own(tiny_folder: Path, tmp_path: Path) -> None:
    engine, mirror = mirrored(tiny_folder, None)
    picture = np.full((*TALL[::-1], 3), GREY, np.uint8)
    assert len(list(engine.run(make_inputs(tmp_path, picture, UPPER | LOWER, samples=2, seed=7), Voice()))) == 2
    seeds = [drawing.turn.seed for drawing in mirror.drawings]
    assert seeds == [crop_seed(seed, number) for seed in (7, 8) for number in (0, 1)]
    assert len(set(seeds)) == 4


@pytest.mark.parametrize("lighter", [-6, 5])
def test_a_shift_of_tone_is_taken_out_of_what_was_painted(tiny_folder: Path, tmp_path: Path, lighter: int) -> None:
    engine, _ = mirrored(tiny_folder, None, lighter=lighter)
    picture = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    (output,) = engine.run(make_inputs(tmp_path, picture, MASK), Voice())
    assert np.array_equal(pixels_of(output), picture)


def test_progress_counts_the_steps_of_all_samples(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    run(engine, tmp_path, voice, samples=2, steps=3)
    assert voice.steps == [(step, 6) for step in range(7)]


@pytest.mark.parametrize("asked", [{"width": 61, "height": 46}, {"width": 100}, {"height": 17}, {"width": 5, "height": 3}])
def test_the_output_has_the_asked_size_whatever_the_model_can_take(engine: FluxFillEngine, tmp_path: Path, asked: dict[str, int]) -> None:
    (data,) = engine.run(make_inputs(tmp_path, PICTURE, MASK, **asked), Voice())
    width = asked.get("width") or round(WIDTH * asked["height"] / HEIGHT)
    height = asked.get("height") or round(HEIGHT * asked["width"] / WIDTH)
    after = pixels_of(data)
    resized = Canvas.of(Picture(PICTURE), MASK).resized(width, height)
    assert after.shape == (height, width, 3)
    assert not changed(resized.picture.colour, after)[~resized.mask].any()


def test_transparency_comes_back(engine: FluxFillEngine, tmp_path: Path) -> None:
    picture = np.dstack((PICTURE, noise(WIDTH, HEIGHT, seed=5)[..., 0]))
    (output,) = engine.run(make_inputs(tmp_path, picture, MASK), Voice())
    after = pixels_of(output)
    assert not changed(picture, after)[~MASK].any()
    assert (after[30, 30] != picture[30, 30]).any()
    assert after[30, 30, 3] == 255


@pytest.mark.parametrize("kill_at", [1, 2, 3])
def test_a_kill_stops_within_a_step_and_leaves_no_trace(engine: FluxFillEngine, tmp_path: Path, kill_at: int) -> None:
    undisturbed = run(engine, tmp_path, steps=4)
    voice = Voice(kill_at=kill_at)
    with pytest.raises(Killed):
        run(engine, tmp_path, voice, steps=4)
    assert len(voice.steps) == kill_at
    assert run(engine, tmp_path, steps=4) == undisturbed


def test_leaving_after_the_first_sample_leaves_no_trace(engine: FluxFillEngine, tmp_path: Path) -> None:
    made = iter(engine.run(make_inputs(tmp_path, PICTURE, MASK, samples=3, seed=3), Voice()))
    first = next(made).data
    made.close()
    assert run(engine, tmp_path, seed=3) == [first]


def test_a_low_scale_is_used_and_warned_of(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    run(engine, tmp_path, voice, scale=3.5)
    assert voice.warnings == [
        "A scale of 3.5 was used as asked, but FLUX Fill was trained for about 30: below 15 pictures tend to be blurry, grainy and pale."
    ]


def test_a_mask_over_nearly_everything_is_warned_of(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    run(engine, tmp_path, voice, mask=np.ones((HEIGHT, WIDTH), bool))
    assert voice.warnings[0].startswith("The mask covers 100% of what the model sees")


@pytest.mark.parametrize("prompt", ["", "ä 🦊 \n\t", "x" * 74])
def test_a_prompt_that_fits_is_not_warned_of(engine: FluxFillEngine, tmp_path: Path, prompt: str) -> None:
    voice = Voice()
    assert len(run(engine, tmp_path, voice, prompt=prompt)) == 1
    assert not voice.warnings


def test_a_prompt_too_long_for_its_sense_is_warned_of(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    run(engine, tmp_path, voice, prompt="x" * 100)
    (warning,) = voice.warnings
    assert warning == (
        "The prompt has 102 tokens, of which the encoder of its overall sense reads the first 77; the one for detail reads all of it. "
        "Say the most important first."
    )


def test_a_prompt_of_ten_thousand_characters_is_served_and_warned_of(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    assert len(run(engine, tmp_path, voice, prompt="a cat on a mat, " * 625)) == 1
    assert len(voice.warnings) == 1
    assert "tokens and the model reads the first 512: what comes after them has no effect" in voice.warnings[0]
