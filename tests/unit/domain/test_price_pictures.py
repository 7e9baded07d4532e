"""Sizes of pictures from their first bytes, against files that Pillow wrote, and against anything else."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gesso.domain.picture import pixel_count


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "lossless", "alpha", "progressive", "profile"])
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (300, 7)])
def test_the_size_is_the_one_that_the_picture_has(kind: str, size: tuple[int, int]) -> None:
    written = io.BytesIO()
    match kind:
        case "lossless":
            Image.new("RGB", size).save(written, "WEBP", lossless=True)
        case "alpha":
            Image.new("RGBA", size, (1, 2, 3, 4)).save(written, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
        case "progressive":
            Image.new("RGB", size).save(written, "JPEG", progressive=True)
        case "profile":
            Image.new("RGB", size).save(written, "JPEG", icc_profile=b"p" * 100_000)
        case _:
            Image.new("RGB", size).save(written, kind)
    assert pixel_count(written.getvalue()) == size[0] * size[1]


HEADS = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF1234WEBPVP8X", b"RIFF1234WEBPVP8L"]
)


@given(HEADS, st.binary(max_size=80))
def test_anything_else_is_counted_without_failing(head: bytes, rest: bytes) -> None:
    assert pixel_count(head + rest) >= 0


def test_what_ends_too_early_has_no_size() -> None:
    written = io.BytesIO()
    Image.new("RGB", (50, 50)).save(written, "JPEG")
    assert pixel_count(written.getvalue()[:30]) == 0
