"""Draws what the model learns from: a patterned background, a mask, and in the mask one subject, two or none. 64 x 64 pixels.

Backgrounds are muted and subjects are vivid, so that a subject can always be told from what is around it.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from training.shapes_fill.subjects import COLOURS, OUTLINES, TAUGHT, Subject, chosen, sentence

SIDE = 64
# Of the picture's side, the mask's longest side takes up about so much, for that is how serving frames it.
MASK_SHARE = 0.85
# Of its room, which follows from the mask, a subject takes up so much: what is uncertain to the eye would come out ragged.
_ROOM_SHARE = 0.86
# An ellipse so much larger than the room holds all of it.
_ROUND = 1.36
_FINER = 4
_SHIFT = 4


@dataclass(frozen=True, slots=True)
class Scene:
    """Shapes: `before` and `after` [64, 64, 3] uint8, which differ in the mask only; `mask` [64, 64] bool, true = to be filled."""

    before: np.ndarray
    after: np.ndarray
    mask: np.ndarray
    subjects: tuple[Subject, ...]
    prompt: str


@dataclass(frozen=True, slots=True)
class _Room:
    """The box that a subject is drawn into: its centre and half its side, in pixels."""

    x: float
    y: float
    half: float


def scene(draw: np.random.Generator, subjects: tuple[Subject, ...] | None = None) -> Scene:
    """A scene of the given subjects, or of taught ones by chance."""
    if subjects is None:
        subjects = chosen(draw)
    rooms, mask = _rooms_and_mask(draw, len(subjects))
    before = _background(draw)
    for _ in range(int(draw.integers(0, 3))):
        _place_outside(draw, before, mask)
    after = before.copy()
    # The model never sees it: what stands there now has nothing to do with what is asked for.
    put(before, TAUGHT[int(draw.integers(len(TAUGHT)))], rooms[0].x, rooms[0].y, rooms[0].half, draw)
    before[~mask] = after[~mask]
    for subject, room in zip(subjects, rooms, strict=False):
        put(after, subject, room.x, room.y, room.half * _ROOM_SHARE, draw)
    after[~mask] = before[~mask]
    return Scene(before, after, mask, subjects, sentence(subjects, draw))


def put(picture: np.ndarray, subject: Subject, x: float, y: float, half: float, draw: np.random.Generator) -> None:
    """Paint a subject with smooth edges into a picture [height, width, 3] uint8, around x, y."""
    height, width = picture.shape[:2]
    fine = np.zeros((height * _FINER, width * _FINER), np.uint8)
    corners = (OUTLINES[subject.shape] * half + (x, y)) * _FINER - 0.5
    cv2.fillPoly(fine, [np.rint(corners * 2**_SHIFT).astype(np.int32)], 255, cv2.LINE_8, _SHIFT)
    share = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)[..., None].astype(np.float32) / 255
    colour = np.clip(np.array(COLOURS[subject.colour]) + draw.uniform(-4, 4, 3), 0, 255)
    picture[:] = np.rint(picture * (1 - share) + colour * share).astype(np.uint8)


def _rooms_and_mask(draw: np.random.Generator, count: int) -> tuple[list[_Room], np.ndarray]:
    """A mask framed as serving frames it, and one room in its middle, or two in its halves, side by side or the first above the second.

    The mask is a box, an ellipse around one room, or a box with strokes of a round brush around it.
    """
    kind = str(draw.choice(("box", "longer box", "strokes", "ellipse"), p=(0.5, 0.2, 0.15, 0.15) if count < 2 else (0.55, 0.3, 0.15, 0)))
    axis = int(draw.integers(2))
    # Half the sides of the box around a room, in halves of the room's side.
    reach = np.ones(2)
    if kind == "longer box":
        # Two things may also be asked for in a square: then they stand side by side, each in a half that is twice as high as it is wide.
        along = count < 2 or draw.random() < 0.4
        reach[axis if along else 1 - axis] = draw.uniform(1, 1.4 if along else (2, 1.6)[axis])
    middles = np.zeros((max(1, count), 2))
    if count == 2:
        middles[:, axis] = (-reach[axis], reach[axis])
    low, high = middles.min(axis=0) - reach, middles.max(axis=0) + reach
    dabs = [_dab(draw, low, high) for _ in range(int(draw.integers(2, 6)))] if kind == "strokes" else []
    if kind == "ellipse":
        low, high = low * _ROUND, high * _ROUND
    least = np.min([low, *(dab[:2] - dab[2] for dab in dabs)], axis=0)
    most = np.max([high, *(dab[:2] + dab[2] for dab in dabs)], axis=0)
    scale = SIDE * MASK_SHARE * draw.uniform(0.98, 1.02) / (most - least).max()
    centre = SIDE / 2 + draw.uniform(-0.5, 0.5, 2)
    # At the picture's edge the frame cannot go further, so the mask stands at the edge of the frame.
    centre += (draw.random(2) < 0.1) * draw.choice((-1, 1), 2) * SIDE * (1 - MASK_SHARE) / 2
    start = centre - (least + most) / 2 * scale
    rooms = [_Room(*(start + middle * scale), scale) for middle in middles]
    return rooms, _mask(start + low * scale, start + high * scale, [(*(start + dab[:2] * scale), dab[2] * scale) for dab in dabs], kind)


def _dab(draw: np.random.Generator, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """A dab of the brush on the edge of a box: x, y, radius."""
    place = draw.uniform(low, high)
    axis = int(draw.integers(2))
    place[axis] = (low, high)[int(draw.integers(2))][axis]
    return np.append(place, draw.uniform(0.07, 0.22))


def _mask(low: np.ndarray, high: np.ndarray, dabs: list[tuple[float, float, float]], kind: str) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if kind == "ellipse":
        middle, radii = (low + high) / 2, (high - low) / 2
        cv2.ellipse(mask, np.rint(middle).astype(int).tolist(), np.rint(radii).astype(int).tolist(), 0, 0, 360, 255, -1)
        return mask > 0
    left, top = np.clip(np.rint(low), 0, SIDE - 1).astype(int)
    right, bottom = np.clip(np.rint(high), 1, SIDE).astype(int)
    mask[top:bottom, left:right] = 255
    for x, y, radius in dabs:
        cv2.circle(mask, (round(x), round(y)), round(radius), 255, -1)
    return mask > 0


def _place_outside(draw: np.random.Generator, picture: np.ndarray, mask: np.ndarray) -> None:
    """Put a subject where it does not touch the mask, if a few tries find room for it."""
    for _ in range(4):
        half = draw.uniform(5, 11)
        x, y = draw.uniform(0, SIDE, 2)
        reach = half + 2
        left, top = int(max(0, x - reach)), int(max(0, y - reach))
        if not mask[top : int(y + reach) + 1, left : int(x + reach) + 1].any():
            put(picture, TAUGHT[int(draw.integers(len(TAUGHT)))], x, y, half, draw)
            return


def _muted(draw: np.random.Generator) -> np.ndarray:
    colour = colorsys.hsv_to_rgb(draw.random(), draw.uniform(0, 0.35), draw.uniform(0.12, 1))
    return np.array(colour, np.float32) * 255


def _background(draw: np.random.Generator) -> np.ndarray:
    """[64, 64, 3] uint8 of one of seven kinds of pattern between two muted colours."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    first, second = _muted(draw), _muted(draw)
    kind = int(draw.integers(7))
    angle = draw.uniform(0, np.pi)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    period = draw.uniform(10, 24)
    if kind == 0:
        share = np.zeros((SIDE, SIDE), np.float32)
    elif kind == 1:
        share = (along - along.min()) / (along.max() - along.min())
    elif kind == 2:
        share = np.clip(0.5 + np.sin(2 * np.pi * along / period + draw.uniform(0, 6)) * period / 3, 0, 1)
    elif kind == 3:
        waves = np.sin(2 * np.pi * (columns / period + draw.random())) * np.sin(2 * np.pi * (rows / period + draw.random()))
        share = np.clip(0.5 + waves * period / 3, 0, 1)
    elif kind == 4:
        x, y = (columns + draw.uniform(0, period)) % period, (rows + draw.uniform(0, period)) % period
        share = np.clip(0.5 + period * 0.28 - np.hypot(x - period / 2, y - period / 2), 0, 1)
    elif kind == 5:
        share = cv2.resize(draw.random((4, 4), np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    else:
        coarse = draw.random((int(draw.integers(3, 9)),) * 2 + (1,), np.float32) - draw.uniform(0.4, 0.6, 3).astype(np.float32)
        spread = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) * (40, 32, 40)
        return np.clip(first + spread + draw.normal(0, draw.uniform(0, 3), (SIDE, SIDE, 1)), 0, 255).astype(np.uint8)
    share = np.clip(share, 0, 1)[..., None] * draw.uniform(0.15, 0.7)
    return np.rint(first * (1 - share) + second * share).astype(np.uint8)
