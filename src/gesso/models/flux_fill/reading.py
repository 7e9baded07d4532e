"""Reading the inputs: from checked values and files to a Canvas, with the sentences for what cannot be filled.

The order is fixed, because each step is in the pixels of the one before: the picture is resized to width and height, then extended on its
sides, then the mask grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gesso.models.contract import Emit, InputError
from gesso.models.flux_fill.canvas import Canvas, Margins
from gesso.models.pictures import LIMIT_PIXELS, read_mask, read_picture

_SAME_ASPECT = 0.01


def read_canvas(inputs: Mapping[str, Any], emit: Emit) -> Canvas:
    """The Canvas of a Task. Errors: InputError."""
    picture = read_picture(inputs["inputImage"])
    drawn = read_mask(inputs["inputImageMask"], picture)
    for note in (*picture.notes, *drawn.notes):
        emit.warn(note)
    margins = Margins(inputs["extendLeft"], inputs["extendTop"], inputs["extendRight"], inputs["extendBottom"])
    if not drawn.white.any() and margins == Margins():
        raise InputError("The mask is empty: nothing to fill. Paint the part to repaint white; what is less than half white is kept.")
    canvas = _at_asked_size(Canvas.of(picture, drawn.white), inputs["width"], inputs["height"], emit)
    pixels = (canvas.width + margins.left + margins.right) * (canvas.height + margins.top + margins.bottom)
    if pixels > LIMIT_PIXELS:
        raise InputError(
            f"The extended picture would have {pixels / 1e6:.1f} megapixels: at most {LIMIT_PIXELS / 1e6:g} megapixels are taken."
        )
    canvas = canvas.extended(margins).grown(inputs["grow"])
    covered = np.count_nonzero(canvas.mask) / canvas.mask.size
    emit.log(f"Picture {canvas.width} x {canvas.height}; mask from {drawn.source}, white = repaint, covers {covered:.1%} of it.")
    return canvas


def _at_asked_size(canvas: Canvas, width: int, height: int, emit: Emit) -> Canvas:
    """The canvas at the asked width and height; 0 means as the picture, or in its shape where the other one is given."""
    if not width and not height:
        return canvas
    width = width or max(1, round(canvas.width * height / canvas.height))
    height = height or max(1, round(canvas.height * width / canvas.width))
    if width * height > LIMIT_PIXELS:
        raise InputError(f"The picture at {width} x {height} would exceed {LIMIT_PIXELS / 1e6:g} megapixels: give both sides.")
    # A side of few pixels cannot keep the shape any better than to one pixel.
    if not _is_about(width, height * canvas.width / canvas.height) and not _is_about(height, width * canvas.height / canvas.width):
        emit.warn(
            f"The picture of {canvas.width} x {canvas.height} pixels was stretched to {width} x {height}, as asked. "
            "Give only one of width and height to keep its shape, or neither to keep its size."
        )
    return canvas.resized(width, height)


def _is_about(side: int, wanted: float) -> bool:
    return abs(side - wanted) <= max(1.0, _SAME_ASPECT * wanted)
