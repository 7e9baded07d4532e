"""Makes the pictures of the first page and of the list of models: what gesso/heal itself makes of the samples that the painter offers, and
what gesso/shapes-fill draws when it is asked for one thing after the other.

python docs/make_covers.py
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from gesso.models.contract import Device, InputFile
from gesso.models.heal.engine import HealEngine
from gesso.models.shapes_fill.engine import ShapesFillEngine
from gesso.models.shapes_fill.model import MODEL as SHAPES

STATIC = Path(__file__).parents[1] / "src" / "gesso" / "web" / "static"
WIDE, COVER = (1152, 832), (576, 384)
# What is taken out of each sample: left, top, right, bottom.
BOAT, POSTER, CUP = (395, 500, 880, 770), (440, 140, 790, 590), (265, 360, 610, 720)
MASK = (232, 67, 42)
# What is asked for, row by row.
THINGS = (
    ("red circle", "yellow star", "blue square", "green triangle"),
    ("purple cross", "orange circle", "pink star", "cyan square"),
)
THING_PX, SEED = 112, 6
HATCH_PX = 14


class Quiet:
    """An `emit` that nobody listens to."""

    def check(self) -> None:
        """Never stopped."""

    def progress(self, step: int, total: int) -> None:
        """Not shown."""

    def log(self, text: str) -> None:
        """Not shown."""

    warn = log


def sample(name: str) -> Image.Image:
    return Image.open(STATIC / "samples" / f"{name}.jpg").convert("RGB")


def without(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The picture healed inside the box."""
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("picture.png", "mask.png", "after.png")]
        picture.save(paths[0])
        mask.save(paths[1])
        files = [InputFile(path, path.name, "image/png") for path in paths[:2]]
        engine = HealEngine()
        engine.setup(Device("cpu", 2**30, 1), Path(folder))
        inputs = {"inputImage": files[0], "inputImageMask": files[1], "method": "auto"}
        paths[2].write_bytes(next(engine.run(inputs, Quiet())).data)  # type: ignore[arg-type]
        return Image.open(paths[2]).convert("RGB")


def drawn() -> Image.Image:
    """The things, each drawn into a mask of its own on a quiet wall."""
    shade = np.linspace(0, 1, COVER[0])[None, :, None] * np.linspace(0.4, 1, COVER[1])[:, None, None]
    picture = Image.fromarray((np.array((226, 221, 210)) - shade * 44).round().astype(np.uint8))
    engine = ShapesFillEngine()
    with tempfile.TemporaryDirectory() as folder:
        engine.setup(Device("cpu", 2**33, 1), Path(folder))
        for row, names in enumerate(THINGS):
            for column, name in enumerate(names):
                x, y = (2 * column + 1) * COVER[0] // 8, (4 * row + 3) * COVER[1] // 10
                half = THING_PX // 2
                mask = Image.new("L", picture.size)
                ImageDraw.Draw(mask).rectangle((x - half, y - half, x + half - 1, y + half - 1), fill=255)
                files = {"inputImage": picture, "inputImageMask": mask}
                inputs = SHAPES.check({"prompt": f"a {name}", "seed": SEED}, dict.fromkeys(files, 1))
                for parameter, content in files.items():
                    content.save(path := Path(folder) / f"{parameter}.png")
                    inputs[parameter] = InputFile(path, path.name, "image/png")
                picture = Image.open(io.BytesIO(next(engine.run(inputs, Quiet())).data)).convert("RGB")  # type: ignore[arg-type]
    return picture


def split(before: Image.Image, after: Image.Image) -> Image.Image:
    """The left half of one beside the right half of the other."""
    joined, middle = before.copy(), before.width // 2
    joined.paste(after.crop((middle, 0, after.width, after.height)), (middle, 0))
    ImageDraw.Draw(joined).rectangle((middle - 3, 0, middle + 2, before.height), fill="white")
    return joined


def masked(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The picture with a mask on it, as the painter shows one."""
    pixels = np.asarray(picture).astype(float)
    rows, columns = np.mgrid[: picture.height, : picture.width]
    left, top, right, bottom = box
    across, down = (columns - (left + right) / 2) / ((right - left) / 2), (rows - (top + bottom) / 2) / ((bottom - top) / 2)
    inside = across**4 + down**4 < 1
    hatched = inside & ((rows + columns) % HATCH_PX < 2)
    pixels[inside] = 0.5 * pixels[inside] + 0.5 * np.array(MASK)
    pixels[hatched] = 0.4 * pixels[hatched] + 0.6 * 255
    return Image.fromarray(pixels.astype(np.uint8))


def cover(picture: Image.Image, name: str) -> None:
    height = picture.width * COVER[1] // COVER[0]
    top = (picture.height - height) // 2
    path = STATIC / "covers" / f"{name}.webp"
    path.parent.mkdir(exist_ok=True)
    picture.crop((0, top, picture.width, top + height)).resize(COVER, Image.Resampling.LANCZOS).save(path, quality=80)


def main() -> None:
    (STATIC / "home").mkdir(exist_ok=True)
    shore, wall = sample("shore"), sample("wall")
    for name, picture in (("before", shore), ("after", without(shore, BOAT))):
        picture.save(STATIC / "home" / f"{name}.webp", quality=82)
    cover(split(wall, without(wall, POSTER)), "gesso-heal")
    cover(masked(sample("window"), CUP), "black-forest-labs-flux-1-fill-dev")
    cover(drawn(), "gesso-shapes-fill")


if __name__ == "__main__":
    main()
