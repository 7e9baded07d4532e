"""The square around a mask."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from shapes_builders import box

from gesso.models.shapes_fill.framing import square_around
from training.shapes_fill.scenes import MASK_SHARE


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return box(width, height, left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))


@given(mask=masks())
def test_it_lies_in_the_picture_and_holds_the_mask(mask: np.ndarray) -> None:
    height, width = mask.shape
    frame = square_around(mask, 64)
    assert 0 <= frame.left < frame.right <= width
    assert 0 <= frame.top < frame.bottom <= height
    assert mask[frame.within].sum() == mask.sum()
    assert (frame.model_width, frame.model_height) == (64, 64)


@given(mask=masks())
def test_it_is_square_where_the_picture_has_room(mask: np.ndarray) -> None:
    height, width = mask.shape
    frame = square_around(mask, 64)
    assert frame.width == frame.height or frame.width == width or frame.height == height


def test_the_mask_takes_up_as_much_of_it_as_it_did_while_training() -> None:
    frame = square_around(box(400, 300, 100, 100, 175, 140), 64)
    assert (frame.left, frame.top, frame.right, frame.bottom) == (93, 76, 181, 164)
    assert abs(75 / frame.width - MASK_SHARE) < 0.01
