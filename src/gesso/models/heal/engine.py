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

from gesso.models.contract import Device, Emit, Output
from gesso.models.heal.holes import Hole, find_holes
from gesso.models.heal.methods import FILLS, choose
from gesso.models.pictures import Mask, Picture, read_mask, read_picture, to_png

_MUCH = 0.5


class HealEngine:
    """Needs no weights. One Task at a time; equal inputs give equal pixels."""

    def setup(self, device: Device, weights: Path) -> None:
        cv2.setNumThreads(device.threads)

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        """Fill the white part of `inputImageMask` in `inputImage` by `method`. Errors: InputError of the two files."""
        picture = read_picture(inputs["inputImage"])
        emit.check()
        mask = read_mask(inputs["inputImageMask"], picture)
        holes = find_holes(mask.white)
        _announce(picture, mask, holes, emit)
        colour = picture.colour.copy()
        used: dict[str, int] = {}
        emit.progress(0, len(holes) + 1)
        for number, hole in enumerate(holes, start=1):
            method = choose(hole.inside) if inputs["method"] == "auto" else inputs["method"]
            used[method] = used.get(method, 0) + 1
            crop = colour[hole.rows, hole.columns]
            crop[hole.inside] = _filled(picture, hole, method, emit)[hole.inside]
            emit.progress(number, len(holes) + 1)
        emit.log("Filled by " + ", ".join(f"{method} ({count})" for method, count in used.items()) + ".")
        png = to_png(replace(picture, colour=colour))
        emit.progress(len(holes) + 1, len(holes) + 1)
        yield Output(png, "png")


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


def _filled(picture: Picture, hole: Hole, method: str, emit: Emit) -> np.ndarray:
    """The crop of `hole` with its inside filled. Crops are cut from the picture as it came, so that no hole depends on another."""
    colour = picture.colour[hole.rows, hole.columns]
    source = ~(hole.inside | hole.foreign)
    if picture.alpha is not None:
        visible = source & (picture.alpha[hole.rows, hole.columns] > 0)
        # What is fully transparent has an arbitrary colour; it is used only where there is nothing else.
        source = visible if visible.any() else source
    return FILLS[method](_with_guesses(colour, ~(source | hole.inside)), hole.inside, source, emit.check)


def _with_guesses(colour: np.ndarray, unusable: np.ndarray) -> np.ndarray:
    """A contiguous copy of `colour` in which unusable pixels have the colour of the nearest others."""
    if not unusable.any():
        return np.ascontiguousarray(colour)
    _, labels = cv2.distanceTransformWithLabels(unusable.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = labels.astype(np.intp)
    place = np.zeros(nearest.max() + 1, np.intp)
    place[nearest[~unusable]] = np.flatnonzero(~unusable)
    return colour.reshape(unusable.size, -1)[place[nearest]].reshape(colour.shape)
