"""How much two pictures differ, for who wants to know whether the same came of a Task again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True, slots=True)
class Difference:
    """`share`: of the pixels that differ, 0 to 1. `mean`, `most`: how much they differ in any channel, of 1 from black to white."""

    share: float
    mean: float
    most: float

    @property
    def is_none(self) -> bool:
        return self.share == 0


def difference(one: Path, other: Path) -> Difference | None:
    """How the pixels of two files differ; None where they cannot be compared: no pictures, or of another size or kind."""
    before, after = _pixels(one), _pixels(other)
    if before is None or after is None or before.shape != after.shape or before.dtype != after.dtype:
        return None
    levels = np.abs(before.astype(np.int32) - after) / np.iinfo(before.dtype).max
    levels = levels.max(axis=-1) if levels.ndim == 3 else levels
    return Difference(float(np.count_nonzero(levels) / levels.size), float(levels.mean()), float(levels.max()))


def _pixels(path: Path) -> np.ndarray | None:
    try:
        data = np.fromfile(path, np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except (OSError, cv2.error):
        return None
    return pixels if pixels is not None and np.issubdtype(pixels.dtype, np.integer) else None
