"""Ways to fill one hole, and the rule that chooses among them. What each is worth is measured by `bench/heal.py`.

A way is a function of (colour, inside, source, check): colour [height, width, 1 or 3] uint8 or uint16, the crop around the hole; inside
[height, width] bool, the pixels to fill; source [height, width] bool, the pixels that may be copied; check, called at least once a second,
raises Killed. It returns pixels like `colour`; only those inside are used. The rest of the crop is known or was guessed by `Engine`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from gesso.models.heal.holes import depth
from gesso.models.heal.patches import fill_by_patches

Check = Callable[[], None]
Fill = Callable[[np.ndarray, np.ndarray, np.ndarray, Check], np.ndarray]

_RADIUS = 5
# Most pixels of a hole that OpenCV fills in one call: calls cannot be interrupted, and these take well under a second.
_DIFFUSION_PIXELS, _FREQUENCY_PIXELS = 150_000, 5_000
# Beyond this a patch fill would take more than half a minute and most of a gigabyte.
_PATCH_PIXELS = 1_000_000
# The frequency method returns rubbish for crops smaller than its block of 16 with a border of 16 on both sides.
_FREQUENCY_SIDE = 48
# Deepest hole, in pixels from its deepest point to its edge, that `auto` leaves to the frequency method, and to diffusion where that
# method cannot serve: measured in docs/decisions/0005-heal-methods.md.
_THIN, _HAIR = 5.0, 1.5


def choose(colour: np.ndarray, inside: np.ndarray) -> str:
    """The method for a hole when the client leaves the choice to us. Shapes: as for a way to fill."""
    deepest = depth(inside)
    # At 16 bits, or over so many pixels that it would have to work at a smaller size, the frequency method loses what it is good at.
    if deepest <= _THIN and colour.dtype == np.uint8 and np.count_nonzero(inside) <= _FREQUENCY_PIXELS:
        return "frequency"
    return "navier-stokes" if deepest <= _HAIR else "patch"


def _diffuse(colour: np.ndarray, inside: np.ndarray, source: np.ndarray, check: Check, *, algorithm: int) -> np.ndarray:
    """OpenCV's inpainting, always at 16 bits: at 8, Telea's drifts by some steps of brightness even where all around is one colour."""
    mask = inside.astype(np.uint8)
    factor = 257 if colour.dtype == np.uint8 else 1
    channels = []
    for channel in cv2.split(colour):
        check()
        channels.append(cv2.inpaint(channel.astype(np.uint16) * factor, mask, _RADIUS, algorithm))
    filled = np.dstack(channels)
    return filled if factor == 1 else ((filled.astype(np.uint32) + factor // 2) // factor).astype(np.uint8)


def _extrapolate(colour: np.ndarray, inside: np.ndarray, source: np.ndarray, check: Check) -> np.ndarray:
    """Frequency selective reconstruction, at 8 bits whatever the picture has, because OpenCV fails on 16."""
    height, width = inside.shape
    below, right = max(0, _FREQUENCY_SIDE - height), max(0, _FREQUENCY_SIDE - width)
    small = colour if colour.dtype == np.uint8 else (colour >> 8).astype(np.uint8)
    padded = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE)
    known = cv2.copyMakeBorder((~inside).astype(np.uint8) * 255, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(255,))
    filled = np.zeros_like(padded)
    cv2.xphoto.inpaint(padded, known, filled, cv2.xphoto.INPAINT_FSR_FAST)
    filled = filled[:height, :width].reshape(colour.shape)
    return filled if colour.dtype == np.uint8 else filled.astype(np.uint16) * 257


def _bounded(fill: Fill, most_pixels: int, colour: np.ndarray, inside: np.ndarray, source: np.ndarray, check: Check) -> np.ndarray:
    """Fill a hole of more than `most_pixels` at a smaller size and enlarge the result. Diffusion leaves no detail in it anyway."""
    pixels = np.count_nonzero(inside)
    check()
    if pixels <= most_pixels:
        return fill(colour, inside, source, check)
    height, width = inside.shape
    scale = float(np.sqrt(most_pixels / pixels))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    small_inside = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    small_source = cv2.resize(source.astype(np.float32), size, interpolation=cv2.INTER_AREA) == 1
    filled = fill(np.atleast_3d(small), small_inside, small_source, check)
    check()
    return np.atleast_3d(cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC))


FILLS: dict[str, Fill] = {
    "telea": partial(_bounded, partial(_diffuse, algorithm=cv2.INPAINT_TELEA), _DIFFUSION_PIXELS),
    "navier-stokes": partial(_bounded, partial(_diffuse, algorithm=cv2.INPAINT_NS), _DIFFUSION_PIXELS),
    "frequency": partial(_bounded, _extrapolate, _FREQUENCY_PIXELS),
    "patch": partial(_bounded, fill_by_patches, _PATCH_PIXELS),
}
