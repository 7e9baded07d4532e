"""Crops: holes that lie far apart are filled each in a crop of its own, where that is cheaper. Pure geometry; no picture is touched here.

One frame around two small holes at opposite ends of a photograph shows the model mostly what it is to keep, and that small. Two frames
show it less and larger. They are taken when together they cost less arithmetic than the one, and none of them shows less detail than it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from gesso.models.flux_fill.framing import Box, Frame, Grid, bounds, frame_around, model_size, surroundings

SEEDS = 2**64
# A gain that would be lost in what each call costs besides its arithmetic is none.
_LEAST_GAIN = 0.05
# The side of the cells in which holes are told apart, as a share of the native side: what is nearer together shares a crop anyway.
_CELLS_PER_SIDE = 32
_MOST_ISLANDS = 12
# At its own size a crop shows all the detail that the picture has. Smaller ones are tried too, down to what one frame would show.
_SCALES = (1.0, 0.85, 0.7, 0.6, 0.5)


@dataclass(frozen=True, slots=True)
class Crop:
    """A part that is filled on its own. `inside`: which pixels of the frame it fills, [frame height, frame width] bool."""

    frame: Frame
    inside: np.ndarray


@dataclass(frozen=True, slots=True)
class Effort:
    """What drawing costs in a transformer of FLUX's architecture. `blocks`: of both kinds; `width`: features of a token; `token_side`: in
    pixels; `vae_flop`: for each pixel, two encodings and a decoding.

    The defaults are those of FLUX.1, counted on its real shapes. Source: each token meets 12 width^2 weights in a block and attends to
    all others.
    """

    blocks: int = 57
    width: int = 3072
    text_tokens: int = 512
    token_side: int = 16
    vae_flop: float = 19.3e6

    def flop(self, width: int, height: int, steps: int) -> float:
        """Floating point operations for a picture of `width` x `height` pixels."""
        tokens = (width // self.token_side) * (height // self.token_side) + self.text_tokens
        step = 2 * 12 * self.blocks * self.width**2 * tokens + 4 * self.blocks * self.width * tokens**2
        return steps * step + self.vae_flop * width * height


def crops_for(mask: np.ndarray, grid: Grid, effort: Effort, steps: int) -> list[Crop]:
    """The crops that together fill a mask [height, width] of booleans that is not empty, from top to bottom.

    Every pixel of the mask is inside exactly one of them.
    """
    whole = frame_around(mask, grid, crop=True)
    together = [Crop(whole, mask[whole.within])]
    limit = (1 - _LEAST_GAIN) * effort.flop(whole.model_width, whole.model_height, steps)
    if 2 * effort.flop(grid.native_side // 2, grid.native_side // 2, steps) >= limit:
        return together
    islands = _Islands(mask, grid)
    if islands.count == 1:
        return together
    least = min(1.0, math.sqrt(whole.model_width * whole.model_height / (whole.width * whole.height)))
    height, width = mask.shape
    for scale in (*(scale for scale in _SCALES if scale > least), least):
        framed = partial(_framed, width=width, height=height, grid=grid, scale=scale)
        groups = _grouped(islands.boxes, lambda box, framed=framed: effort.flop(framed(box).model_width, framed(box).model_height, steps))
        frames = [framed(group.box) for group in groups]
        if len(groups) > 1 and sum(effort.flop(frame.model_width, frame.model_height, steps) for frame in frames) <= limit:
            crops = [Crop(frame, islands.inside(group.members, frame)) for group, frame in zip(groups, frames, strict=True)]
            return sorted(crops, key=lambda crop: (crop.frame.top, crop.frame.left))
    return together


def crop_seed(seed: int, number: int) -> int:
    """The seed of crop `number` of a sample: the sample's own for the first one. Others differ, lest all holes be filled with one noise."""
    seed %= SEEDS
    if number == 0:
        return seed
    return int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).digest(), "little")


class _Islands:
    """The parts of a mask that lie apart. `boxes`: one for each, a little larger than it."""

    def __init__(self, mask: np.ndarray, grid: Grid) -> None:
        self._mask = mask
        self._left, self._top, right, bottom = bounds(mask)
        part = mask[self._top : bottom, self._left : right]
        self._cell = max(1, grid.native_side // _CELLS_PER_SIDE)
        while True:
            labels, self._labels, statistics, _ = cv2.connectedComponentsWithStats(_in_cells(part, self._cell), connectivity=8)
            self.count = labels - 1
            if self.count <= _MOST_ISLANDS:
                break
            self._cell *= 2
        self.boxes = [self._box(*row[:4]) for row in statistics[1:].tolist()]

    def inside(self, members: frozenset[int], frame: Frame) -> np.ndarray:
        """Which pixels of the frame are those of the islands `members`, which lie in it."""
        rows = np.clip((np.arange(frame.top, frame.bottom) - self._top) // self._cell, 0, self._labels.shape[0] - 1)
        columns = np.clip((np.arange(frame.left, frame.right) - self._left) // self._cell, 0, self._labels.shape[1] - 1)
        are_mine = np.isin(self._labels, [member + 1 for member in members])
        return self._mask[frame.within] & are_mine[rows[:, None], columns]

    def _box(self, column: int, row: int, columns: int, rows: int) -> Box:
        height, width = self._mask.shape
        left, top = self._left + column * self._cell, self._top + row * self._cell
        return left, top, min(width, left + columns * self._cell), min(height, top + rows * self._cell)


def _in_cells(part: np.ndarray, cell: int) -> np.ndarray:
    """1 for each cell of `cell` x `cell` pixels in which anything is masked, uint8."""
    height, width = part.shape
    padded = np.pad(part, ((0, -height % cell), (0, -width % cell)))
    return np.any(padded.reshape(padded.shape[0] // cell, cell, -1, cell), axis=(1, 3)).astype(np.uint8)


def _framed(box: Box, width: int, height: int, grid: Grid, scale: float) -> Frame:
    left, top, right, bottom = surroundings(box, width, height, grid)
    return Frame(left, top, right, bottom, *model_size(right - left, bottom - top, grid, scale))


@dataclass(frozen=True, slots=True)
class _Group:
    """Islands that share a crop. `members`: their numbers; `box`: around all of them."""

    box: Box
    members: frozenset[int]

    def joined(self, other: _Group) -> _Group:
        one, two = self.box, other.box
        box = min(one[0], two[0]), min(one[1], two[1]), max(one[2], two[2]), max(one[3], two[3])
        return _Group(box, self.members | other.members)


def _grouped(boxes: list[Box], cost: Callable[[Box], float]) -> list[_Group]:
    """The islands in groups: the two groups whose union saves most are joined, until each union would cost more than its parts."""
    groups = [_Group(box, frozenset({number})) for number, box in enumerate(boxes)]
    while len(groups) > 1:
        costs = [cost(group.box) for group in groups]
        pairs = [(one, other) for one in range(len(groups)) for other in range(one)]
        savings = [costs[one] + costs[other] - cost(groups[one].joined(groups[other]).box) for one, other in pairs]
        if max(savings) < 0:
            break
        one, other = pairs[savings.index(max(savings))]
        groups = [*(group for number, group in enumerate(groups) if number not in (one, other)), groups[one].joined(groups[other])]
    return groups
