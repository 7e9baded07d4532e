"""PNG: what is encoded, in every layout and whichever filter serves better, is decoded again by others."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gesso.models.png import encoded


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4]), st.sampled_from([np.uint8, np.uint16]), st.integers(0, 2**32))
def test_pixels_of_any_shape_are_decoded_as_they_were(height: int, width: int, channels: int, depth: type, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(depth).max, (height, width, channels), depth, endpoint=True)
    assert np.array_equal(_decoded(encoded(pixels)), pixels)


@pytest.mark.parametrize("across", [False, True])
def test_pictures_of_several_blocks_are_decoded_as_they_were(across: bool) -> None:
    # Stripes, so that one of the filters serves much better, and then the other.
    stripes = np.random.default_rng(0).integers(0, 256, (1500, 1, 3), np.uint8).repeat(1100, axis=1)
    pixels = stripes.swapaxes(0, 1) if across else stripes
    png = encoded(pixels)
    assert np.array_equal(_decoded(png), pixels)
    assert len(png) < pixels.nbytes / 20


def test_grey_with_alpha_keeps_two_channels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20, 2), np.uint8)
    image = Image.open(io.BytesIO(encoded(pixels)))
    assert image.mode == "LA"
    assert np.array_equal(np.asarray(image), pixels)


def test_a_profile_stands_before_the_pixels() -> None:
    png = encoded(np.zeros((2, 2, 3), np.uint8), b"a profile")
    assert png.index(b"iCCP") < png.index(b"IDAT")
    assert Image.open(io.BytesIO(png)).info["icc_profile"] == b"a profile"


def _decoded(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        # Pillow checks the sums of the chunks.
        image.verify()
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    if decoded.ndim == 2:
        return decoded[..., None]
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB if decoded.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
