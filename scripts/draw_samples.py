"""Draws the sample pictures that the painter offers before anyone has chosen one: three scenes of our own, with something to take away.

Run it from the repository: `python scripts/draw_samples.py` writes src/gesso/web/static/samples, the same pictures each time.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

_WIDTH, _HEIGHT = 1152, 832
_SMALL_WIDTH = 264
_FOLDER = Path(__file__).parents[1] / "src" / "gesso" / "web" / "static" / "samples"
# Shapes are drawn this much larger and shrunk, for smooth edges.
_OVER = 2

Colour = tuple[int, int, int]


class Scene:
    """A picture in the making: float RGB [height, width, 3] in 0..1, painted from back to front."""

    def __init__(self, seed: int) -> None:
        self.pixels = np.zeros((_HEIGHT, _WIDTH, 3), np.float32)
        self.random = np.random.default_rng(seed)
        self.y, self.x = np.mgrid[0:_HEIGHT, 0:_WIDTH].astype(np.float32)

    def lay(self, colour: Colour | np.ndarray, alpha: np.ndarray | float = 1.0) -> None:
        """A colour, or colours [height, width, 3], over what is there."""
        paint = np.asarray(colour, np.float32) / 255 if isinstance(colour, tuple) else colour
        strength = np.asarray(alpha, np.float32)
        if strength.ndim == 2:
            strength = strength[..., None]
        self.pixels = self.pixels * (1 - strength) + paint * strength

    def shade(self, factor: np.ndarray) -> None:
        """Makes places darker or lighter; 1 leaves them."""
        self.pixels = self.pixels * factor[..., None]

    def noise(self, size: float, stretch: float = 1.0) -> np.ndarray:
        """Smooth noise about 0 with spots of `size` pixels, `stretch` times as wide as high."""
        rough = self.random.standard_normal((_HEIGHT, _WIDTH)).astype(np.float32)
        smooth = cv2.GaussianBlur(rough, (0, 0), sigmaX=size * stretch, sigmaY=size)
        return smooth / (smooth.std() + 1e-6)

    def write(self, name: str) -> None:
        grain = self.noise(0.7)[..., None] * 0.012
        corner = 1 - 0.16 * (((self.x / _WIDTH - 0.5) ** 2 + (self.y / _HEIGHT - 0.5) ** 2) * 2)
        picture = np.clip(self.pixels * corner[..., None] + grain, 0, 1)
        levels = cv2.cvtColor((picture * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
        small = cv2.resize(levels, (_SMALL_WIDTH, round(_SMALL_WIDTH * _HEIGHT / _WIDTH)), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(_FOLDER / f"{name}.jpg"), levels, [cv2.IMWRITE_JPEG_QUALITY, 76])
        cv2.imwrite(str(_FOLDER / f"{name}-small.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 80])


def polygon(points: list[tuple[float, float]], blur: float = 0) -> np.ndarray:
    """The inside of a polygon as alpha, its edge blurred over so many pixels."""
    mask = np.zeros((_HEIGHT * _OVER, _WIDTH * _OVER), np.uint8)
    cv2.fillPoly(mask, [np.round(np.array(points) * _OVER).astype(np.int32)], 255, cv2.LINE_AA)
    return _finished(mask, blur)


def ellipse(x: float, y: float, across: float, down: float, angle: float = 0, blur: float = 0) -> np.ndarray:
    """Centre and half axes in pixels."""
    mask = np.zeros((_HEIGHT * _OVER, _WIDTH * _OVER), np.uint8)
    centre, axes = (round(x * _OVER), round(y * _OVER)), (round(across * _OVER), round(down * _OVER))
    cv2.ellipse(mask, centre, axes, angle, 0, 360, 255, -1, cv2.LINE_AA)
    return _finished(mask, blur)


def _finished(mask: np.ndarray, blur: float) -> np.ndarray:
    alpha = cv2.resize(mask, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.GaussianBlur(alpha, (0, 0), blur) if blur else alpha


def blend(low: Colour, high: Colour, share: np.ndarray) -> np.ndarray:
    """Colours between two, by a share [height, width] in 0..1."""
    share = np.clip(share, 0, 1)[..., None]
    return (np.asarray(low, np.float32) * (1 - share) + np.asarray(high, np.float32) * share) / 255


def ball(scene: Scene, x: float, y: float, across: float, down: float, low: Colour, high: Colour) -> None:
    """Something round in light from the upper left, with its shadow on what it stands on."""
    scene.shade(1 - 0.5 * ellipse(x + across * 0.35, y + down * 0.86, across * 1.05, down * 0.3, blur=across * 0.14))
    u, v = (scene.x - x) / across, (scene.y - y) / down
    depth = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
    light = np.clip(-0.5 * u - 0.6 * v + 0.62 * depth, 0, 1)
    scene.lay(blend(low, high, 0.12 + 0.95 * light), ellipse(x, y, across, down))
    scene.lay((255, 252, 236), 0.7 * ellipse(x - across * 0.36, y - down * 0.42, across * 0.16, down * 0.12, -30, blur=across * 0.06))


def window() -> None:
    scene = Scene(1)
    scene.lay(blend((176, 172, 150), (222, 214, 190), scene.x / _WIDTH * 0.4 + 0.5 - scene.y / _HEIGHT * 0.6))
    for left in (150, 430):
        for top in (60, 290):
            pane = [
                (left + top * 0.42, top),
                (left + 215 + top * 0.42, top),
                (left + 300 + top * 0.42, top + 196),
                (left + 84 + top * 0.42, top + 196),
            ]
            scene.lay((255, 242, 204), 0.62 * polygon(pane, blur=6))
    scene.shade(1 + 0.012 * scene.noise(14))
    table = (scene.y > 566).astype(np.float32)
    grain = scene.noise(2.2, 40) + 0.6 * scene.noise(0.8, 60)
    scene.lay(blend((126, 78, 44), (188, 130, 82), 0.5 + 0.13 * grain - (scene.y - 566) / 620), table)
    scene.shade(1 - 0.35 * table * np.exp(-((scene.y - 566) / 14)))
    scene.shade(1 - 0.45 * ellipse(840, 716, 200, 34, blur=16))
    scene.lay(blend((188, 190, 184), (250, 249, 242), (scene.y - 660) / 70), ellipse(820, 692, 188, 46))
    scene.lay(blend((226, 226, 220), (255, 254, 250), (scene.y - 650) / 60), ellipse(820, 686, 150, 33))
    ball(scene, 770, 630, 74, 62, (150, 92, 8), (255, 214, 66))
    ball(scene, 890, 640, 78, 58, (158, 98, 10), (255, 220, 78))
    _mug(scene)
    scene.write("window")


def _mug(scene: Scene) -> None:
    left, right, top, bottom = 300.0, 492.0, 404.0, 664.0
    middle = (left + right) / 2
    scene.shade(1 - 0.55 * ellipse(middle + 64, bottom + 10, 168, 34, blur=18))
    handle = np.clip(ellipse(right + 8, 530, 70, 82) - ellipse(right + 2, 530, 44, 55), 0, 1)
    scene.lay(blend((58, 92, 112), (142, 182, 196), 1.2 - (scene.y - 450) / 190), handle)
    body = np.clip(
        polygon([(left, top), (right, top), (right - 12, bottom - 14), (left + 12, bottom - 14)]) + ellipse(middle, bottom - 16, 84, 22),
        0,
        1,
    )
    u = (scene.x - middle) / (right - middle)
    light = np.clip(0.88 - 0.62 * (u + 0.42) ** 2 + 0.1 * np.exp(-(((u - 0.88) / 0.1) ** 2)), 0, 1)
    scene.lay(blend((44, 78, 98), (168, 206, 216), light), body)
    band = np.clip(1 - np.abs(scene.y - 560 - 12 * np.sqrt(np.clip(1 - u * u, 0, 1))) / 24, 0, 1) > 0
    scene.lay(blend((150, 158, 152), (250, 248, 236), light), body * band)
    scene.lay((198, 222, 226), ellipse(middle, top, 96, 27))
    scene.lay((46, 66, 78), ellipse(middle, top + 2, 87, 21))
    scene.lay(blend((52, 28, 16), (104, 64, 38), (scene.x - left) / 260), ellipse(middle, top + 9, 80, 15))


def wall() -> None:
    scene = Scene(2)
    high, wide = 52, 144
    row = np.floor(scene.y / high)
    along = scene.x + (row % 2) * wide / 2
    brick = row * 1000 + np.floor(along / wide)
    tone = np.sin(brick * 12.9898) * 43758.5453
    tone = tone - np.floor(tone)
    wobble = 1.6 * scene.noise(7)
    edge = np.minimum(np.minimum(scene.y % high, high - scene.y % high), np.minimum(along % wide, wide - along % wide)) + wobble
    face = np.clip((edge - 3.2) / 2.5, 0, 1)
    scene.lay(blend((150, 138, 124), (182, 170, 154), 0.5 + 0.3 * scene.noise(2)))
    scene.lay(blend((112, 52, 38), (186, 104, 76), 0.15 + 0.62 * tone + 0.1 * scene.noise(3) + 0.07 * scene.noise(1)), face)
    scene.shade(1 + 0.09 * face * np.clip((8 - scene.y % high) / 8, 0, 1) - 0.16 * face * np.clip((scene.y % high - high + 10) / 10, 0, 1))
    scene.shade(np.clip(1 + 0.055 * scene.noise(60), 0.7, 1.3) * (1.08 - 0.3 * scene.x / _WIDTH))
    pavement = (scene.y > 742).astype(np.float32)
    scene.lay(blend((92, 92, 90), (128, 127, 122), 0.6 + 0.2 * scene.noise(1.2) - (scene.y - 742) / 220), pavement)
    scene.shade(1 - 0.5 * np.exp(-(((scene.y - 742) / 9) ** 2)))
    sheet = [(470.0, 150.0), (764.0, 158.0), (756.0, 560.0), (462.0, 552.0)]
    scene.shade(1 - 0.45 * polygon([(x + 9, y + 11) for x, y in sheet], blur=7))
    paper = polygon(sheet)
    scene.lay(blend((236, 226, 200), (252, 246, 228), 0.5 + 0.25 * scene.noise(30)), paper)
    scene.lay((208, 66, 42), ellipse(614, 306, 104, 104))
    scene.lay((30, 58, 74), polygon([(472, 388), (560, 300), (622, 372), (684, 318), (760, 396), (758, 440), (470, 432)]))
    for top, wide_ in ((470, 210), (500, 150), (522, 180)):
        scene.lay((40, 44, 44), polygon([(508, top), (508 + wide_, top + 4), (508 + wide_, top + 15), (508, top + 11)]))
    crease = np.exp(-((scene.x - 612 - 0.02 * scene.y) ** 2) / 5) * 0.1
    scene.shade(1 - paper * crease)
    scene.write("wall")


def shore() -> None:
    scene = Scene(3)
    horizon = 388
    scene.lay(blend((108, 160, 200), (250, 226, 196), (scene.y / horizon) ** 1.3))
    cloud = np.clip(scene.noise(26, 4.5) - 0.7, 0, 1) * np.clip(1 - np.abs(scene.y - 170) / 190, 0, 1)
    scene.lay((255, 246, 236), 0.7 * cloud)
    ridge = horizon - 34 - 22 * np.sin(scene.x / 190) - 12 * np.sin(scene.x / 61 + 2)
    scene.lay((132, 152, 168), (scene.y > ridge).astype(np.float32) * 0.8)
    sea = (scene.y > horizon).astype(np.float32)
    near = np.clip((scene.y - horizon) / 230, 0, 1)
    waves = scene.noise(1.3, 16) * (0.25 + 0.75 * near) + 0.5 * scene.noise(3, 12)
    scene.lay(blend((126, 176, 186), (38, 108, 128), near + 0.09 * waves), sea)
    scene.lay((255, 236, 208), 0.5 * sea * np.clip(waves - 1.1, 0, 1) * np.exp(-(((scene.x - 300) / 190) ** 2)))
    line = 612 + 16 * np.sin(scene.x / 170) + 7 * np.sin(scene.x / 47)
    beach = np.clip((scene.y - line) / 3, 0, 1)
    wet = np.clip((scene.y - line) / 70, 0, 1)
    scene.lay(blend((146, 122, 94), (224, 200, 160), 0.1 + 0.8 * wet + 0.06 * scene.noise(0.9) + 0.05 * scene.noise(5, 3)), beach)
    scene.lay((252, 250, 244), np.clip(1 - np.abs(scene.y - line + 2 + 2 * scene.noise(4, 3)) / 7, 0, 1) * 0.85)
    _boat(scene)
    for x, y, size in ((210, 744, 26), (262, 762, 17), (964, 700, 20)):
        ball(scene, x, y, size * 1.5, size, (74, 70, 66), (178, 172, 164))
    scene.write("shore")


def _boat(scene: Scene) -> None:
    scene.shade(1 - 0.5 * ellipse(640, 706, 218, 20, blur=10))
    hull = [(424.0, 588.0), (520.0, 616.0), (680.0, 620.0), (846.0, 576.0), (792.0, 680.0), (742.0, 704.0), (540.0, 706.0), (478.0, 682.0)]
    inside = [(424.0, 588.0), (540.0, 572.0), (720.0, 566.0), (846.0, 576.0), (680.0, 620.0), (520.0, 616.0)]
    scene.lay(blend((88, 60, 40), (142, 102, 68), (scene.y - 560) / 60), polygon(inside))
    for x in (560, 668):
        scene.lay((190, 150, 104), polygon([(x, 574), (x + 34, 573), (x + 26, 616), (x - 10, 617)]))
    planks = 0.5 + 0.06 * np.sin(scene.y / 4.4) + 0.06 * scene.noise(2, 12)
    scene.lay(blend((150, 34, 30), (214, 74, 58), planks + (640 - scene.y) / 160), polygon(hull))
    scene.lay((246, 240, 226), polygon([(424, 588), (520, 616), (680, 620), (846, 576), (841, 587), (682, 633), (520, 629), (430, 600)]))
    scene.lay((212, 184, 138), polygon([(500, 548), (512, 544), (770, 640), (764, 648)]))


def main() -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    window()
    wall()
    shore()


if __name__ == "__main__":
    main()
