"""Pictures and masks: from an input file to exact upright pixels and back to a PNG, for every Model that edits photographs.

Owns decoding (orientation, transparency, palettes, 16 bits, CMYK, size limit), the reading of masks, and what of a Picture a PNG keeps.
Knows nothing of what is done with the pixels. Pillow reads and checks the header; 16-bit colour goes through OpenCV, because Pillow cuts
it to 8 bits.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from gesso.models.contract import InputError, InputFile
from gesso.models.png import encoded

LIMIT_PIXELS = 100_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

_ORIENTATION = 0x0112
_GREY_8, _GREY_16 = ("1", "L", "LA", "La"), ("I;16", "I;16B", "I;16L", "I;16N")
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "YCbCr", "HSV", "CMYK")
# What Pillow's decoders are known to raise for bytes that are not what their header says.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, struct.error, zlib.error, cv2.error)
# Colours of a painted stroke differ this much after a browser has multiplied them by alpha and back.
_SAME_COLOUR = 8
# Rows that are taken out of Pillow at once.
_STRIP = 128


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels, upright (the EXIF orientation is applied).

    `colour`: [height, width, channels], 1 (grey) or 3 (RGB) channels, uint8 or uint16. `alpha`: [height, width] of the same type, or None.
    `icc`: the colour profile that describes `colour`, or None. `rotated`: whether the orientation changed the stored pixels.
    `notes`: what was not taken over as it was, as sentences for `emit.warn`.
    """

    colour: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    rotated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return self.colour.shape[1]

    @property
    def height(self) -> int:
        return self.colour.shape[0]


@dataclass(frozen=True, slots=True)
class Mask:
    """What to repaint. `white`: [height, width], bool, true = repaint. `source`: "luminance" or "alpha", where it was read from."""

    white: np.ndarray
    source: str
    notes: tuple[str, ...] = ()

    @property
    def coverage(self) -> float:
        """The share of the picture to repaint, 0 to 1."""
        return np.count_nonzero(self.white) / self.white.size


def read_picture(file: InputFile, what: str = "picture", limit_pixels: int = LIMIT_PIXELS) -> Picture:
    """Decode the first frame of a file.

    `what`: how sentences call the file. Errors: InputError for a file that is no picture, is damaged, has more than `limit_pixels`
    (known from its header, before anything is decoded), or stores samples that are neither 8 nor 16 bits.
    """
    with _opened(file, what) as image:
        width, height = image.size
        if width * height > limit_pixels:
            raise InputError(
                f"The {what} has {width} x {height} pixels ({width * height / 1e6:.1f} megapixels): "
                f"at most {limit_pixels / 1e6:g} megapixels are taken."
            )
        if image.mode not in (*_GREY_8, *_GREY_16, *_COLOUR):
            raise InputError(f"The {what} stores its samples as {image.mode!r}: save it with 8 or 16 bits per channel, grey or RGB.")
        notes = _notes(image, what)
        try:
            pixels, orientation = _pixels(image, file, what)
        except _DAMAGED as error:
            raise _damaged(file, what) from error
        icc = image.info.get("icc_profile")
    pixels = _upright(pixels, orientation)
    opaque = pixels.shape[2] in (1, 3)
    colour = np.ascontiguousarray(pixels if opaque else pixels[..., :-1])
    alpha = None if opaque else np.ascontiguousarray(pixels[..., -1])
    return Picture(colour, alpha, _fitting(icc, colour.shape[2]), orientation != 1, notes)


def read_mask(file: InputFile, picture: Picture, limit_pixels: int = LIMIT_PIXELS) -> Mask:
    """Decode the mask of `picture`: white is repainted, from 50 % of white upwards. An empty and a full one are for the Model to judge.

    White is luminance, and where the mask is transparent it is black. Painted masks arrive in alpha: when all that is visible has one
    colour and the alpha varies, alpha is the mask, whatever the colour. Errors: those of `read_picture`; InputError for another size
    than the picture's.
    """
    mask = read_picture(file, "mask", limit_pixels)
    if (mask.width, mask.height) != (picture.width, picture.height):
        turned = " once its EXIF rotation is applied" if picture.rotated else ""
        raise InputError(
            f"The mask has {mask.width} x {mask.height} pixels and the picture {picture.width} x {picture.height}{turned}: "
            "both must have the same size."
        )
    top = int(np.iinfo(mask.colour.dtype).max)
    if mask.alpha is not None and _is_painted_in_alpha(mask.colour, mask.alpha):
        source, level = "alpha", mask.alpha
    else:
        source, level = "luminance", mask.colour[..., 0] if mask.colour.shape[2] == 1 else cv2.cvtColor(mask.colour, cv2.COLOR_RGB2GRAY)
        level = level if mask.alpha is None else cv2.multiply(level, mask.alpha, scale=1 / top)
    return Mask(np.asarray(level) > top // 2, source, mask.notes)


def to_png(picture: Picture) -> bytes:
    """Encode without loss: the decoded pixels, alpha, 16 bits and colour profile are those of `picture`; other metadata is left out.

    Grey with alpha at 16 bits becomes RGBA of equal channels, since few programs read two channels of 16 bits. A grey profile would no
    longer fit then.
    """
    colour, alpha = picture.colour, picture.alpha
    if alpha is None:
        return encoded(colour, picture.icc)
    if colour.shape[2] == 1 and colour.dtype == np.uint16:
        return encoded(np.dstack([colour, colour, colour, alpha]))
    pixels = np.dstack([colour, alpha]) if colour.shape[2] == 1 else cv2.cvtColor(colour, cv2.COLOR_RGB2RGBA)
    pixels[..., -1] = alpha
    return encoded(pixels, picture.icc)


@contextmanager
def _opened(file: InputFile, what: str) -> Iterator[ImageFile]:
    """The file with its header read. Pillow's own size guard, whose limit is fixed and which says no size, gives way to ours."""
    guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    # Without it Pillow does not know the formats that it loads at need.
    Image.init()
    try:
        # Pillow warns of odd metadata (a broken EXIF block, say) that has no bearing on the pixels. It is given a stream, because it
        # maps some TIFF files into memory when it knows their path, and then forgets to turn them.
        with warnings.catch_warnings(), file.path.open("rb") as stream:
            warnings.simplefilter("ignore")
            try:
                image = Image.open(stream, formats=FORMATS)
            except UnidentifiedImageError as error:
                raise InputError(
                    f"The {what} {file.name!r} is no picture that can be read: send PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."
                ) from error
            except _DAMAGED as error:
                raise _damaged(file, what) from error
            assert isinstance(image, ImageFile)
            with image:
                yield image
    finally:
        Image.MAX_IMAGE_PIXELS = guard


def _damaged(file: InputFile, what: str) -> InputError:
    return InputError(f"The {what} {file.name!r} is damaged or cut short: it cannot be decoded.")


def _notes(image: ImageFile, what: str) -> tuple[str, ...]:
    notes = []
    # Phones save a photograph and its preview together as MPO: two frames, but nobody calls it animated.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        notes.append(f"The {what} has several frames: only the first is used.")
    if image.mode == "CMYK":
        notes.append(f"The {what} is CMYK and was converted to RGB without its colour profile: colours may differ a little.")
    return tuple(notes)


def _pixels(image: ImageFile, file: InputFile, what: str) -> tuple[np.ndarray, int]:
    """The stored pixels, [height, width, 1 to 4], and the EXIF orientation still to be applied, 1 to 8."""
    layout = _layout(image)
    # Pillow would keep 8 of the 16 bits of these.
    if ";16" in layout and image.mode not in (*_GREY_16, "CMYK"):
        return _deep_pixels(image, layout, file, what)
    image.load()
    # Asked for after loading: Pillow turns TIFF pixels while it loads them, and then drops the tag.
    orientation = image.getexif().get(_ORIENTATION, 1)
    if image.mode in _GREY_16:
        grey = np.asarray(image).astype(np.uint16)
        clear = image.info.get("transparency")
        channels = [grey] if clear is None else [grey, np.where(grey == clear, 0, 65535).astype(np.uint16)]
        return np.dstack(channels), orientation
    alpha = "A" if image.has_transparency_data else ""
    mode = ("L" if image.mode in _GREY_8 else "RGB") + alpha
    return _samples(image if image.mode == mode else image.convert(mode)), orientation


def _samples(image: Image.Image) -> np.ndarray:
    """The pixels, [height, width, channels] uint8. In strips, since Pillow hands over a large picture at less than half the speed."""
    pixels = np.empty((image.height, image.width, len(image.getbands())), np.uint8)
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        pixels[top:bottom] = np.atleast_3d(np.asarray(image.crop((0, top, image.width, bottom))))
    return pixels


def _layout(image: ImageFile) -> str:
    """How the file stores its samples, in Pillow's words: "RGB", "RGB;16B", "LA;16B"; only known before the pixels are loaded."""
    arguments = image.tile[0].args if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _deep_pixels(image: ImageFile, layout: str, file: InputFile, what: str) -> tuple[np.ndarray, int]:
    """As `_pixels`, for 16-bit colour and for 16-bit grey with alpha, which OpenCV reads as four channels."""
    orientation = image.getexif().get(_ORIENTATION, 1)
    if image.format == "TIFF" and orientation != 1:
        # OpenCV turns some orientations of a TIFF itself and fails on the others.
        raise InputError(f"The {what} is a 16-bit TIFF with an EXIF rotation, which cannot be read: save it upright, or as PNG.")
    pixels = cv2.imdecode(np.fromfile(file.path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise ValueError("OpenCV cannot decode these 16-bit pixels")
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), orientation
    return (pixels[..., [0, 3]] if layout.startswith("LA") else cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)), orientation


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the rotation and mirroring that the EXIF orientation stands for. Source: Exif 2.3, tag 0x0112."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _fitting(icc: bytes | None, channels: int) -> bytes | None:
    """The profile if it describes pixels of that many channels; a CMYK profile must not be put on RGB."""
    space = {1: b"GRAY", 3: b"RGB "}[channels]
    return icc if icc and icc[16:20] == space else None


def _is_painted_in_alpha(colour: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether all that is visible has one colour and `alpha` varies."""
    visible = colour[alpha > np.iinfo(alpha.dtype).max // 2]
    if alpha.min() == alpha.max() or not visible.size:
        return False
    spread = int((visible.max(axis=0).astype(int) - visible.min(axis=0)).max())
    return spread * 255 <= _SAME_COLOUR * int(np.iinfo(colour.dtype).max)
