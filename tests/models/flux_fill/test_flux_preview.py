"""Previews: small, seldom, only when asked for, and like what comes."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, make_inputs, noise
from PIL import Image

from gesso.domain.limits import PREVIEW_MAX_BYTES

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 90, 70
PICTURE = noise(WIDTH, HEIGHT)
MASK = box_mask(WIDTH, HEIGHT, 20, 20, 50, 45)


def outputs(engine: FluxFillEngine, folder: Path, voice: Voice, **values: Any) -> list[bytes]:
    return [output.data for output in engine.run(make_inputs(folder, PICTURE, MASK, **values), voice)]


def shown(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return image


def test_nobody_is_shown_what_they_did_not_ask_for(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    outputs(engine, tmp_path, voice, steps=6)
    assert voice.previews == []


def test_previews_are_small_pictures_and_change_nothing(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    with_previews = outputs(engine, tmp_path, voice, steps=6, samples=2, preview=True)
    assert with_previews == outputs(engine, tmp_path, Voice(), steps=6, samples=2)
    # One for each sample at least; half a second may pass between two steps of a busy machine.
    assert 2 <= len(voice.previews) <= 8
    for jpeg in voice.previews:
        assert len(jpeg) <= PREVIEW_MAX_BYTES
        assert shown(jpeg).mode == "RGB"
        assert max(shown(jpeg).size) <= 384


def test_a_run_too_short_for_a_direction_has_none(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    outputs(engine, tmp_path, voice, steps=2, preview=True)
    assert voice.previews == []


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def flow(steps: int, end: Any, noise_: Any) -> tuple[list[float], list[Any]]:
    """The noise levels of a straight flow, and its state after each step."""
    sigmas = [1 - step / steps for step in range(steps + 1)]
    return sigmas, [sigma * noise_ + (1 - sigma) * end for sigma in sigmas[1:]]


def fake_pipeline(sigmas: list[float]) -> Any:
    """Latents that are colours already, [1, 3, 8, 8] for a view of 64 x 64."""
    scheduler = SimpleNamespace(sigmas=sigmas)
    return SimpleNamespace(scheduler=scheduler, vae_scale_factor=8, _unpack_latents=lambda latents, height, width, factor: latents)


def test_a_preview_shows_where_the_drawing_is_heading_and_the_true_pixels_around_it() -> None:
    import torch

    from gesso.models.flux_fill.preview import Preview, Projection

    colour = np.array([0.8, 0.3, 0.1], np.float32)
    end = torch.from_numpy(np.tile(colour[:, None, None], (1, 8, 8)))[None]
    sigmas, states = flow(5, end, torch.full((1, 3, 8, 8), -3.0))
    mask = Image.fromarray(box_mask(64, 64, 0, 0, 32, 64).astype(np.uint8) * 255)
    pictures: list[bytes] = []
    as_is = Projection(np.vstack((np.eye(3), np.zeros((1, 3)))))
    preview = Preview(fake_pipeline(sigmas), as_is, Image.new("RGB", (64, 64), "blue"), mask, pictures.append, Clock())
    for step, state in enumerate(states):
        preview.after_step(step, state)
    (jpeg,) = pictures
    pixels = np.asarray(shown(jpeg)).astype(int)
    assert np.abs(pixels[10:50, 6:24] - colour * 255).max() <= 12
    assert np.abs(pixels[10:50, 44:] - [0, 0, 255]).max() <= 12


def test_previews_come_twice_a_second_at_most_and_not_for_the_last_step() -> None:
    import torch

    from gesso.models.flux_fill.preview import Preview, Projection

    sigmas, states = flow(20, torch.zeros((1, 3, 8, 8)), torch.ones((1, 3, 8, 8)))
    clock, times = Clock(), []
    view = Image.new("RGB", (64, 64)), Image.new("L", (64, 64), 255)
    preview = Preview(fake_pipeline(sigmas), Projection(np.zeros((4, 3))), *view, lambda jpeg: times.append(clock.now_s), clock)
    for step, state in enumerate(states):
        clock.now_s = 0.125 * step
        preview.after_step(step, state)
    assert times == [0.125, 0.625, 1.125, 1.625, 2.125]


def test_colours_are_found_in_latents_that_mix_them() -> None:
    from gesso.models.flux_fill.preview import Projection

    random = np.random.default_rng(1)
    mixing = random.normal(size=(3, 16))
    colours = random.random((1024, 3))
    latents = (colours @ mixing + 0.4 + 0.01 * random.normal(size=(1024, 16))).astype(np.float32)
    found = Projection.fitted(latents, colours).colours(np.moveaxis(latents.reshape(32, 32, 16), -1, 0))
    assert np.abs(found.reshape(-1, 3) / 255 - colours).mean() < 0.02


def test_latents_that_say_nothing_and_numbers_that_overflow_still_make_a_picture() -> None:
    from gesso.models.flux_fill.preview import Projection

    projection = Projection.fitted(np.zeros((64, 4), np.float32), np.full((64, 3), 0.5))
    assert (projection.colours(np.full((4, 2, 2), np.nan)) <= 255).all()
