"""Previews: what a drawing looks like before it is done, cheaply. Opt-in: a Task that shows none pays nothing.

Three shortcuts make a preview cost about a millisecond where decoding it would cost half a step:
- What is shown is not the noisy state but where it is heading: two states of a straight flow give its direction, and that its end.
- Latents become colours by a matrix, fitted once for each loaded pipeline to what its own VAE makes of a chart of colours. Any VAE whose
  latents keep the picture's layout can be shown so, a small one too.
- It is the view at the latents' size, an eighth of the model's, with the true pixels where nothing is repainted.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from gesso.domain.limits import PREVIEW_MAX_BYTES

_EVERY_S = 0.5
_SIDE_PIXELS = 384
_QUALITIES = (75, 50, 25)
# Squares of one colour, of several latent pixels each, so that most latents have seen a single one.
_SQUARE_PIXELS = 16
_CHART_PIXELS = 256
# Keeps what the chart says little of near zero, without bending the rest.
_RIDGE = 1e-3


class Projection:
    """From latents to colours. `matrix`: [channels + 1, 3], the last row added to all."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix = matrix

    @classmethod
    def fitted(cls, latents: np.ndarray, colours: np.ndarray) -> Projection:
        """The one that comes nearest. Shapes: `latents` [places, channels]; `colours` [places, 3], 0 to 1."""
        known = _with_one(latents)
        ridge = _RIDGE * len(known) * np.diag(known.var(axis=0))
        # The matrix may be singular: channels that say nothing of the chart.
        matrix, *_ = np.linalg.lstsq(known.T @ known + ridge, known.T @ colours, rcond=None)
        return cls(matrix)

    def colours(self, latents: np.ndarray) -> np.ndarray:
        """Shapes: [channels, height, width] -> [height, width, 3], uint8."""
        shown = _with_one(np.moveaxis(latents, 0, -1)) @ self._matrix
        return np.rint(np.clip(np.nan_to_num(shown), 0, 1) * 255).astype(np.uint8)


def fit(pipeline: Any) -> Projection:
    """The Projection for a loaded pipeline: one encoding of a small chart, the same chart each time."""
    chart, vae = _chart(), pipeline.vae
    pixels = torch.from_numpy(chart * 2 - 1).permute(2, 0, 1)[None].to(pipeline._execution_device, vae.dtype)
    with torch.no_grad():
        latents = (vae.encode(pixels).latent_dist.mode() - vae.config.shift_factor) * vae.config.scaling_factor
    found = latents[0].permute(1, 2, 0).float().cpu().numpy()
    small = chart.reshape(found.shape[0], -1, found.shape[1], chart.shape[1] // found.shape[1], 3).mean(axis=(1, 3))
    return Projection.fitted(found.reshape(-1, found.shape[2]), small.reshape(-1, 3))


def _chart() -> np.ndarray:
    """Squares of random colours, [height, width, 3], 0 to 1; the lower half with fine and coarse grain over them, without which the
    matrix would know nothing of latents that mean texture."""
    random = np.random.default_rng(0)
    chart = _grain(random, _SQUARE_PIXELS)
    for grain_pixels in (1, 4):
        half = chart[_CHART_PIXELS // 2 :]
        half += 0.6 * (_grain(random, grain_pixels)[_CHART_PIXELS // 2 :] - 0.5)
    return np.clip(chart, 0, 1)


def _grain(random: np.random.Generator, pixels: int) -> np.ndarray:
    cells = random.random((_CHART_PIXELS // pixels, _CHART_PIXELS // pixels, 3), np.float32)
    return cells.repeat(pixels, axis=0).repeat(pixels, axis=1)


class Preview:
    """The previews of one drawing. `picture` (RGB) and `mask` (L, white = repaint): the view; `show` takes a JPEG."""

    def __init__(
        self,
        pipeline: Any,
        projection: Projection,
        picture: Image.Image,
        mask: Image.Image,
        show: Callable[[bytes], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipeline = pipeline
        self._projection = projection
        self._picture = picture
        self._mask = mask
        self._show = show
        self._monotonic = monotonic
        self._before: torch.Tensor | None = None
        self._due_at = monotonic()

    def after_step(self, step: int, latents: torch.Tensor) -> None:
        """Show the state after step number `step`, counted from 0, if a preview is due. The last one is left to the result."""
        before, self._before = self._before, latents
        sigmas = self._pipeline.scheduler.sigmas
        is_last = step + 2 >= len(sigmas)
        if before is None or is_last or self._monotonic() < self._due_at:
            return
        here, there = float(sigmas[step]), float(sigmas[step + 1])
        heading = latents.float() + (latents.float() - before.float()) * (there / (here - there))
        width, height = self._picture.size
        unpacked = self._pipeline._unpack_latents(heading, height, width, self._pipeline.vae_scale_factor)
        jpeg = _jpeg(self._composed(self._projection.colours(unpacked[0].cpu().numpy())))
        if jpeg is not None:
            self._show(jpeg)
        # From now and not from when it was due: a slow listener must not be sent them faster.
        self._due_at = self._monotonic() + _EVERY_S

    def _composed(self, colours: np.ndarray) -> Image.Image:
        ratio = min(1.0, _SIDE_PIXELS / max(self._picture.size))
        size = max(1, round(self._picture.width * ratio)), max(1, round(self._picture.height * ratio))
        painted = Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)
        return Image.composite(painted, self._picture.resize(size), self._mask.resize(size))


def _jpeg(image: Image.Image) -> bytes | None:
    """A JPEG of at most PREVIEW_MAX_BYTES, or None when none is as small."""
    for quality in _QUALITIES:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() <= PREVIEW_MAX_BYTES:
            return file.getvalue()
    return None


def _with_one(latents: np.ndarray) -> np.ndarray:
    return np.concatenate((latents, np.ones((*latents.shape[:-1], 1), latents.dtype)), axis=-1)
