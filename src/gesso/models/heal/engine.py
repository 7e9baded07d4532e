"""The Engine of gesso/heal: inputs -> pixels -> every hole filled in its own crop -> one PNG.

It never writes a pixel outside the mask. Decoding is `gesso.models.pictures`, the mathematics is in `methods` and `patches`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gesso.models.contract import Device, Emit, InputError, MadeWith, Output
from gesso.models.environment import environment
from gesso.models.heal.holes import Hole, find_holes
from gesso.models.heal.methods import FILLS, choose
from gesso.models.pictures import Mask, Picture, read_mask, read_picture, to_png

_MUCH = 0.5


class HealEngine:
    """Needs no weights. One Task at a time; equal inputs give equal pixels."""

    def setup(self, device: Device, weights: Path) -> None:
        cv2.setNumThreads(device.threads)
        self._environment = environment(__file__, ("numpy", "opencv-contrib-python-headless", "pillow", "isal"))
        self._used: dict[str, int] = {}

    def provenance(self) -> MadeWith:
        return MadeWith(self._environment, {"holes by method": self._used})

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        """Fill the white part of `inputImageMask` in `inputImage` by `method`. Errors: InputError of the two files."""
        picture = read_picture(inputs["inputImage"])
        emit.check()
        mask = _judged(read_mask(inputs["inputImageMask"], picture))
        holes = find_holes(mask.white)
        _announce(picture, mask, holes, emit)
        colour, pending = picture.colour.copy(), mask.white.copy()
        used: dict[str, int] = {}
        emit.progress(0, len(holes) + 1)
        for number, hole in enumerate(holes, start=1):
            place = hole.rows, hole.columns
            method = choose(colour[place], hole.inside) if inputs["method"] == "auto" else inputs["method"]
            used[method] = used.get(method, 0) + 1
            known, source = _usable(mask.white[place], pending[place], None if picture.alpha is None else picture.alpha[place])
            crop = _with_guesses(colour[place], ~(known | hole.inside))
            colour[place][hole.inside] = FILLS[method](crop, hole.inside, source, emit.check)[hole.inside]
            pending[place][hole.inside] = False
            emit.progress(number, len(holes) + 1)
        self._used = used
        emit.log("Filled by " + ", ".join(f"{method} ({count})" for method, count in used.items()) + ".")
        png = to_png(replace(picture, colour=colour))
        emit.progress(len(holes) + 1, len(holes) + 1)
        yield Output(png, "png")


def _judged(mask: Mask) -> Mask:
    """Errors: InputError for an empty mask, and for one that leaves nothing."""
    if not mask.white.any():
        raise InputError("The mask is empty: nothing to fill. Paint the part to repaint white.")
    if mask.white.all():
        raise InputError("The mask covers the whole picture: nothing is left to copy from. Paint only the part to repaint white.")
    return mask


def _announce(picture: Picture, mask: Mask, holes: list[Hole], emit: Emit) -> None:
    for note in (*picture.notes, *mask.notes):
        emit.warn(note)
    emit.log(
        f"Filling {100 * mask.coverage:.2g} % of {picture.width} x {picture.height} pixels, {len(holes)} hole{'s' * (len(holes) > 1)}: "
        f"where the mask's {mask.source} is 50 % or more."
    )
    if mask.coverage > _MUCH:
        emit.warn(
            f"The mask covers {100 * mask.coverage:.2g} % of the picture, and only the rest can be copied from. "
            "White is repainted: invert the mask if it was meant the other way round."
        )
    alpha = picture.alpha
    unseen = 0 if alpha is None else sum(not alpha[hole.rows, hole.columns][hole.inside].any() for hole in holes)
    if unseen:
        which = "What is masked" if unseen == len(holes) else f"Of {len(holes)} holes {unseen}"
        emit.warn(
            f"{which} lies where the picture is fully transparent. It was filled, but stays transparent: nothing of it is to be seen."
        )


def _usable(white: np.ndarray, pending: np.ndarray, alpha: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a crop to go by, and those of them to copy from: what was filled before is gone by, but not copied again."""
    known, source = ~pending, ~white
    if alpha is not None and (source & (alpha > 0)).any():
        # What is fully transparent has an arbitrary colour; it is used only where there is nothing else.
        known, source = known & (alpha > 0), source & (alpha > 0)
    return known, source


def _with_guesses(colour: np.ndarray, unusable: np.ndarray) -> np.ndarray:
    """The crop, contiguous, with the colour of the nearest usable pixel in place of each unusable one."""
    if not unusable.any():
        return np.ascontiguousarray(colour)
    _, labels = cv2.distanceTransformWithLabels(unusable.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = labels.astype(np.intp)
    place = np.zeros(nearest.max() + 1, np.intp)
    place[nearest[~unusable]] = np.flatnonzero(~unusable)
    return colour.reshape(unusable.size, -1)[place[nearest]].reshape(colour.shape)
