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


@dataclass(frozen=True, slots=True)
class Hole:
    """One hole. `rows`, `columns`: the crop around it in the picture. `inside`: [crop height, crop width], bool, the pixels to fill.

    `foreign`: as `inside`, the pixels of other holes that reach into the crop: nothing may be copied from them.
    """

    rows: slice
    columns: slice
    inside: np.ndarray
    foreign: np.ndarray


def find_holes(white: np.ndarray) -> list[Hole]:
    """Cut a mask, [height, width] bool, into holes, topmost first. Every white pixel is in exactly one.

    A crop always holds known pixels unless the whole mask is white: what touches a hole without being part of it is not white.
    """
    height, width = white.shape
    cells = _cells(white)
    count, labels = cv2.connectedComponents(cells, connectivity=8, ltype=cv2.CV_32S)
    boxes = _boxes(labels, count)
    holes = []
    for label, (top, bottom, left, right) in enumerate(boxes, start=1):
        own = np.kron(labels[top:bottom, left:right] == label, np.ones((CELL, CELL), bool))
        rows, columns = slice(top * CELL, min(bottom * CELL, height)), slice(left * CELL, min(right * CELL, width))
        own = own[: rows.stop - rows.start, : columns.stop - columns.start] & white[rows, columns]
        holes.append(_with_context(own, rows.start, columns.start, white))
    return holes


def _cells(white: np.ndarray) -> np.ndarray:
    """[ceil(height/CELL), ceil(width/CELL)] uint8: 1 where a cell holds a white pixel."""
    height, width = white.shape
    rows = np.logical_or.reduceat(white, np.arange(0, height, CELL), axis=0)
    return np.logical_or.reduceat(rows, np.arange(0, width, CELL), axis=1).astype(np.uint8)


def _boxes(labels: np.ndarray, count: int) -> list[tuple[int, int, int, int]]:
    """(top, bottom, left, right) in cells of each label from 1, found in one pass over all cells."""
    rows, columns = np.nonzero(labels)
    owner = labels[rows, columns] - 1
    boxes = np.full((count - 1, 4), (labels.shape[0], 0, labels.shape[1], 0))
    np.minimum.at(boxes[:, 0], owner, rows)
    np.maximum.at(boxes[:, 1], owner, rows + 1)
    np.minimum.at(boxes[:, 2], owner, columns)
    np.maximum.at(boxes[:, 3], owner, columns + 1)
    return [(int(top), int(bottom), int(left), int(right)) for top, bottom, left, right in boxes]


def _with_context(own: np.ndarray, top: int, left: int, white: np.ndarray) -> Hole:
    """Widen the box of `own`, whose corner is at (top, left), by as much as the hole is large, within bounds and the picture."""
    height, width = white.shape
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    first_row, last_row = top + int(rows[0]), top + int(rows[-1]) + 1
    first_column, last_column = left + int(columns[0]), left + int(columns[-1]) + 1
    margin = int(np.clip(max(last_row - first_row, last_column - first_column), _MARGIN_LEAST, _MARGIN_MOST))
    crop_rows = slice(max(0, first_row - margin), min(height, last_row + margin))
    crop_columns = slice(max(0, first_column - margin), min(width, last_column + margin))
    inside = np.zeros((crop_rows.stop - crop_rows.start, crop_columns.stop - crop_columns.start), bool)
    inside[
        first_row - crop_rows.start : last_row - crop_rows.start, first_column - crop_columns.start : last_column - crop_columns.start
    ] = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Hole(crop_rows, crop_columns, inside, white[crop_rows, crop_columns] & ~inside)
