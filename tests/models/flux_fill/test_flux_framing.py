"""Which part of the picture the model sees, and at which size."""

from __future__ import annotations

import numpy as np
import pytest
from flux_builders import box_mask
from hypothesis import given
from hypothesis import strategies as st

from gesso.models.flux_fill.framing import Frame, Grid, bounds, frame_around, model_size

FULL = Grid(native_side=1024, multiple=16)
GRIDS = st.sampled_from([FULL, Grid(128, 16), Grid(32, 2)])


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    width, height = draw(st.integers(1, 700)), draw(st.integers(1, 700))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return box_mask(width, height, left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))


@given(masks(), GRIDS, st.booleans())
def test_a_frame_lies_in_the_picture_and_holds_the_mask(mask: np.ndarray, grid: Grid, crop: bool) -> None:
    frame = frame_around(mask, grid, crop)
    height, width = mask.shape
    left, top, right, bottom = bounds(mask)
    assert 0 <= frame.left <= left < right <= frame.right <= width
    assert 0 <= frame.top <= top < bottom <= frame.bottom <= height


@given(masks(), GRIDS)
def test_the_whole_picture_is_the_frame_without_crop(mask: np.ndarray, grid: Grid) -> None:
    frame = frame_around(mask, grid, crop=False)
    assert (frame.left, frame.top, frame.width, frame.height) == (0, 0, mask.shape[1], mask.shape[0])


@given(st.integers(1, 20_000), st.integers(1, 20_000), GRIDS)
def test_a_model_size_is_on_the_grid_and_bounded(width: int, height: int, grid: Grid) -> None:
    size = model_size(width, height, grid)
    for side in size:
        assert side % grid.multiple == 0
        assert grid.native_side // 4 <= side <= 2 * grid.native_side


@given(st.integers(256, 8000), st.integers(256, 8000))
def test_the_model_works_at_about_its_native_area(width: int, height: int) -> None:
    model_width, model_height = model_size(width, height, FULL)
    if 0.25 < width / height < 4:
        assert 0.24 * 1024**2 < model_width * model_height < 1.07 * 1024**2
        assert abs(model_width / model_height * height / width - 1) < 0.04


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        # Twelve megapixels, a mask of 300: twice its width is shown, enlarged.
        (box_mask(4000, 3000, 2000, 1000, 2300, 1300), Frame(1850, 850, 2450, 1450, 1024, 1024)),
        # In a corner the crop is shifted inwards and keeps its size.
        (box_mask(4000, 3000, 0, 0, 300, 300), Frame(0, 0, 600, 600, 1024, 1024)),
        # A speck gets half the native side around it.
        (box_mask(4000, 3000, 2000, 1500, 2001, 1501), Frame(1744, 1244, 2256, 1756, 1024, 1024)),
        # A picture smaller than that is shown whole.
        (box_mask(200, 100, 10, 10, 20, 20), Frame(0, 0, 200, 100, 720, 368)),
    ],
)
def test_frames_of_typical_masks(mask: np.ndarray, expected: Frame) -> None:
    assert frame_around(mask, FULL, crop=True) == expected
