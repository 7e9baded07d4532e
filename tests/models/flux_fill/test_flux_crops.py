"""Holes far apart get crops of their own when that is cheaper, and then nothing is lost and nothing is filled twice."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from flux_builders import box_mask
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.models.flux_fill.crops import SEEDS, Crop, Effort, crop_seed, crops_for
from gesso.models.flux_fill.framing import Grid, frame_around

GRID = Grid(native_side=1024, multiple=16)
SMALL = Grid(native_side=128, multiple=16)
FLUX = Effort()


def holes(width: int, height: int, *squares: tuple[int, int, int]) -> np.ndarray:
    """A mask with squares, each given by its left, its top and its side."""
    mask = np.zeros((height, width), bool)
    for left, top, side in squares:
        mask[top : top + side, left : left + side] = True
    return mask


def spent(crops: list[Crop], steps: int) -> float:
    return sum(FLUX.flop(crop.frame.model_width, crop.frame.model_height, steps) for crop in crops)


def scale(crop: Crop) -> float:
    return sqrt(crop.frame.model_width * crop.frame.model_height / (crop.frame.width * crop.frame.height))


@pytest.mark.parametrize(
    ("side", "text_tokens", "tflop"),
    [((512, 512), 512, 21.5), ((768, 768), 512, 41.9), ((1024, 1024), 512, 74.4), ((1232, 1632), 512, 157.1), ((1024, 1024), 128, 67.1)],
)
def test_the_effort_of_a_step_is_that_counted_on_the_real_shapes(side: tuple[int, int], text_tokens: int, tflop: float) -> None:
    effort = Effort(text_tokens=text_tokens, vae_flop=0)
    assert effort.flop(*side, steps=1) / 1e12 == pytest.approx(tflop, rel=0.003)


def test_two_small_holes_at_the_ends_of_a_photograph_are_filled_apart() -> None:
    mask = holes(4000, 3000, (3700, 100, 100), (100, 2700, 100))
    crops = crops_for(mask, GRID, FLUX, steps=25)
    assert [(crop.frame.model_width, crop.frame.model_height) for crop in crops] == [(512, 512), (512, 512)]
    assert crops[0].frame.top < crops[1].frame.top
    assert spent(crops, 25) < 0.6 * FLUX.flop(1184, 880, 25)


def test_near_holes_share_a_crop_beside_a_far_one() -> None:
    crops = crops_for(holes(4000, 3000, (100, 100, 60), (260, 120, 60), (3700, 2700, 60)), GRID, FLUX, steps=25)
    assert [int(crop.inside.sum()) for crop in crops] == [7200, 3600]


@pytest.mark.parametrize(
    "mask",
    [
        box_mask(4000, 3000, 1200, 900, 1500, 1200),
        holes(700, 600, (10, 10, 20), (640, 560, 20)),
        holes(4000, 3000, *((left, top, 100) for left in (100, 1900, 3700) for top in (100, 2800))),
        np.random.default_rng(0).random((1500, 2000)) < 1e-3,
        np.ones((300, 400), bool),
    ],
    ids=["one hole", "a small picture", "too many", "specks everywhere", "everything"],
)
def test_one_crop_is_kept_where_several_would_cost_more(mask: np.ndarray) -> None:
    (crop,) = crops_for(mask, GRID, FLUX, steps=25)
    assert crop.frame == frame_around(mask, GRID, crop=True)
    assert np.array_equal(crop.inside, mask[crop.frame.within])


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Up to six holes in pictures of up to 900 pixels a side, boxes, lines and specks, at the borders too."""
    width, height = draw(st.integers(1, 900)), draw(st.integers(1, 900))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(1, 6))):
        left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        mask[top : top + draw(st.integers(1, 60)), left : left + draw(st.integers(1, 60))] = True
    return mask


@settings(max_examples=60, deadline=None)
@given(masks(), st.sampled_from([GRID, SMALL]), st.integers(1, 50))
def test_every_masked_pixel_is_filled_once_and_no_other(mask: np.ndarray, grid: Grid, steps: int) -> None:
    crops = crops_for(mask, grid, FLUX, steps)
    filled = np.zeros(mask.shape, int)
    for crop in crops:
        frame = crop.frame
        assert 0 <= frame.left < frame.right <= mask.shape[1]
        assert 0 <= frame.top < frame.bottom <= mask.shape[0]
        assert crop.inside.shape == (frame.height, frame.width)
        assert crop.inside.any()
        assert frame.model_width % grid.multiple == frame.model_height % grid.multiple == 0
        filled[frame.within] += crop.inside
    assert np.array_equal(filled, mask)


@settings(max_examples=60, deadline=None)
@given(masks(), st.sampled_from([GRID, SMALL]), st.integers(1, 50))
def test_several_crops_cost_less_than_one_and_show_no_less(mask: np.ndarray, grid: Grid, steps: int) -> None:
    crops = crops_for(mask, grid, FLUX, steps)
    whole = frame_around(mask, grid, crop=True)
    if len(crops) > 1:
        assert spent(crops, steps) <= 0.95 * FLUX.flop(whole.model_width, whole.model_height, steps)
        one = scale(Crop(whole, mask[whole.within]))
        # Sides are rounded to the grid.
        assert all(scale(crop) > 0.9 * min(1, one) for crop in crops)


@settings(max_examples=30, deadline=None)
@given(masks())
def test_crops_of_one_mask_do_not_touch(mask: np.ndarray) -> None:
    """So each hole is blended into what is kept, and never into another crop's edge."""
    place = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), int)
    for number, crop in enumerate(crops_for(mask, SMALL, FLUX, steps=25), 1):
        place[1:-1, 1:-1][crop.frame.within][crop.inside] = number
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = np.roll(place, (-down, -right), (0, 1))
        assert not ((place > 0) & (other > 0) & (place != other)).any()


def test_crops_have_seeds_of_their_own_that_follow_from_the_samples() -> None:
    assert crop_seed(7, 0) == 7
    assert crop_seed(SEEDS, 0) == 0
    assert crop_seed(SEEDS + 3, 1) == crop_seed(3, 1)
    seeds = {crop_seed(seed, number) for seed in range(50) for number in range(1, 4)}
    assert len(seeds) == 150
    assert all(0 <= seed < SEEDS for seed in seeds)
