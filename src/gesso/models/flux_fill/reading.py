"""Reading the inputs: from checked values and files to a Canvas, with the sentences for what cannot be filled.

The order is fixed, because each step is in the pixels of the one before: the picture is resized to width and height, then extended on its
sides, then the mask grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from gesso.models.contract import Emit, InputError
from gesso.models.flux_fill.canvas import Canvas, Margins
from gesso.models.pictures import LIMIT_PIXELS, Picture, read_picture

# Colours of one painted stroke differ this much, of 255, after a browser has multiplied them by their alpha and back.
_SAME_COLOUR = 8
_SAME_ASPECT = 0.01


def read_canvas(inputs: Mapping[str, Any], emit: Emit) -> Canvas:
    """The Canvas of a Task. Errors: InputError."""
    picture = read_picture(inputs["inputImage"])
    drawn = read_picture(inputs["inputImageMask"], "mask")
    for note in (*picture.notes, *drawn.notes):
        emit.warn(note)
    if (drawn.width, drawn.height) != (picture.width, picture.height):
        turned = " once its EXIF rotation is applied" if picture.rotated else ""
        raise InputError(
            f"The mask has {drawn.width} x {drawn.height} pixels and the picture {picture.width} x {picture.height}{turned}: "
            "both must have the same size."
        )
    margins = Margins(inputs["extendLeft"], inputs["extendTop"], inputs["extendRight"], inputs["extendBottom"])
    mask, source = _white(drawn)
    if not mask.any() and margins == Margins():
        raise InputError("The mask is empty: nothing to fill. Paint the part to repaint white; what is less than half white is kept.")
    canvas = _at_asked_size(Canvas.of(picture, mask), inputs["width"], inputs["height"], emit)
    pixels = (canvas.width + margins.left + margins.right) * (canvas.height + margins.top + margins.bottom)
    if pixels > LIMIT_PIXELS:
        raise InputError(
            f"The extended picture would have {pixels / 1e6:.1f} megapixels: at most {LIMIT_PIXELS / 1e6:g} megapixels are taken."
        )
    canvas = canvas.extended(margins).grown(inputs["grow"])
    emit.log(f"Picture {canvas.width} x {canvas.height}; mask from {source}, white = repaint, covers {canvas.mask.mean():.1%} of it.")
    return canvas


def _at_asked_size(canvas: Canvas, width: int, height: int, emit: Emit) -> Canvas:
    """The canvas at the asked width and height; 0 means as the picture, or in its shape where the other one is given."""
    if not width and not height:
        return canvas
    width = width or max(1, round(canvas.width * height / canvas.height))
    height = height or max(1, round(canvas.height * width / canvas.width))
    if width * height > LIMIT_PIXELS:
        raise InputError(f"The picture at {width} x {height} would exceed {LIMIT_PIXELS / 1e6:g} megapixels: give both sides.")
    stretch = width * canvas.height / (height * canvas.width)
    # A side of few pixels cannot keep the shape any better than to one pixel.
    if abs(stretch - 1) > max(_SAME_ASPECT, 1 / min(width, height)):
        emit.warn(
            f"The picture of {canvas.width} x {canvas.height} pixels was stretched to {width} x {height}, as asked. "
            "Give only one of width and height to keep its shape, or neither to keep its size."
        )
    return canvas.resized(width, height)


def _white(drawn: Picture) -> tuple[np.ndarray, str]:
    """What to repaint, [height, width] bool: at least half white; and whether that was read from "luminance" or "alpha"."""
    top = int(np.iinfo(drawn.colour.dtype).max)
    if drawn.alpha is not None and _is_painted_in_alpha(drawn.colour, drawn.alpha):
        return drawn.alpha > top // 2, "alpha"
    level = drawn.colour[..., 0] if drawn.colour.shape[2] == 1 else cv2.cvtColor(drawn.colour, cv2.COLOR_RGB2GRAY)
    if drawn.alpha is not None:
        level = cv2.multiply(level, drawn.alpha, scale=1 / top)
    return level > top // 2, "luminance"


def _is_painted_in_alpha(colour: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether strokes of one colour were painted on a transparent sheet, as mask editors in browsers do."""
    top = int(np.iinfo(alpha.dtype).max)
    visible = colour[alpha > top // 2]
    if alpha.min() == alpha.max() or not visible.size:
        return False
    spread = int((visible.max(axis=0).astype(int) - visible.min(axis=0)).max())
    return spread * 255 <= _SAME_COLOUR * top
