"""Odd pictures, masks and values, through the whole Engine: each is served exactly, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from flux_builders import Voice, box_mask, changed, make_inputs, noise, pixels_of
from PIL import Image

from gesso.models.contract import InputError, InputFile
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.pictures import read_picture

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 90, 70
PICTURE = noise(WIDTH, HEIGHT)
MASK = box_mask(WIDTH, HEIGHT, 20, 20, 50, 45)


def drawn(engine: FluxFillEngine, folder: Path, picture: np.ndarray, mask: np.ndarray, **values: Any) -> np.ndarray:
    (output,) = engine.run(make_inputs(folder, picture, mask, steps=1, **values), Voice())
    return pixels_of(output)


def served(engine: FluxFillEngine, folder: Path, file: InputFile, voice: Voice | None = None) -> None:
    """The file's own decoded pixels come back wherever nothing is masked, in the size and depth they had."""
    before = Canvas.of(read_picture(file), MASK).picture
    inputs = make_inputs(folder, PICTURE, MASK, steps=1) | {"inputImage": file}
    (output,) = engine.run(inputs, voice or Voice())
    (folder / "output.png").write_bytes(output.data)
    after = read_picture(InputFile(folder / "output.png", "output.png", "image/png"))
    assert after.colour.dtype == before.colour.dtype
    assert np.array_equal(after.colour[~MASK], before.colour[~MASK])
    assert not np.array_equal(after.colour[MASK], before.colour[MASK])
    assert (after.alpha is None) == (before.alpha is None)
    if before.alpha is not None and after.alpha is not None:
        assert np.array_equal(after.alpha[~MASK], before.alpha[~MASK])


def stored(folder: Path, name: str, image: Image.Image, **options: Any) -> InputFile:
    image.save(folder / name, **options)
    return InputFile(folder / name, name, "image/any")


def test_a_picture_of_one_pixel(engine: FluxFillEngine, tmp_path: Path) -> None:
    assert drawn(engine, tmp_path, noise(1, 1), np.ones((1, 1), bool)).shape == (1, 1, 3)
    assert drawn(engine, tmp_path, noise(1, 1), np.zeros((1, 1), bool), extendRight=2).shape == (1, 3, 3)


@pytest.mark.parametrize("size", [(1, 300), (300, 1), (2, 2)])
def test_a_picture_of_a_line(engine: FluxFillEngine, tmp_path: Path, size: tuple[int, int]) -> None:
    picture, mask = noise(*size), np.zeros(size[::-1], bool)
    mask[-1, -1] = True
    difference = changed(picture, drawn(engine, tmp_path, picture, mask))
    assert not difference[~mask].any()


def test_a_picture_of_a_hundred_megapixels(engine: FluxFillEngine, tmp_path: Path) -> None:
    grey = np.zeros((8_000, 12_500), np.uint8)
    mask = grey.copy()
    mask[4_000:4_050, 6_000:6_050] = 255
    for name, pixels in (("picture.png", grey), ("mask.png", mask)):
        cv2.imwrite(str(tmp_path / name), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    files = {name: InputFile(tmp_path / f"{kind}.png", kind, "image/png") for name, kind in FILES.items()}
    (output,) = engine.run(make_inputs(tmp_path / "small", PICTURE, MASK, steps=1) | files, Voice())
    after = cv2.imdecode(np.frombuffer(output.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert after.shape == (8_000, 12_500, 3)
    assert after[4_000:4_050, 6_000:6_050].any()
    after[4_000:4_050, 6_000:6_050] = 0
    assert not after.any()


FILES = {"inputImage": "picture", "inputImageMask": "mask"}


@pytest.fixture(autouse=True)
def small(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()


def test_a_mask_of_all_is_served_and_one_of_nothing_refused(engine: FluxFillEngine, tmp_path: Path) -> None:
    assert changed(PICTURE, drawn(engine, tmp_path, PICTURE, np.ones((HEIGHT, WIDTH), bool))).any()
    with pytest.raises(InputError, match="The mask is empty: nothing to fill"):
        drawn(engine, tmp_path, PICTURE, np.zeros((HEIGHT, WIDTH), bool))


@pytest.mark.parametrize(
    "mask",
    [box_mask(WIDTH, HEIGHT, 0, 0, WIDTH, 1), box_mask(WIDTH, HEIGHT, WIDTH - 1, 0, WIDTH, HEIGHT), box_mask(WIDTH, HEIGHT, 0, 69, 1, 70)],
    ids=["top", "right", "a corner"],
)
def test_a_mask_of_a_border_line(engine: FluxFillEngine, tmp_path: Path, mask: np.ndarray) -> None:
    difference = changed(PICTURE, drawn(engine, tmp_path, PICTURE, mask))
    assert not difference[~mask].any()
    assert difference[mask].any()


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1"])
def test_pictures_of_other_kinds(engine: FluxFillEngine, tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(noise(WIDTH, HEIGHT)).convert(mode)
    if "A" in mode:
        picture.putalpha(Image.fromarray(noise(WIDTH, HEIGHT, seed=3)[..., 0]))
    served(engine, tmp_path, stored(tmp_path, "odd.png", picture))


def test_a_palette_with_a_transparent_colour(engine: FluxFillEngine, tmp_path: Path) -> None:
    served(engine, tmp_path, stored(tmp_path, "odd.gif", Image.fromarray(noise(WIDTH, HEIGHT)).quantize(16), transparency=3))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_stay_sixteen(engine: FluxFillEngine, tmp_path: Path, channels: int) -> None:
    deep = np.random.default_rng(0).integers(0, 2**16, (HEIGHT, WIDTH, channels), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "odd.png"), deep)
    served(engine, tmp_path, InputFile(tmp_path / "odd.png", "odd.png", "image/png"))


def test_cmyk_is_converted_and_told(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    served(engine, tmp_path, stored(tmp_path, "odd.jpg", Image.fromarray(noise(WIDTH, HEIGHT)).convert("CMYK")), voice)
    assert voice.warnings[0].startswith("The picture is CMYK and was converted to RGB")


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_of_an_animation_the_first_picture_is_filled_and_told(engine: FluxFillEngine, tmp_path: Path, kind: str) -> None:
    first, second = (Image.fromarray(noise(WIDTH, HEIGHT, seed)).quantize(32).convert("RGB") for seed in (1, 2))
    options = {"save_all": True, "append_images": [second], **({"lossless": True} if kind == "webp" else {})}
    voice = Voice()
    served(engine, tmp_path, stored(tmp_path, f"odd.{kind}", first, **options), voice)
    assert voice.warnings == ["The picture has several frames: only the first is used."]


@pytest.mark.parametrize("kind", ["L", "LA", "P", "RGB", "RGBA", "1", "I;16"])
def test_masks_of_other_kinds_mean_the_same(engine: FluxFillEngine, tmp_path: Path, kind: str) -> None:
    expected = drawn(engine, tmp_path, PICTURE, MASK)
    white = Image.fromarray(MASK.astype(np.uint8) * 255)
    image = Image.fromarray(MASK.astype(np.uint16) * 65535) if kind == "I;16" else white.convert(kind)
    inputs = make_inputs(tmp_path, PICTURE, MASK, steps=1) | {"inputImageMask": stored(tmp_path, "other.png", image)}
    (output,) = engine.run(inputs, Voice())
    assert np.array_equal(pixels_of(output), expected)


@pytest.mark.parametrize("size", [(17, 33), (63, 64), (127, 129), (250, 131)])
def test_sides_that_are_no_multiple_of_anything(engine: FluxFillEngine, tmp_path: Path, size: tuple[int, int]) -> None:
    picture, mask = noise(*size), box_mask(*size, 3, 5, 12, 14)
    difference = changed(picture, drawn(engine, tmp_path, picture, mask))
    assert not difference[~mask].any()


def test_no_prompt_is_an_empty_one(engine: FluxFillEngine, tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, PICTURE, MASK, steps=1)
    (empty,) = engine.run(inputs, Voice())
    (none,) = engine.run(inputs | {"prompt": None}, Voice())
    assert empty == none


@pytest.mark.parametrize("name", ["inputImage", "inputImageMask"])
@pytest.mark.parametrize("kept", [0, 20, 0.5])
def test_a_damaged_file_is_refused_by_name(engine: FluxFillEngine, tmp_path: Path, name: str, kept: float) -> None:
    inputs = make_inputs(tmp_path, PICTURE, MASK)
    whole = inputs[name].path.read_bytes()
    inputs[name].path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    what = "picture" if name == "inputImage" else "mask"
    with pytest.raises(InputError, match=rf"The {what} '{what}\.png' is (damaged or cut short|no picture)"):
        list(engine.run(inputs, Voice()))
