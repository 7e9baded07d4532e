"""A small picture of a large one, for lists. Runs in a process of its own: what it decodes may be made to do harm.

It forgives more than `models.pictures`, which must not change a pixel: colours are only roughly those of the picture.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_DAMAGED = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)
_QUALITY = 80
# A list shows boxes of about 4 to 3 and cuts what is longer.
_SHORT_SHARE = 0.75
_LONGEST_SIDES = 4


class NoPicture(Exception):
    """The file is none that can be shown small."""


def thumbnail(path: Path, side: int, max_pixels: int) -> bytes:
    """A WebP of the first frame, upright, about `side` pixels long; never larger than the picture.

    Errors: NoPicture for a file that is damaged, no picture, or has more than `max_pixels`, known before anything is decoded.
    """
    # Its own guard warns and goes on; ours is below.
    Image.MAX_IMAGE_PIXELS = None
    Image.init()
    try:
        with path.open("rb") as stream, Image.open(stream, formats=FORMATS) as image:
            if not 0 < image.width * image.height <= max_pixels:
                raise NoPicture("it has too many pixels")
            image.draft("RGB", (side * 2, side * 2))
            upright = ImageOps.exif_transpose(_plain(image))
            small = upright.resize(_size(upright.size, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
            file = io.BytesIO()
            small.save(file, "WEBP", quality=_QUALITY)
            return file.getvalue()
    except _DAMAGED as error:
        raise NoPicture("it is damaged, or no picture") from error


def _plain(image: Image.Image) -> Image.Image:
    """The picture with 8 bits a channel, as grey or colour, with its transparency."""
    if image.mode.startswith("I"):
        # Pillow would cut what is brighter than 255 to white.
        plain = image.convert("I").point(lambda value: value / 256).convert("L")
    else:
        plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    plain.info = image.info
    orientation = image.getexif().get(0x0112)
    if orientation:
        plain.getexif()[0x0112] = orientation
    return plain


def _size(size: tuple[int, int], side: int) -> tuple[int, int]:
    longest, shortest = max(size), min(size)
    scale = min(1.0, max(side / longest, _SHORT_SHARE * side / shortest), _LONGEST_SIDES * side / longest)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
