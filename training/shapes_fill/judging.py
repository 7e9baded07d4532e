"""Says what stands in a picture, by classical means: vividness, hue and the outline's geometry. It knows no network and no training data.

A thing is a connected patch of vivid pixels. Its colour is the named hue nearest to its own; its shape follows from how much it fills of
its convex hull and of its bounding box: numbers that follow from what the words mean.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

# Largest minus smallest channel, of 255. Muted backgrounds stay below 0.35 of their brightness.
_VIVID = 100
# Degrees on the circle of colours, of what the words mean here.
_HUES = {"red": 358, "orange": 31, "yellow": 53, "green": 129, "cyan": 185, "blue": 229, "purple": 276, "pink": 326}
_FARTHEST_HUE = 25
_FINER = 4
_LEAST_PIXELS = 40


@dataclass(frozen=True, slots=True)
class Found:
    """`colour` and `shape` are "unclear" where no word fits. `x`, `y`: centre in pixels."""

    colour: str
    shape: str
    x: float
    y: float


def things(picture: np.ndarray, mask: np.ndarray) -> list[Found]:
    """What stands in the masked part of a picture, from left to right, or from above where one stands over the other.

    Shapes: `picture` [height, width, 3] uint8, `mask` [height, width] bool.
    """
    seen = np.where(mask[..., None], picture, 127).astype(np.float32)
    fine = cv2.resize(seen, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    vivid = ((fine.max(axis=2) - fine.min(axis=2)) > _VIVID).astype(np.uint8)
    count, labels, boxes, centres = cv2.connectedComponentsWithStats(vivid)
    found = [
        Found(_colour(fine[labels == label]), _shape((labels == label).astype(np.uint8)), *(centres[label] / _FINER))
        for label in range(1, count)
        if boxes[label, cv2.CC_STAT_AREA] >= _LEAST_PIXELS * _FINER**2
    ]
    across = np.ptp([thing.x for thing in found]) if found else 0
    down = np.ptp([thing.y for thing in found]) if found else 0
    return sorted(found, key=lambda thing: thing.x if across >= down else thing.y)


def _colour(pixels: np.ndarray) -> str:
    hue = colorsys.rgb_to_hsv(*(np.median(pixels, axis=0) / 255))[0] * 360
    distance = {name: abs((hue - named + 180) % 360 - 180) for name, named in _HUES.items()}
    nearest = min(distance, key=distance.__getitem__)
    return nearest if distance[nearest] <= _FARTHEST_HUE else "unclear"


def _shape(patch: np.ndarray) -> str:
    """Of a filled polygon, the share of the hull: 1 if convex, 0.74 for a cross, 0.52 for a star; of the box: 1, 0.79 for a disc, 0.5."""
    outlines, _ = cv2.findContours(patch, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    area = float(patch.sum())
    _, _, width, height = cv2.boundingRect(outline)
    if max(width, height) > 1.5 * min(width, height):
        return "unclear"
    of_hull = area / max(1.0, cv2.contourArea(cv2.convexHull(outline)))
    of_box = area / (width * height)
    if of_hull < 0.4:
        return "unclear"
    if of_hull < 0.7:
        return "star"
    if of_hull < 0.86:
        return "cross"
    if of_box > 0.89:
        return "square"
    if of_box > 0.66:
        return "circle"
    return "triangle" if of_box > 0.42 else "unclear"
