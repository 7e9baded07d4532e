"""The canvas: a picture and its mask on the way to the model and back. Pure geometry on arrays; no file, no model.

It keeps the promise that not a pixel outside the mask changes: `paste` writes only where the mask is true, and blends inside its edge.
The mask is the one that the client drew, unless they asked for it to grow. What the model sees may be cropped and scaled; what comes back
has the picture's own size, depth and opacity. Of what is masked nothing is shown to it, not even what scaling would carry over the edge.

A picture may have 100 megapixels, so whatever takes more than its own bytes is done in strips of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image

from gesso.models.flux_fill.framing import Frame, bounds
from gesso.models.pictures import Picture

_STRIP_ROWS = 256


@dataclass(frozen=True, slots=True)
class Margins:
    """Pixels by which a picture is extended on each side."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture to be filled where its mask is true.

    `picture`: `colour` has 3 channels; made by `of`.    Shapes: `mask` [height, width] bool, of the picture's size.
    """

    picture: Picture
    mask: np.ndarray

    @classmethod
    def of(cls, picture: Picture, mask: np.ndarray) -> Canvas:
        """A grey picture becomes RGB, because the model may paint colours into it; a profile of grey then no longer fits."""
        if picture.colour.shape[2] == 1:
            picture = replace(picture, colour=np.repeat(picture.colour, 3, axis=2), icc=None)
        return cls(picture, mask)

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def height(self) -> int:
        return self.picture.height

    def resized(self, width: int, height: int) -> Canvas:
        """The canvas at another size, stretched where the aspect differs. What is masked stays so, however small it becomes.

        What was under the mask is gone then: at its edge it would have coloured pixels that are kept.
        """
        if (width, height) == (self.width, self.height):
            return self
        stride = max(1, min(self.width // width, self.height // height))
        colour, alpha = self.picture.colour.copy(), self.picture.alpha
        cover(colour, self.mask, stride)
        channels = [_resized_channel(colour[..., channel], width, height) for channel in range(3)]
        if alpha is not None:
            alpha = alpha.copy()
            cover(alpha, self.mask, stride)
            alpha = _resized_channel(alpha, width, height)
        return Canvas(replace(self.picture, colour=np.dstack(channels), alpha=alpha), _resized_mask(self.mask, width, height))

    def extended(self, margins: Margins) -> Canvas:
        """The canvas with new area on its sides, all of it masked. The edge's colours go on in it, so that blending starts from them."""
        if margins == Margins():
            return self
        sides = ((margins.top, margins.bottom), (margins.left, margins.right))
        colour, alpha = self.picture.colour, self.picture.alpha
        alpha = None if alpha is None else np.pad(alpha, sides, mode="edge")
        picture = replace(self.picture, colour=np.pad(colour, (*sides, (0, 0)), mode="edge"), alpha=alpha)
        return Canvas(picture, np.pad(self.mask, sides, constant_values=True))

    def grown(self, pixels: int) -> Canvas:
        """The canvas with its mask larger by `pixels` in every direction, rounded as by a disc."""
        if pixels == 0 or not self.mask.any() or self.mask.all():
            return self
        distance = cv2.distanceTransform((~self.mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return replace(self, mask=distance <= pixels)

    def view(self, frame: Frame) -> tuple[Image.Image, Image.Image]:
        """What the model is shown: the picture (RGB) and the mask (L, 0 or 255, white = repaint), both in the frame's model size.

        A pixel of the view is masked when any masked pixel of the picture falls into it: the model must not see what is to be replaced. The
        others are made of known pixels alone: before scaling, which takes from beyond the edge, the masked part is painted over.
        """
        size = frame.model_width, frame.model_height
        hole = self.mask[frame.within]
        picture = np.empty((frame.height, frame.width, 3), np.uint8)
        for start in range(0, frame.height, _STRIP_ROWS):
            end = min(frame.height, start + _STRIP_ROWS)
            flat = self._flat(slice(frame.top + start, frame.top + end), slice(frame.left, frame.right))
            if flat.dtype != np.uint8:
                flat = np.rint(flat * np.float32(255 / np.iinfo(self.picture.colour.dtype).max))
            picture[start:end] = flat
        cover(picture, hole, max(1, min(frame.width // frame.model_width, frame.height // frame.model_height)))
        mask = _resized_mask(hole, *size).astype(np.uint8) * 255
        return Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS), Image.fromarray(mask)

    def paste(self, answer: np.ndarray, frame: Frame, feather: int, inside: np.ndarray | None = None) -> Picture:
        """The whole picture with the model's answer inside the mask.

        Shapes: `answer` [model height, model width, 3] float, 0 to 1; `inside` [frame height, frame width] bool, the part of the mask that
        is painted now, all of it if None.    Units: `feather` in pixels of the picture.
        What was painted becomes opaque. Pixels outside the mask are copied, hidden colours of transparent ones included.
        """
        inside = self.mask[frame.within] if inside is None else inside
        colour, alpha = self.picture.colour.copy(), None if self.picture.alpha is None else self.picture.alpha.copy()
        if not inside.any():
            return replace(self.picture, colour=colour, alpha=alpha)
        most = np.iinfo(colour.dtype).max
        # How the mask is blended shows from so far.
        margin = 2 * feather + 2
        left, top, right, bottom = bounds(inside)
        across = slice(max(0, left - 1), min(frame.width, right + 1))
        columns = slice(frame.left + across.start, frame.left + across.stop)
        painting = _Painting(answer, frame, across, colour.dtype)
        step = max(_STRIP_ROWS, margin)
        for start in range(top, bottom, step):
            end = min(bottom, start + step)
            above = max(0, start - margin)
            share = blend_share(inside[above : end + margin, across], feather)[start - above : end - above]
            here, rows = inside[start:end, across], slice(frame.top + start, frame.top + end)
            mixed = _mixed(self._flat(rows, columns), painting.rows(start, end), cv2.merge([share] * 3))
            _put(colour[rows, columns], np.rint(mixed).astype(colour.dtype), here)
            if alpha is not None:
                opaque = np.rint(_mixed(alpha[rows, columns], most, share)).astype(alpha.dtype)
                _put(alpha[rows, columns], opaque, here)
        return replace(self.picture, colour=colour, alpha=alpha)

    def _flat(self, rows: slice, columns: slice) -> np.ndarray:
        """The colours there, [height, width, 3], on white where the picture is transparent: what is hidden there may be anything."""
        colour = self.picture.colour[rows, columns]
        if self.picture.alpha is None:
            return colour
        top = np.float32(np.iinfo(colour.dtype).max)
        return _mixed(top, colour, (self.picture.alpha[rows, columns] / top)[..., None])


class _Painting:
    """The model's answer at the size of its frame, in levels of `kind`: some columns of it, and their rows where they are asked for."""

    def __init__(self, answer: np.ndarray, frame: Frame, columns: slice, kind: np.dtype) -> None:
        self._frame, self._top = frame, np.float32(np.iinfo(kind).max)
        # Pillow resizes colour in bytes only; those would leave 256 levels of the 65536 that a deep picture has.
        if kind == np.uint8:
            images = [Image.fromarray(np.rint(answer * 255.0).astype(np.uint8))]
        else:
            images = [Image.fromarray(np.ascontiguousarray(answer[..., channel], np.float32)) for channel in range(3)]
        # Across first and all at once: Pillow takes the order that is quicker for a part, and rounds between.
        box = _scaled(columns, frame.width, frame.model_width)
        size = columns.stop - columns.start, frame.model_height
        self._images = [image.resize(size, Image.Resampling.LANCZOS, (box[0], 0, box[1], frame.model_height)) for image in images]

    def rows(self, start: int, end: int) -> np.ndarray:
        """`end` lies outside. Shape: [rows, columns, 3]."""
        # Pillow looks beyond the box for what it averages, so parts meet as if they had been made at once.
        above, below = _scaled(slice(start, end), self._frame.height, self._frame.model_height)
        width = self._images[0].width
        parts = [
            np.asarray(image.resize((width, end - start), Image.Resampling.LANCZOS, (0, above, width, below))) for image in self._images
        ]
        return parts[0] if len(parts) == 1 else np.clip(cv2.merge(parts), 0, 1) * self._top


def _scaled(part: slice, length: int, model_length: int) -> tuple[float, float]:
    """Where a part of a side of the frame lies on that side as the model sees it."""
    return part.start * model_length / length, part.stop * model_length / length


def cover(colour: np.ndarray, hole: np.ndarray, stride: int) -> None:
    """Write over what is in the hole: each of its pixels takes the colour of a known one that is near. Black where nothing is known.

    Shapes: `colour` [height, width] or [height, width, 3]; `hole` [height, width] bool. `stride`: of so many pixels in a row one is looked
    at, for pictures that are shown that much smaller anyway.
    """
    if hole.all():
        colour[...] = 0
    if hole.all() or not hole.any():
        return
    left, top, right, bottom = bounds(hole)
    # What is nearest to a hole touches it, so no more than that is looked at.
    near = slice(max(0, top - stride), bottom + stride), slice(max(0, left - stride), right + stride)
    part, inside = colour[near], hole[near]
    seen, unknown = part[::stride, ::stride], inside[::stride, ::stride]
    if unknown.all():
        cover(colour, hole, stride // 2)
        return
    _, labels = cv2.distanceTransformWithLabels(unknown.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = labels.astype(np.intp)
    known = np.zeros((nearest.max() + 1, *colour.shape[2:]), colour.dtype)
    known[nearest[~unknown]] = seen[~unknown]
    rows = stride * max(1, _STRIP_ROWS // stride)
    for start in range(0, len(part), rows):
        cells = known[nearest[start // stride : (start + rows) // stride]].repeat(stride, axis=0).repeat(stride, axis=1)
        strip = part[start : start + rows]
        _put(strip, cells[: strip.shape[0], : strip.shape[1]], inside[start : start + rows])


def blend_share(mask: np.ndarray, feather: int) -> np.ndarray:
    """How much of the model's answer each pixel takes: 0 outside the mask, rising inside its edge, 1 from `feather` pixels inwards.

    Shapes: `mask` [height, width] bool -> [height, width] float32.
    Where the mask is thinner than twice the feather the rise is steeper, so that the middle of a thin stroke is still painted fully. The
    border of the array is no edge: there is nothing beyond it to blend with.
    """
    if feather == 0 or mask.all():
        return mask.astype(np.float32)
    shares = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return shares
    # What is not masked is seen from inside within a pixel of the mask's bounds, so nothing beyond them has to be looked at.
    left, top, right, bottom = bounds(mask)
    near = slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1)
    depth = cv2.distanceTransform(mask[near].astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    deepest_near = cv2.dilate(depth, np.ones((2 * feather + 1, 2 * feather + 1), np.uint8))
    reach = np.minimum(np.float32(feather + 1), np.maximum(deepest_near, np.float32(1)))
    shares[near] = np.minimum(np.float32(1), depth / reach)
    return shares


def _put(target: np.ndarray, values: np.ndarray, where: np.ndarray) -> None:
    """Write in place where it is true. Many times faster than numpy's, which looks at the mask for each channel."""
    cv2.copyTo(values, where.view(np.uint8), target)


def _mixed(kept: np.ndarray | np.floating, painted: np.ndarray | int, share: np.ndarray) -> np.ndarray:
    return kept * (1 - share) + painted * share


def _resized_channel(channel: np.ndarray, width: int, height: int) -> np.ndarray:
    # In floating point, because Pillow resizes no 16-bit colour.
    image = Image.fromarray(channel.astype(np.float32)).resize((width, height), Image.Resampling.LANCZOS)
    return np.rint(np.clip(np.asarray(image), 0, np.iinfo(channel.dtype).max)).astype(channel.dtype)


def _resized_mask(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """A pixel is true where any of those that fall into it is: their middles do. Counted in integers, for one on a line belongs to one."""
    for axis, length in enumerate((height, width)):
        before = mask.shape[axis]
        if length < before:
            cells = (2 * np.arange(before) + 1) * length // (2 * before)
            mask = np.logical_or.reduceat(mask, np.searchsorted(cells, np.arange(length)), axis=axis)
        else:
            mask = mask.take((2 * np.arange(length) + 1) * before // (2 * length), axis=axis)
    return mask
