"""Framing: which part of a picture the model is shown, and at which size. Pure integers; no picture is touched here.

A model like FLUX Fill draws best at about the size it was trained at (1024 x 1024). So a small mask on a large photograph is filled in a
crop around it, at full sharpness, and a large area is shown smaller. The crop is shifted into the picture where it would leave it, never
padded: an invented border would become false context.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Half the mask's longer side on every side: enough surroundings to continue light and texture.
_CONTEXT = 0.5
_MOST_ASPECT = 2.0
_MOST_ENLARGEMENT = 2.0
# Left, top, right, bottom in pixels; right and bottom lie outside.
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Grid:
    """What sizes a model takes. `native_side`: it draws best at native_side^2 pixels; `multiple`: of which both sides must be."""

    native_side: int
    multiple: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A crop of the picture, in its pixels with `right` and `bottom` outside, and the size at which the model sees it."""

    left: int
    top: int
    right: int
    bottom: int
    model_width: int
    model_height: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def within(self) -> tuple[slice, slice]:
        """The crop as an index of an array [height, width, ...]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def frame_around(mask: np.ndarray, grid: Grid, crop: bool) -> Frame:
    """The Frame for a mask [height, width] of booleans that is not empty: the whole picture, or with `crop` what surrounds the mask."""
    height, width = mask.shape
    left, top, right, bottom = surroundings(bounds(mask), width, height, grid) if crop else (0, 0, width, height)
    model_width, model_height = model_size(right - left, bottom - top, grid)
    return Frame(left, top, right, bottom, model_width, model_height)


def surroundings(box: Box, width: int, height: int, grid: Grid) -> Box:
    """A box in a picture of `width` x `height` with the context that the model needs around it."""
    left, top, right, bottom = box
    wanted_width, wanted_height = _with_context(right - left, bottom - top, grid)
    left, right = _shifted_inside(left, right, wanted_width, width)
    top, bottom = _shifted_inside(top, bottom, wanted_height, height)
    return left, top, right, bottom


def bounds(mask: np.ndarray) -> Box:
    """Left, top, right, bottom of what is true in a mask that is not empty; right and bottom lie outside."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    assert columns.size, "an empty mask has no bounds"
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def model_size(width: int, height: int, grid: Grid, scale: float = _MOST_ENLARGEMENT) -> tuple[int, int]:
    """The width and height at which the model sees a crop: in the crop's aspect, `scale` times as large, but about native_side^2 pixels
    at most.

    A small crop is enlarged at most twice, for more would invent nothing and cost time, but to a quarter of the native area at least. The
    sides are clamped to native_side/4 .. 2*native_side, which changes the aspect of very long strips only.
    """
    native_area = grid.native_side**2
    area = min(native_area, max(scale**2 * width * height, native_area / 4))
    scale = math.sqrt(area / (width * height))
    return _rounded(width * scale, grid), _rounded(height * scale, grid)


def _rounded(side: float, grid: Grid) -> int:
    least = max(1, grid.native_side // 4 // grid.multiple)
    most = max(least, 2 * grid.native_side // grid.multiple)
    return grid.multiple * min(most, max(least, round(side / grid.multiple)))


def _with_context(width: int, height: int, grid: Grid) -> tuple[int, int]:
    context = 2 * math.ceil(_CONTEXT * max(width, height))
    width = max(width + context, grid.native_side // 2)
    height = max(height + context, grid.native_side // 2)
    return max(width, round(height / _MOST_ASPECT)), max(height, round(width / _MOST_ASPECT))


def _shifted_inside(low: int, high: int, wanted: int, length: int) -> tuple[int, int]:
    """An interval of `wanted` around low..high, no longer than `length` and moved so that it lies in 0..length."""
    wanted = min(wanted, length)
    start = min(max(0, (low + high - wanted) // 2), length - wanted)
    return start, start + wanted
