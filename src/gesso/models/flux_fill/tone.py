"""Tone: taking out the slight shift of colour that a trip through the model leaves. Pure arithmetic on arrays.

The model draws the whole view anew, also what it was to keep, and that comes back a few levels lighter, darker or warmer than it was, not
equally so everywhere (its card says so). Where the truth is known the shift can be seen; it is carried smoothly into the painted part, so
that this meets its surroundings without a seam.
"""

from __future__ import annotations

import cv2
import numpy as np

# What goes beyond is no shift of tone but something drawn differently.
_MOST_SHIFT = 8 / 255
# The shift is that of areas, not of details, so it is seen on cells of this many pixels.
_CELL = 8
_REACH_CELLS = 4.0
# So little that it only decides where nothing known is near.
_OVERALL_WEIGHT = 1e-3


def matched(answer: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The answer with the tone that it should have had.

    Shapes: `answer` and `picture` [height, width, 3] float32, 0 to 1; `mask` [height, width] bool, true where the answer is new; no
    side under 8 pixels.    Without a pixel that is known the answer is returned as it is.
    """
    if mask.all():
        return answer
    height, width = mask.shape
    cells = width // _CELL, height // _CELL
    known = (~mask).astype(np.float32)
    seen = picture - answer
    np.clip(seen, -_MOST_SHIFT, _MOST_SHIFT, out=seen)
    seen *= cv2.merge([known] * 3)
    weight = _smoothed(known, cells)
    overall = seen.sum(axis=(0, 1)) / known.sum()
    shift = (_smoothed(seen, cells) + _OVERALL_WEIGHT * overall) / (weight + _OVERALL_WEIGHT)[..., None]
    return np.clip(answer + cv2.resize(shift, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)


def _smoothed(values: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    small = cv2.resize(values, cells, interpolation=cv2.INTER_AREA)
    # What lies beyond the border weighs nothing: there is no truth to mirror.
    return cv2.GaussianBlur(small, (0, 0), _REACH_CELLS, borderType=cv2.BORDER_CONSTANT)
