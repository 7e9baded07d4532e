"""The second part of the demo: pictures are painted into the empty frames of a drawn wall, each from a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from booth import Work

MODEL = "gesso/shapes-fill"
SIZE = 540, 200
WALL, STRIPE, WOOD, CANVAS = (121, 134, 132), (112, 125, 124), (74, 58, 46), (226, 219, 205)
# Left, top, right, bottom of the frames, and what comes into them.
FRAMES = (
    ((30, 30, 170, 170), "a red circle"),
    ((200, 30, 340, 170), "a green triangle"),
    ((370, 30, 510, 170), "a blue square"),
)
WOOD_PX, MARGIN_PX = 7, 24


def draw_wall(out: Path) -> tuple[Path, Path]:
    """The wall with its empty frames, and the mask of all that is to be painted."""
    wall, white = Image.new("RGB", SIZE, WALL), Image.new("L", SIZE, 0)
    pen = ImageDraw.Draw(wall)
    for x in range(0, SIZE[0], 24):
        pen.rectangle((x, 0, x + 11, SIZE[1]), fill=STRIPE)
    for frame, _ in FRAMES:
        pen.rectangle(frame, fill=WOOD)
        pen.rectangle(_inside(frame, WOOD_PX), fill=CANVAS)
        ImageDraw.Draw(white).rectangle(_inside(frame, MARGIN_PX), fill=255)
    wall.save(out / "wall.png")
    white.save(out / "wall-mask.png")
    return out / "wall.png", out / "wall-mask.png"


def paintings(out: Path) -> Iterator[Work]:
    """One task for each frame. Each begins with what the one before it made; the last one's picture has all of them."""
    before = out / "wall.png"
    for number, (frame, sentence) in enumerate(FRAMES, 1):
        mask = out / f"wall-mask-{number}.png"
        white = Image.new("L", SIZE, 0)
        ImageDraw.Draw(white).rectangle(_inside(frame, MARGIN_PX), fill=255)
        white.save(mask)
        after = out / f"wall-{number}.png"
        yield Work(MODEL, before, mask, after, (("prompt", sentence), ("seed", "1")))
        before = after


def _inside(frame: tuple[int, int, int, int], by: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = frame
    return left + by, top + by, right - by, bottom - by
