"""The first part of the demo: two masts are taken out of the photograph of a rocket on its pad.

The photograph ships with scikit-image (SpaceX, CC0).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from PIL import Image, ImageDraw

from booth import Work

# The outlines of the two lightning masts beside the rocket, a little wider than they are.
MASTS = (
    ((184, 108), (209, 108), (219, 416), (163, 416)),
    ((430, 108), (463, 108), (482, 414), (422, 416)),
)


def draw_masts(out: Path) -> Work:
    """The photograph as PNG, and its mask: white is repainted."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("The photographs of scikit-image are missing: pip install 'gesso[demo]'")
    photo, mask = out / "before.png", out / "mask.png"
    with Image.open(Path(spec.origin).parent / "data" / "rocket.jpg") as source:
        source.convert("RGB").save(photo)
        drawn = Image.new("L", source.size, 0)
    for outline in MASTS:
        ImageDraw.Draw(drawn).polygon(outline, fill=255)
    drawn.save(mask)
    return Work("gesso/heal", photo, mask, out / "after.png")
