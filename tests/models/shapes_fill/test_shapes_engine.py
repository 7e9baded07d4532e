"""The Engine of shapes-fill with its own weights: what it keeps, what it repeats, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes_builders import Voice, box, make_inputs, noise, pixels_of

from gesso.models.contract import InputError, Killed

if TYPE_CHECKING:
    from gesso.models.shapes_fill.engine import ShapesFillEngine

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 120, 90
PICTURE = np.full((HEIGHT, WIDTH, 3), (70, 80, 90), np.uint8)
MASK = box(WIDTH, HEIGHT, 30, 20, 80, 70)


def run(engine: ShapesFillEngine, folder: Path, voice: Voice | None = None, **values: Any) -> list[bytes]:
    inputs = make_inputs(folder, PICTURE, MASK, **{"steps": 4, **values})
    return [output.data for output in engine.run(inputs, voice or Voice())]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    width, height = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return noise(width, height), box(width, height, left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))


@settings(max_examples=25, deadline=None)
@given(scene=scenes(), feather=st.integers(0, 9))
def test_outside_the_mask_every_pixel_is_the_one_sent(
    engine: ShapesFillEngine, tmp_path_factory: pytest.TempPathFactory, scene: tuple[np.ndarray, np.ndarray], feather: int
) -> None:
    picture, mask = scene
    (output,) = engine.run(make_inputs(tmp_path_factory.mktemp("scene"), picture, mask, steps=1, feather=feather), Voice())
    after = pixels_of(output)
    assert after.shape == picture.shape
    changed = (after != picture).any(axis=2)
    assert not changed[~mask].any()
    assert changed[mask].any()


def test_the_same_seed_gives_the_same_picture_and_another_one_another(engine: ShapesFillEngine, tmp_path: Path) -> None:
    assert run(engine, tmp_path, seed=5) == run(engine, tmp_path, seed=5)
    assert run(engine, tmp_path, seed=5) != run(engine, tmp_path, seed=6)


def test_each_sample_is_the_single_run_with_its_seed(engine: ShapesFillEngine, tmp_path: Path) -> None:
    assert run(engine, tmp_path, samples=3, seed=7) == [run(engine, tmp_path, seed=seed)[0] for seed in (7, 8, 9)]


def test_progress_counts_the_steps_of_all_samples(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    run(engine, tmp_path, voice, samples=2)
    assert voice.steps == [(step, 8) for step in range(9)]
    assert not voice.warnings


def test_a_kill_stops_within_a_step(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice(kill_at=3)
    with pytest.raises(Killed):
        run(engine, tmp_path, voice)
    assert len(voice.steps) == 3


def test_a_preview_is_shown_and_changes_nothing(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    assert run(engine, tmp_path, voice, preview=True) == run(engine, tmp_path)
    assert voice.previews
    assert voice.previews[0].startswith(b"\xff\xd8")


def test_capitals_and_accents_are_read_as_plain_letters(engine: ShapesFillEngine, tmp_path: Path) -> None:
    assert run(engine, tmp_path, prompt="A Réd CIRCLE") == run(engine, tmp_path, prompt="a red circle")


def test_what_is_read_is_the_beginning_of_a_long_prompt(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    run(engine, tmp_path, voice, prompt="a red circle " * 700)
    untaught, cut = voice.warnings
    assert untaught.startswith("The model was not taught such a sentence")
    assert "the model reads the first 12" in cut


def test_words_that_the_model_does_not_know_are_told_and_change_nothing(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    assert run(engine, tmp_path, voice, prompt="Please draw a red circle!") == run(engine, tmp_path, prompt="a red circle")
    (warning,) = voice.warnings
    assert warning.startswith("The model does not know 'Please', 'draw', so it reads 'a red circle'. It knows the colours red, orange")


def test_a_prompt_in_another_script_is_told_and_continues_the_background(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    assert run(engine, tmp_path, voice, prompt="红色圆圈") == run(engine, tmp_path, prompt="")
    (warning,) = voice.warnings
    assert warning.startswith("The model does not know '红色圆圈', so it continues the background.")


def test_an_empty_mask_is_refused(engine: ShapesFillEngine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mask is empty"):
        list(engine.run(make_inputs(tmp_path, PICTURE, np.zeros_like(MASK)), Voice()))


def test_a_strip_is_filled_and_the_stretch_is_told(engine: ShapesFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    picture, mask = noise(200, 20), box(200, 20, 20, 5, 150, 15)
    (output,) = engine.run(make_inputs(tmp_path, picture, mask, steps=1), voice)
    assert pixels_of(output).shape == (20, 200, 3)
    assert voice.warnings == ["The picture is too narrow for a square around the mask, so what is drawn comes out stretched."]


def test_what_may_show_in_a_picture_is_told(engine: ShapesFillEngine, tmp_path: Path) -> None:
    run(engine, tmp_path, samples=2, seed=2**64 - 1, prompt="A red circle, please!", feather=5)
    made_with = engine.provenance()
    found = made_with.environment
    named = {"gesso", "code", "machinery", "processor", "torch", "diffusers", "device", "threads", "instructions", "weights"}
    assert named <= found.keys()
    assert all(isinstance(value, str) and value and value != "unknown" for value in found.values())
    assert (found["precision"], found["attention"]) == ("float32", "native")
    assert made_with.used == {
        "steps": 4,
        "seeds": [2**64 - 1, 0],
        "feather": 5,
        "crops": [[25, 15, 84, 74, 64, 64]],
        "reads": "a red circle",
    }


def test_of_each_run_its_own_is_told(engine: ShapesFillEngine, tmp_path: Path) -> None:
    run(engine, tmp_path, seed=5)
    first = engine.provenance()
    run(engine, tmp_path, seed=6)
    assert engine.provenance().used != first.used
    run(engine, tmp_path, seed=5)
    assert engine.provenance() == first
