"""Holes: the separate parts of a mask, each with the crop of the picture that is worth looking at to fill it.

Pure geometry on masks; knows no filling method.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Labelling happens on cells of this many pixels a side: cheap on a photograph of 12 megapixels, and it joins holes that are this near.
CELL = 16
_MARGIN_LEAST, _MARGIN_MOST = 48, 256
_MARGIN_PER_DEPTH = 2
# A hole wider than this many cells, and nowhere deeper than this many pixels, is a scratch: it is cut into tiles of that many cells, since
# its crop would be most of the picture. The depth is less than the least margin, so that each tile sees known pixels.
_TILE, _SHALLOW = 24, 32

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Hole:
    """One hole. `rows`, `columns`: the crop around it in the picture. `inside`: [crop height, crop width], bool, the pixels to fill.

    Other holes may reach into the crop.
    """

    rows: slice
    columns: slice
    inside: np.ndarray


def find_holes(white: np.ndarray) -> list[Hole]:
    """Cut a mask, [height, width] bool, into holes. Every white pixel is in exactly one.

    A crop always holds pixels that are not white, unless the whole mask is: what touches a hole without being part of it is not white.
    """
    cells = _cells(white)
    count, labels = cv2.connectedComponents(cells, connectivity=8, ltype=cv2.CV_32S)
    holes = []
    for label, box in enumerate(_boxes(labels, count), start=1):
        own = _pixels(labels, label, box, white)
        if max(box[1] - box[0], box[3] - box[2]) > _TILE and depth(own) < _SHALLOW:
            parts = [(_pixels(labels, label, tile, white), tile) for tile in _tiles(box)]
        else:
            parts = [(own, box)]
        holes += [_with_context(part, top * CELL, left * CELL, white.shape) for part, (top, _, left, _) in parts if part.any()]
    return holes


def depth(inside: np.ndarray) -> float:
    """How far the deepest pixel of a hole is from known ones, in pixels; what lies beyond the crop counts as unknown."""
    deepest = float(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max())
    # OpenCV's last bits differ from call to call.
    return round(deepest, 3)


def _cells(white: np.ndarray) -> np.ndarray:
    """[ceil(height/CELL), ceil(width/CELL)] uint8: 1 where a cell holds a white pixel."""
    height, width = white.shape
    rows = np.logical_or.reduceat(white, np.arange(0, height, CELL), axis=0)
    return np.logical_or.reduceat(rows, np.arange(0, width, CELL), axis=1).astype(np.uint8)


def _boxes(labels: np.ndarray, count: int) -> list[Box]:
    """(top, bottom, left, right) in cells of each label from 1, found in one pass over all cells."""
    rows, columns = np.nonzero(labels)
    owner = labels[rows, columns] - 1
    boxes = np.full((count - 1, 4), (labels.shape[0], 0, labels.shape[1], 0))
    np.minimum.at(boxes[:, 0], owner, rows)
    np.maximum.at(boxes[:, 1], owner, rows + 1)
    np.minimum.at(boxes[:, 2], owner, columns)
    np.maximum.at(boxes[:, 3], owner, columns + 1)
    return [(int(top), int(bottom), int(left), int(right)) for top, bottom, left, right in boxes]


def _tiles(box: Box) -> list[Box]:
    top, bottom, left, right = box
    return [
        (row, min(row + _TILE, bottom), column, min(column + _TILE, right))
        for row in range(top, bottom, _TILE)
        for column in range(left, right, _TILE)
    ]


def _pixels(labels: np.ndarray, label: int, box: Box, white: np.ndarray) -> np.ndarray:
    """The white pixels of `label` in a box of cells, as a bool picture of the box."""
    top, bottom, left, right = box
    part = white[top * CELL : bottom * CELL, left * CELL : right * CELL]
    own = (labels[top:bottom, left:right] == label).repeat(CELL, axis=0).repeat(CELL, axis=1)
    return own[: part.shape[0], : part.shape[1]] & part


def _with_context(own: np.ndarray, top: int, left: int, shape: tuple[int, ...]) -> Hole:
    """Widen the box of `own`, whose corner is at (top, left), in proportion to its depth, within bounds and the picture."""
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    tight = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    first_row, first_column = top + int(rows[0]), left + int(columns[0])
    # A hole that fills its box has no known pixel to be far from, unless the box is widened first.
    margin = int(np.clip(_MARGIN_PER_DEPTH * depth(np.pad(tight, 1)), _MARGIN_LEAST, _MARGIN_MOST))
    above, before = min(margin, first_row), min(margin, first_column)
    below = min(margin, shape[0] - first_row - tight.shape[0])
    behind = min(margin, shape[1] - first_column - tight.shape[1])
    inside = np.pad(tight, ((above, below), (before, behind)))
    crop_top, crop_left = first_row - above, first_column - before
    return Hole(slice(crop_top, crop_top + inside.shape[0]), slice(crop_left, crop_left + inside.shape[1]), inside)
