"""Decoding of pictures and masks: every kind of file, every refusal with its sentence."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from gesso.models.contract import InputError
from gesso.models.pictures import Picture, read_mask, read_picture, to_png

from .files import image_file, mask_file, stored

RAMP = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
PICTURE = Picture(RAMP)
ORIENTATION = 0x0112


def _refused(text: str):
    return pytest.raises(InputError, match=f"^{re.escape(text)}$")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _raw_png(pixels: np.ndarray, colour_type: int, *extra: bytes) -> bytes:
    """A 16-bit PNG written by hand, for layouts that no library here writes."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour_type, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), *extra, _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_every_orientation_is_applied_once(tmp_path: Path, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    file = image_file(tmp_path, "turned", Image.fromarray(RAMP), format=kind, exif=exif)
    with Image.open(file.path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(read_picture(file).colour, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_of_16_bit_colour_is_applied_too(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    deep = stored(tmp_path, "deep.png", _raw_png(RAMP.astype(np.uint16) * 600, 2, _chunk(b"eXIf", exif.tobytes()[6:])))
    low = image_file(tmp_path, "low.png", Image.fromarray(RAMP), exif=exif)
    assert np.array_equal(read_picture(deep).colour, read_picture(low).colour.astype(np.uint16) * 600)


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (2, 4), (3, 2), (4, 6)])
def test_16_bits_survive_decoding_and_encoding(tmp_path: Path, channels: int, colour_type: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
    picture = read_picture(stored(tmp_path, "deep.png", _raw_png(deep, colour_type)))
    again = read_picture(stored(tmp_path, "again.png", to_png(picture)))
    for each in (picture, again):
        values = each.colour if each.alpha is None else np.dstack([each.colour, each.alpha])
        if channels == 2 and each is again:
            values = values[..., 2:]
        assert values.dtype == np.uint16
        assert np.array_equal(values, deep)


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2)])
def test_the_one_transparent_colour_of_a_16_bit_png_becomes_alpha(tmp_path: Path, channels: int, colour_type: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
    clear = _chunk(b"tRNS", deep[2, 3].astype(">u2").tobytes())
    picture = read_picture(stored(tmp_path, "deep.png", _raw_png(deep, colour_type, clear)))
    assert np.array_equal(picture.colour, deep)
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha != 65535).tolist() == [[2, 3]]
    assert picture.alpha[2, 3] == 0


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_becomes_alpha(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7)).convert("P")
    picture = read_picture(image_file(tmp_path, "palette", image, format=kind, transparency=9))
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha == 0).tolist() == [[1, 2]]


def test_a_profile_is_kept_where_it_fits_and_pixels_with_it(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for picture in (RAMP, RAMP.astype(np.uint16)):
        png = to_png(Picture(picture, icc=read_picture(image_file(tmp_path, "a.png", Image.fromarray(RAMP), icc_profile=profile)).icc))
        again = read_picture(stored(tmp_path, "b.png", png))
        assert again.icc == profile
        assert np.array_equal(again.colour, picture)
    assert read_picture(image_file(tmp_path, "c.png", Image.fromarray(RAMP[..., 0]), icc_profile=profile)).icc is None


def test_an_animation_gives_its_first_frame_and_a_warning(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue")]
    picture = read_picture(image_file(tmp_path, "moving.gif", frames[0], format="GIF", save_all=True, append_images=frames[1:]))
    assert picture.notes == ("The picture has several frames: only the first is used.",)
    assert (picture.colour == (255, 0, 0)).all()


def test_a_phone_photograph_with_a_preview_is_no_animation(tmp_path: Path) -> None:
    image = Image.new("RGB", (6, 4), "red")
    picture = read_picture(image_file(tmp_path, "phone.jpg", image, format="MPO", save_all=True, append_images=[image]))
    assert picture.notes == ()
    assert picture.colour.shape == (4, 6, 3)


def test_cmyk_is_converted_with_a_warning(tmp_path: Path) -> None:
    picture = read_picture(image_file(tmp_path, "print.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), format="JPEG"))
    assert picture.notes == ("The picture is CMYK and was converted to RGB without its colour profile: colours may differ a little.",)
    assert np.abs(picture.colour.astype(int) - (255, 0, 0)).max() < 4


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"hello", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0"):
        with _refused("The picture 'a.png' is no picture that can be read: send PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."):
            read_picture(stored(tmp_path, "a.png", data))


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    whole = image_file(tmp_path, "whole.png", noise).path.read_bytes()
    with _refused("The mask 'cut.png' is damaged or cut short: it cannot be decoded."):
        read_picture(stored(tmp_path, "cut.png", whole[: len(whole) // 2]), "mask")
    deep = _raw_png(np.asarray(noise).astype(np.uint16) * 257, 2)
    with _refused("The picture 'cut.png' is damaged or cut short: it cannot be decoded."):
        read_picture(stored(tmp_path, "cut.png", deep[: len(deep) // 2]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "deep"]), data=st.data())
def test_damaged_bytes_give_a_picture_or_a_sentence(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    if kind == "deep":
        whole = _raw_png(RAMP.astype(np.uint16), 2)
    else:
        whole = image_file(tmp_path, "whole", Image.fromarray(RAMP), format=kind).path.read_bytes()
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, max(0, len(broken) - 1)), max_size=4)) if broken else []:
        broken[place] = data.draw(st.integers(0, 255))
    try:
        picture = read_picture(stored(tmp_path, "broken", bytes(broken)), limit_pixels=100_000)
    except InputError as error:
        sentence = str(error)
    else:
        sentence = "The picture can be read." if picture.colour.ndim == 3 else ""
    assert re.fullmatch(r"The picture .*\.", sentence)


def test_the_size_limit_is_checked_before_anything_is_decoded(tmp_path: Path) -> None:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 20_000, 8, 2, 0, 0, 0)) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")
    file = stored(tmp_path, "bomb.png", b"\x89PNG\r\n\x1a\n" + header)
    with _refused("The picture has 30000 x 20000 pixels (600.0 megapixels): at most 100 megapixels are taken."):
        read_picture(file)
    with _refused("The mask has 7 x 5 pixels (0.0 megapixels): at most 2e-05 megapixels are taken."):
        read_picture(image_file(tmp_path, "a.png", Image.fromarray(RAMP)), "mask", limit_pixels=20)


def test_floating_point_samples_are_refused(tmp_path: Path) -> None:
    with _refused("The picture stores its samples as 'F': save it with 8 or 16 bits per channel, grey or RGB."):
        read_picture(image_file(tmp_path, "a.tif", Image.new("F", (4, 4)), format="TIFF"))


def test_a_rotated_16_bit_tiff_is_refused(tmp_path: Path) -> None:
    data = cv2.imencode(".tiff", RAMP.astype(np.uint16))[1].tobytes()
    assert np.array_equal(read_picture(stored(tmp_path, "deep.tif", data)).colour, RAMP[..., ::-1])
    # OpenCV writes no orientation: the tag for the number of rows in a strip, which has a default, makes room for one.
    rows_per_strip = (struct.pack("<HH", 0x0116, 3), struct.pack("<HH", 0x0116, 4))
    spare = next(data[at : at + 12] for at in range(len(data)) if data[at : at + 4] in rows_per_strip)
    with _refused("The picture is a 16-bit TIFF with an EXIF rotation, which cannot be read: save it upright, or as PNG."):
        read_picture(stored(tmp_path, "deep.tif", data.replace(spare, struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0))))


def _painted(paint: tuple[int, int, int, int], ground: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Image.Image:
    image = Image.new("RGBA", (7, 5), ground)
    image.paste(paint, (2, 1, 4, 3))
    return image


STROKE = np.zeros((5, 7), bool)
STROKE[1:3, 2:4] = True


@pytest.mark.parametrize(
    ("image", "source"),
    [
        (Image.fromarray(STROKE.astype(np.uint8) * 255), "luminance"),
        (Image.fromarray(STROKE), "luminance"),
        (Image.fromarray(STROKE.astype(np.uint16) * 65535), "luminance"),
        (Image.fromarray(STROKE.astype(np.uint8) * 255).convert("P"), "luminance"),
        (_painted((255, 255, 255, 255), (0, 0, 0, 255)), "luminance"),
        (_painted((255, 255, 255, 255)), "alpha"),
        (_painted((0, 0, 0, 255)), "alpha"),
        (_painted((255, 0, 0, 200)), "alpha"),
        (_painted((0, 90, 0, 255), (255, 255, 255, 0)), "alpha"),
    ],
)
def test_a_mask_is_read_from_where_it_was_painted(tmp_path: Path, image: Image.Image, source: str) -> None:
    mask = read_mask(image_file(tmp_path, "mask.png", image), PICTURE)
    assert mask.source == source
    assert np.array_equal(mask.white, STROKE)
    assert mask.coverage == 4 / 35


def test_half_of_white_is_the_threshold(tmp_path: Path) -> None:
    grey = np.zeros((5, 7), np.uint8)
    grey[0, :3] = 127, 128, 129
    assert np.argwhere(read_mask(image_file(tmp_path, "mask.png", Image.fromarray(grey)), PICTURE).white).tolist() == [[0, 1], [0, 2]]


def test_transparent_white_beside_opaque_black_and_white_is_not_repainted(tmp_path: Path) -> None:
    image = _painted((255, 255, 255, 255), (0, 0, 0, 255))
    image.paste((255, 255, 255, 0), (0, 0, 1, 1))
    assert np.array_equal(read_mask(image_file(tmp_path, "mask.png", image), PICTURE).white, STROKE)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (7, 5), 0),
        Image.new("L", (7, 5), 127),
        Image.new("RGBA", (7, 5), (255, 255, 255, 0)),
        Image.new("RGB", (7, 5), "red"),
    ],
)
def test_an_empty_mask_is_left_to_be_judged(tmp_path: Path, image: Image.Image) -> None:
    assert read_mask(image_file(tmp_path, "mask.png", image), PICTURE).coverage == 0


def test_a_mask_of_everything_is_left_to_be_judged(tmp_path: Path) -> None:
    assert read_mask(mask_file(tmp_path, np.ones((5, 7), bool)), PICTURE).coverage == 1


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    with _refused("The mask has 5 x 7 pixels and the picture 7 x 5: both must have the same size."):
        read_mask(mask_file(tmp_path, STROKE.T), PICTURE)
    turned = Picture(RAMP, rotated=True)
    with _refused("The mask has 5 x 7 pixels and the picture 7 x 5 once its EXIF rotation is applied: both must have the same size."):
        read_mask(mask_file(tmp_path, STROKE.T), turned)
