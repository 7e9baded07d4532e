"""What gesso/heal promises: nothing outside the mask changes, the size stays, equal inputs give equal pixels, a kill is obeyed."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from gesso.models.contract import InputError, InputFile, Killed
from gesso.models.heal.methods import FILLS
from gesso.models.heal.model import MODEL

from .files import Recorder, healed, image_file, mask_file, stored

METHODS = sorted(FILLS)
MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "RGB16", "RGBA16"]
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _texture(seed: int, height: int, width: int, channels: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return noise[..., 0] if channels == 1 else noise


def _picture_file(folder: Path, mode: str, seed: int, height: int, width: int, orientation: int = 1) -> InputFile:
    """A file of random pixels, `height` x `width` as stored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if mode in ("RGB16", "RGBA16"):
        pixels = np.random.default_rng(seed).integers(0, 65536, (height, width, len(mode) - 2), dtype=np.uint16)
        return stored(folder, "picture.png", cv2.imencode(".png", pixels)[1].tobytes())
    if mode == "I;16":
        pixels = np.random.default_rng(seed).integers(0, 65536, (height, width), dtype=np.uint16)
        return image_file(folder, "picture.png", Image.fromarray(pixels), exif=exif)
    channels = {"LA": 2, "RGBA": 4, "CMYK": 4, "RGB": 3, "P": 3}.get(mode, 1)
    image = Image.fromarray(_texture(seed, height, width, channels), "CMYK" if mode == "CMYK" else None)
    image = image.convert(mode) if mode in ("1", "P") else image
    return image_file(folder, "picture", image, format="TIFF" if mode == "CMYK" else "PNG", exif=exif)


def _decoded(source: bytes | Path, mode: str) -> np.ndarray:
    """The upright pixels of a file, by other means than the Engine's where there are any."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    if mode in ("RGB16", "RGBA16"):
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        return np.asarray(upright if mode == "I;16" else upright.convert({"1": "L", "P": "RGB", "CMYK": "RGB"}.get(mode, mode)))


@st.composite
def _orders(draw: st.DrawFn) -> tuple[str, int, int, np.ndarray, str]:
    height, width = draw(st.integers(1, 40)), draw(st.integers(2, 40))
    seed = draw(st.integers(0, 2**16))
    chance = np.random.default_rng(seed)
    white = chance.random((height, width)) < draw(st.sampled_from([0.02, 0.3, 0.9]))
    if draw(st.booleans()):
        white = cv2.dilate(white.astype(np.uint8), np.ones((5, 5))) > 0
    white[0, 0], white[-1, -1] = True, False
    return draw(st.sampled_from(MODES)), seed, draw(st.integers(1, 8)), white, draw(st.sampled_from(["auto", *METHODS]))


@quick
@given(_orders())
def test_nothing_outside_the_mask_changes_and_the_size_stays(order: tuple[str, int, int, np.ndarray, str]) -> None:
    mode, seed, orientation, white, method = order
    orientation = 1 if mode in ("RGB16", "RGBA16") else orientation
    height, width = white.shape if orientation < 5 else white.shape[::-1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = _picture_file(folder, mode, seed, height, width, orientation)
        data = healed(picture, mask_file(folder, white), method=method)
        before, after = _decoded(picture.path, mode), _decoded(data, mode)
    assert after.shape == before.shape
    assert after.shape[:2] == white.shape
    assert after.dtype == before.dtype
    assert np.array_equal(after[~white], before[~white])
    if mode in ("LA", "RGBA", "RGBA16"):
        assert np.array_equal(after[..., -1], before[..., -1])


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "RGB16"])
def test_a_hole_in_texture_is_filled_with_other_pixels(tmp_path: Path, method: str, mode: str) -> None:
    white = np.zeros((70, 61), bool)
    white[20:40, 25:45] = True
    picture = _picture_file(tmp_path, mode, 5, *white.shape)
    before, after = _decoded(picture.path, mode), _decoded(healed(picture, mask_file(tmp_path, white), method=method), mode)
    changed = (before != after).reshape(*white.shape, -1).any(axis=2)
    assert changed[white].mean() > 0.9
    assert not changed[~white].any()


@pytest.mark.parametrize("method", METHODS)
def test_a_flat_picture_stays_flat(tmp_path: Path, method: str) -> None:
    white = np.zeros((80, 90), bool)
    white[30:60, 30:61] = True
    flat = np.full((80, 90, 3), (10, 200, 90), np.uint8)
    flat_but_hole = flat.copy()
    flat_but_hole[white] = 255
    picture = image_file(tmp_path, "picture.png", Image.fromarray(flat_but_hole))
    after = _decoded(healed(picture, mask_file(tmp_path, white), method=method), "RGB")
    assert np.abs(after.astype(int) - flat).max() <= (2 if method == "frequency" else 0)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_equal_inputs_give_equal_bytes(tmp_path: Path, method: str) -> None:
    white = np.zeros((96, 96), bool)
    white[30:66, 30:66] = True
    picture, mask = _picture_file(tmp_path, "RGB", 1, 96, 96), mask_file(tmp_path, white)
    assert healed(picture, mask, method=method) == healed(picture, mask, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_what_the_hole_held_does_not_matter(tmp_path: Path, method: str) -> None:
    white = np.zeros((96, 80), bool)
    white[30:60, 10:50] = True
    one = _texture(3, 96, 80, 3)
    other = np.where(white[..., None], 255 - one, one)
    mask = mask_file(tmp_path, white)
    results = [
        healed(image_file(tmp_path, f"{number}.png", Image.fromarray(pixels)), mask, method=method)
        for number, pixels in enumerate((one, other))
    ]
    assert results[0] == results[1]


def test_transparent_pixels_are_not_copied_into_the_hole(tmp_path: Path) -> None:
    pixels = np.zeros((60, 60, 4), np.uint8)
    pixels[:, 30:] = (50, 160, 90, 255)
    white = np.zeros((60, 60), bool)
    white[20:40, 28:40] = True
    after = _decoded(healed(image_file(tmp_path, "picture.png", Image.fromarray(pixels)), mask_file(tmp_path, white)), "RGBA")
    assert (after[white][:, :3] == (50, 160, 90)).all()
    assert np.array_equal(after[..., 3], pixels[..., 3])


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ([], "What is masked lies where the picture is fully transparent. "),
        ([(12, 12)], "Of 2 holes 1 lies where the picture is fully transparent. "),
        ([(12, 12), (12, 90)], ""),
    ],
)
def test_what_is_filled_and_cannot_be_seen_is_told(tmp_path: Path, seen: list[tuple[int, int]], sentence: str) -> None:
    pixels = np.full((60, 120, 4), 255, np.uint8)
    white = np.zeros((60, 120), bool)
    white[10:20, 10:20] = white[10:20, 80:100] = True
    pixels[white] = 0
    for place in seen:
        pixels[place] = 255
    voice = Recorder()
    healed(image_file(tmp_path, "picture.png", Image.fromarray(pixels)), mask_file(tmp_path, white), voice)
    advice = "It was filled, but stays transparent: nothing of it is to be seen."
    assert voice.warnings == ([sentence + advice] if sentence else [])


@pytest.mark.parametrize("method", METHODS)
def test_a_kill_is_obeyed_at_every_call(tmp_path: Path, method: str) -> None:
    white = np.zeros((60, 120), bool)
    white[10:40, 10:40] = white[10:40, 80:110] = True
    picture, mask = _picture_file(tmp_path, "RGB", 2, 60, 120), mask_file(tmp_path, white)
    whole = Recorder()
    healed(picture, mask, whole, method)
    assert whole.calls >= 6
    for call in sorted({1, 2, whole.calls // 2, whole.calls}):
        killed = Recorder(dies_at=call)
        with pytest.raises(Killed):
            healed(picture, mask, killed, method)
        assert killed.calls == call


def test_progress_rises_to_its_end_and_the_log_says_what_was_done(tmp_path: Path) -> None:
    white = np.zeros((480, 640), bool)
    white[10:40, 10:40] = white[200, 300:400] = True
    emit = Recorder()
    healed(_picture_file(tmp_path, "RGB", 2, 480, 640), mask_file(tmp_path, white), emit)
    assert emit.steps == sorted(emit.steps)
    assert emit.steps[-1] == (3, 3)
    assert emit.logs[0] == "Filling 0.33 % of 640 x 480 pixels, 2 holes: where the mask's luminance is 50 % or more."
    assert emit.logs[-1] == "Filled by patch (1), frequency (1)."
    assert emit.warnings == []


def test_a_mask_that_covers_most_is_warned_of(tmp_path: Path) -> None:
    white = np.ones((20, 20), bool)
    white[:5] = False
    emit = Recorder()
    healed(_picture_file(tmp_path, "RGB", 2, 20, 20), mask_file(tmp_path, white), emit)
    (warning,) = emit.warnings
    assert warning == (
        "The mask covers 75 % of the picture, and only the rest can be copied from. "
        "White is repainted: invert the mask if it was meant the other way round."
    )


def test_the_declaration_offers_exactly_the_methods_there_are() -> None:
    assert [option.value for option in MODEL.by_id["method"].options] == ["auto", "telea", "navier-stokes", "frequency", "patch"]
    assert {option.value for option in MODEL.by_id["method"].options} == {"auto", *FILLS}
    assert MODEL.check({}, {"inputImage": 1, "inputImageMask": 1}) == {"method": "auto"}


def test_a_hole_whose_smallest_view_knows_a_lone_patch_is_filled_without_a_warning(tmp_path: Path) -> None:
    """At the smallest scale of an oval hole, one known patch may be all there is. Warnings are errors here."""
    from skimage import data

    picture = data.astronaut()
    white = cv2.ellipse(np.zeros(picture.shape[:2], np.uint8), (220, 105), (40, 45), 0, 0, 360, 255, -1) > 0
    result = healed(image_file(tmp_path, "picture.png", Image.fromarray(picture)), mask_file(tmp_path, white), method="patch")
    pixels = _decoded(result, "RGB")
    assert np.array_equal(pixels[~white], picture[~white])
    assert pixels[white].std() > 5


@pytest.mark.parametrize(
    ("is_full", "sentence"),
    [
        (False, "The mask is empty: nothing to fill. Paint the part to repaint white."),
        (True, "The mask covers the whole picture: nothing is left to copy from. Paint only the part to repaint white."),
    ],
)
def test_a_mask_of_nothing_or_of_everything_is_refused(tmp_path: Path, is_full: bool, sentence: str) -> None:
    picture = image_file(tmp_path, "picture.png", Image.fromarray(_texture(0, 5, 7, 3)))
    with pytest.raises(InputError) as refusal:
        healed(picture, mask_file(tmp_path, np.full((5, 7), is_full)))
    assert str(refusal.value) == sentence
