"""What may be skipped, on a real transformer: nothing by default, with a stated error when asked for, and never across drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, noise
from PIL import Image

from gesso.models.contract import Killed

if TYPE_CHECKING:
    from gesso.models.flux_fill.pipeline import Filler

pytestmark = pytest.mark.flux

PICTURE = Image.fromarray(noise(96, 64))
MASK = Image.fromarray(box_mask(96, 64, 20, 10, 70, 50).astype(np.uint8) * 255)
STEPS = 8


def fill(filler: Filler, speed: str, voice: Voice | None = None, prompt: str = "a boat") -> np.ndarray:
    from gesso.models.flux_fill.pipeline import Order
    from gesso.models.flux_fill.speed import Speed

    (answer,) = filler.fill(PICTURE, MASK, Order(prompt, STEPS, 30.0, 5, 1, speed=Speed(speed)), voice or Voice())
    return answer


def make_filler(pipeline: Any, **thresholds: float) -> Filler:
    from gesso.models.flux_fill.pipeline import Filler

    return Filler(pipeline, thresholds)


def test_exact_is_bit_for_bit_the_stock_pipeline_with_one_encoding_less(pipeline: Any) -> None:
    import torch

    encoded: list[object] = []
    pipeline.vae.encoder.register_forward_hook(lambda *arguments: encoded.append(arguments))
    with torch.no_grad():
        words, summary, _ = pipeline.encode_prompt(prompt=["a boat"], prompt_2=None, max_sequence_length=512)
    stock = pipeline(
        prompt_embeds=words,
        pooled_prompt_embeds=summary,
        image=PICTURE,
        mask_image=MASK,
        width=96,
        height=64,
        num_inference_steps=STEPS,
        guidance_scale=30.0,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="np",
    ).images[0]
    assert len(encoded) == 2
    assert np.array_equal(fill(make_filler(pipeline), "exact"), stock)
    assert len(encoded) == 3


@pytest.mark.parametrize(("threshold", "skipped"), [(0.0, 0), (1.0, STEPS - 1)])
def test_a_step_is_skipped_when_the_first_block_changed_less_than_the_threshold(pipeline: Any, threshold: float, skipped: int) -> None:
    filler = make_filler(pipeline, balanced_threshold=threshold)
    voice = Voice()
    exact, balanced = fill(filler, "exact"), fill(filler, "balanced", voice)
    assert voice.logs == [f"{skipped} of {STEPS} steps changed so little that most of their work was skipped (speed balanced)."]
    assert np.array_equal(balanced, exact) == (skipped == 0)
    # Far less than another prompt would change.
    assert 10 * np.abs(balanced - exact).mean() < np.abs(fill(filler, "exact", prompt="a red fox") - exact).mean()
    assert np.array_equal(fill(filler, "exact"), exact)


def test_speeds_may_follow_each_other_in_any_order(pipeline: Any) -> None:
    filler = make_filler(pipeline, balanced_threshold=0.1, turbo_threshold=1.0)
    first = {speed: fill(filler, speed) for speed in ("exact", "balanced", "turbo")}
    for speed in ("turbo", "exact", "balanced", "balanced", "turbo"):
        assert np.array_equal(fill(filler, speed), first[speed]), speed


@pytest.mark.parametrize("kill_at", [2, 5])
def test_a_killed_drawing_leaves_nothing_to_be_taken_over(pipeline: Any, kill_at: int) -> None:
    filler = make_filler(pipeline, balanced_threshold=1.0)
    undisturbed = fill(filler, "balanced")
    with pytest.raises(Killed):
        fill(filler, "balanced", Voice(kill_at=kill_at), prompt="another one")
    assert np.array_equal(fill(filler, "balanced"), undisturbed)


@pytest.mark.parametrize(
    ("tokens", "speed", "expected"),
    [(10, "exact", 512), (10, "balanced", 512), (10, "turbo", 128), (128, "turbo", 128), (129, "turbo", 192), (9000, "turbo", 512)],
)
def test_turbo_shows_the_model_fewer_empty_words(tokens: int, speed: str, expected: int) -> None:
    pytest.importorskip("diffusers", reason="needs the extra gesso[flux]")
    from gesso.models.flux_fill.speed import Speed, text_length

    assert text_length(tokens, 512, Speed(speed)) == expected
    assert text_length(tokens, 24, Speed(speed)) == 24


def test_without_thresholds_no_speed_skips_anything(pipeline: Any) -> None:
    filler = make_filler(pipeline)
    assert np.array_equal(fill(filler, "balanced"), fill(filler, "exact"))
