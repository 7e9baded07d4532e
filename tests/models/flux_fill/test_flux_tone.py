"""The shift of tone is seen where the truth is known and taken out of what was painted."""

from __future__ import annotations

import numpy as np
import pytest
from flux_builders import box_mask
from hypothesis import given
from hypothesis import strategies as st

from gesso.models.flux_fill.tone import matched

WIDTH, HEIGHT = 256, 192
MASK = box_mask(WIDTH, HEIGHT, 80, 60, 170, 130)
LEVEL = 1 / 255


def truth() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.8, (HEIGHT, WIDTH, 3)).astype(np.float32)


def slope(across: float) -> np.ndarray:
    """A shift that grows from -across to +across levels from left to right."""
    return (np.linspace(-across, across, WIDTH, dtype=np.float32) * LEVEL)[None, :, None]


@pytest.mark.parametrize("across", [0, 3, 6])
def test_a_shift_that_varies_over_the_picture_is_taken_out(across: float) -> None:
    after = matched(truth() + slope(across), truth(), MASK)
    assert np.abs(after - truth())[MASK].max() < 1.5 * LEVEL


def test_an_even_shift_is_taken_out_however_far_the_known_is() -> None:
    mask = box_mask(WIDTH, HEIGHT, 4, 0, WIDTH, HEIGHT)
    after = matched(truth() + np.float32(5 * LEVEL), truth(), mask)
    assert np.abs(after - truth())[mask].max() < 0.5 * LEVEL


def test_what_was_drawn_differently_is_left_alone() -> None:
    answer = truth()
    answer[MASK] = 1 - answer[MASK]
    assert np.abs(matched(answer, truth(), MASK) - answer).max() < 0.01 * LEVEL


@given(st.integers(0, 5), st.integers(1, 32), st.integers(1, 32), st.booleans())
def test_no_answer_is_moved_far_or_out_of_range(seed: int, columns: int, rows: int, is_full: bool) -> None:
    random = np.random.default_rng(seed)
    answer, picture = random.random((2, 8 * rows, 8 * columns, 3), np.float32)
    mask = random.random((8 * rows, 8 * columns)) < 0.5
    mask |= is_full
    after = matched(answer, picture, mask)
    assert after.min() >= 0
    assert after.max() <= 1
    assert np.abs(after - answer).max() <= (0 if is_full else 8.01 * LEVEL)
