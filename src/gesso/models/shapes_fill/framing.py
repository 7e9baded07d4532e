"""Framing for a model that knows one size: a square around the mask, shown to it as 64 x 64 pixels. Pure integers."""

from __future__ import annotations

import numpy as np

from gesso.models.flux_fill.framing import Frame, bounds

# Of the square's side the mask takes up about so much, as it did when the model learned.
_MASK_SHARE = 0.85


def square_around(mask: np.ndarray, side: int) -> Frame:
    """A Frame around what is true in a mask [height, width] that is not empty, moved into the picture, never padded.

    Where the picture is too narrow for a square that holds the mask, the Frame is as narrow, and the model sees it stretched. `side`: of
    the model, in pixels.
    """
    height, width = mask.shape
    left, top, right, bottom = bounds(mask)
    wanted = round(max(right - left, bottom - top) / _MASK_SHARE)
    left, right = _around(left, right, wanted, width)
    top, bottom = _around(top, bottom, wanted, height)
    return Frame(left, top, right, bottom, side, side)


def _around(low: int, high: int, wanted: int, length: int) -> tuple[int, int]:
    """An interval of `wanted` around low..high, no longer than `length` and moved so that it lies in 0..length."""
    wanted = min(wanted, length)
    start = min(max(0, (low + high - wanted) // 2), length - wanted)
    return start, start + wanted
