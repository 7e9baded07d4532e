"""Masks are cut into holes without loss, and the rule that chooses a method for each."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.models.heal.holes import Hole, find_holes
from gesso.models.heal.methods import FILLS, choose


def _counted(holes: list[Hole], shape: tuple[int, ...]) -> np.ndarray:
    counts = np.zeros(shape, int)
    for hole in holes:
        counts[hole.rows, hole.columns] += hole.inside
    return counts


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**16), st.sampled_from([0.0005, 0.01, 0.5, 0.99]))
def test_every_white_pixel_is_in_exactly_one_hole(height: int, width: int, seed: int, share: float) -> None:
    white = np.random.default_rng(seed).random((height, width)) < share
    holes = find_holes(white)
    assert np.array_equal(_counted(holes, white.shape), white)
    assert all(not white[hole.rows, hole.columns].all() for hole in holes if not white.all())


def test_near_specks_are_one_hole_and_far_ones_two() -> None:
    white = np.zeros((300, 300), bool)
    white[20, 20] = white[20, 30] = True
    assert len(find_holes(white)) == 1
    white[280, 280] = True
    assert len(find_holes(white)) == 2


def test_a_long_scratch_is_cut_into_tiles_and_a_large_disc_is_not() -> None:
    scratch = cv2.line(np.zeros((1500, 1500), np.uint8), (10, 10), (1480, 1400), 1, 6) > 0
    holes = find_holes(scratch)
    assert len(holes) > 3
    assert np.array_equal(_counted(holes, scratch.shape), scratch)
    assert max(max(hole.inside.shape) for hole in holes) <= 384 + 2 * 48
    disc = cv2.circle(np.zeros((1500, 1500), np.uint8), (700, 700), 300, 1, -1) > 0
    assert len(find_holes(disc)) == 1


@pytest.mark.parametrize(
    ("thick", "deep", "method"),
    [(1, False, "frequency"), (7, False, "frequency"), (16, False, "patch"), (1, True, "navier-stokes"), (7, True, "patch")],
)
def test_the_method_follows_from_depth_and_bits(thick: int, deep: bool, method: str) -> None:
    inside = np.zeros((100, 100), bool)
    inside[40 : 40 + thick, 20:80] = True
    assert choose(np.zeros((100, 100, 3), np.uint16 if deep else np.uint8), inside) == method


@pytest.mark.parametrize("method", ["telea", "navier-stokes", "frequency"])
def test_a_hole_beyond_the_bound_of_a_method_is_filled_at_a_smaller_size(method: str) -> None:
    ramp = np.tile(np.arange(600, dtype=np.uint16)[None, :, None] // 3, (520, 1, 1)).astype(np.uint8)
    inside = np.zeros((520, 600), bool)
    inside[40:480, 100:500] = True
    hidden = np.where(inside[..., None], np.uint8(255), ramp)
    filled = FILLS[method](hidden, inside, ~inside, lambda: None)
    assert filled.shape == ramp.shape
    assert np.abs(filled.astype(int) - ramp)[inside].mean() < 40


def test_a_patch_fill_without_a_whole_patch_to_copy_is_diffused() -> None:
    colour = np.full((9, 9, 3), 77, np.uint8)
    inside = np.zeros((9, 9), bool)
    inside[3:6, 3:6] = True
    colour[inside] = 0
    assert (FILLS["patch"](colour, inside, ~inside, lambda: None)[inside] == 77).all()


@pytest.mark.parametrize("method", sorted(FILLS))
def test_where_the_pixels_lie_in_memory_does_not_matter(method: str) -> None:
    """OpenCV's distances differ in the last bit with the alignment of their input; on flat ground ties would then fall otherwise."""
    colour = np.zeros((120, 110, 3), np.uint8)
    colour[:, 60:] = np.random.default_rng(0).integers(0, 256, (120, 50, 3))
    inside = cv2.circle(np.zeros((120, 110), np.uint8), (58, 60), 22, 1, -1) > 0
    results = []
    for offset in range(0, 12, 3):
        moved = np.empty(inside.size + offset, bool)[offset:].reshape(inside.shape)
        moved[:] = inside
        results.append(FILLS[method](colour.copy(), moved, ~moved, lambda: None))
    assert all(np.array_equal(result, results[0]) for result in results)
