"""The call into diffusers, against a pipeline of the test's own: what it saves, what it checks, what it leaves behind."""

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


@pytest.fixture
def filler(pipeline: Any) -> Filler:
    from gesso.models.flux_fill.pipeline import Filler

    return Filler(pipeline)


def fill(filler: Filler, voice: Voice | None = None, prompt: str = "a boat", steps: int = 3) -> np.ndarray:
    from gesso.models.flux_fill.pipeline import Order

    (answer,) = filler.fill(PICTURE, MASK, Order(prompt, steps, 30.0, 5, 1), voice or Voice())
    return answer


def test_the_answer_is_that_of_the_stock_pipeline(filler: Filler, pipeline: Any) -> None:
    import torch

    stock = pipeline(
        prompt="a boat",
        image=PICTURE,
        mask_image=MASK,
        width=96,
        height=64,
        num_inference_steps=3,
        guidance_scale=30.0,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="np",
    ).images[0]
    # Encoding with and without gradients runs other kernels, which round differently.
    assert np.abs(fill(filler) - stock).max() < 1e-5


def test_a_prompt_is_encoded_once_and_the_oldest_is_forgotten(filler: Filler, pipeline: Any) -> None:
    encoded: list[object] = []
    pipeline.text_encoder_2.register_forward_hook(lambda *arguments: encoded.append(arguments))
    first = fill(filler, steps=1)
    assert np.array_equal(fill(filler, steps=1), first)
    assert len(encoded) == 1
    for number in range(16):
        fill(filler, prompt=str(number), steps=1)
    assert np.array_equal(fill(filler, steps=1), first)
    assert len(encoded) == 18


def test_the_encoded_prompt_keeps_no_graph(filler: Filler, pipeline: Any) -> None:
    fill(filler, steps=1)
    (prompt,) = filler._prompts._kept.values()
    assert not prompt.words.requires_grad
    assert not prompt.summary.requires_grad


def test_a_kill_does_not_leave_features_in_a_cache(filler: Filler, pipeline: Any) -> None:
    from diffusers import MagCacheConfig

    pipeline.transformer.enable_cache(MagCacheConfig(mag_ratios=[1.0] * 6, num_inference_steps=6))
    undisturbed = fill(filler, steps=6)
    with pytest.raises(Killed):
        fill(filler, Voice(kill_at=5), steps=6)
    assert np.array_equal(fill(filler, steps=6), undisturbed)


def test_a_prompt_is_not_shown_to_the_log(filler: Filler, capfd: pytest.CaptureFixture[str]) -> None:
    fill(filler, prompt="secret " * 200, steps=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("component", "layer", "where"),
    [("transformer", "proj_out", "in step 1 of 3"), ("vae", "decoder.conv_out", "in the decoded picture")],
)
def test_numbers_that_overflow_are_an_error_and_no_black_picture(
    filler: Filler, pipeline: Any, component: str, layer: str, where: str
) -> None:
    import torch

    from gesso.models.flux_fill.pipeline import NotFiniteError

    with torch.no_grad():
        getattr(pipeline, component).get_submodule(layer).weight.fill_(float("nan"))
    with pytest.raises(NotFiniteError, match=f"The model's numbers overflowed {where}, so there is no picture"):
        fill(filler)
