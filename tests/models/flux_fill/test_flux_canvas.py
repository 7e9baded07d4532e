"""The canvas keeps its promise on any geometry: not a pixel outside the mask changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flux_builders import box_mask, changed, noise
from hypothesis import given
from hypothesis import strategies as st

from gesso.models.flux_fill.canvas import Canvas, Margins, blend_share, cover
from gesso.models.flux_fill.framing import Grid, frame_around
from gesso.models.pictures import Picture

GRID = Grid(native_side=128, multiple=16)


@st.composite
def canvases(draw: st.DrawFn) -> Canvas:
    """Pictures of 1 to 150 pixels a side, 8 or 16 bits, with or without alpha; masks of boxes and specks, at the borders too."""
    width, height = draw(st.integers(1, 150)), draw(st.integers(1, 150))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    kind = draw(st.sampled_from([np.uint8, np.uint16]))
    colour = random.integers(0, np.iinfo(kind).max, (height, width, 3), dtype=kind, endpoint=True)
    alpha = random.integers(0, np.iinfo(kind).max, (height, width), dtype=kind, endpoint=True) if draw(st.booleans()) else None
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(1, 3))):
        left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        mask[top : draw(st.integers(top + 1, height)), left : draw(st.integers(left + 1, width))] = True
    return Canvas.of(Picture(colour, alpha), mask)


def answer_for(canvas: Canvas, crop: bool):
    frame = frame_around(canvas.mask, GRID, crop)
    return np.random.default_rng(0).random((frame.model_height, frame.model_width, 3), np.float32), frame


def waves(width: int, height: int) -> np.ndarray:
    across, down = np.meshgrid(np.linspace(0, 9, width), np.linspace(0, 9, height))
    return np.rint(128 + 100 * np.dstack((np.sin(across), np.sin(down), np.sin(across + down)))).astype(np.uint8)


@given(canvases(), st.booleans(), st.integers(0, 40))
def test_nothing_outside_the_mask_changes(canvas: Canvas, crop: bool, feather: int) -> None:
    before = canvas.picture
    after = canvas.paste(*answer_for(canvas, crop), feather)
    assert after.colour.shape == before.colour.shape
    assert after.colour.dtype == before.colour.dtype
    assert not changed(before.colour, after.colour)[~canvas.mask].any()
    if before.alpha is not None:
        assert after.alpha is not None
        assert np.array_equal(after.alpha[~canvas.mask], before.alpha[~canvas.mask])


@given(canvases(), st.booleans())
def test_without_feather_the_answer_replaces_all_that_is_masked(canvas: Canvas, crop: bool) -> None:
    frame = frame_around(canvas.mask, GRID, crop)
    after = canvas.paste(np.ones((frame.model_height, frame.model_width, 3)), frame, feather=0)
    top = np.iinfo(after.colour.dtype).max
    assert (after.colour[canvas.mask] == top).all()
    assert after.alpha is None or (after.alpha[canvas.mask] == top).all()


@given(canvases(), st.booleans())
def test_the_model_is_shown_nothing_of_what_is_masked(canvas: Canvas, crop: bool) -> None:
    frame = frame_around(canvas.mask, GRID, crop)
    picture, mask = canvas.view(frame)
    assert picture.mode == "RGB"
    assert picture.size == mask.size == (frame.model_width, frame.model_height)
    shown = np.asarray(mask)
    assert set(np.unique(shown)) <= {0, 255}
    rows, columns = np.nonzero(canvas.mask[frame.within])
    # The middle of each masked pixel lies in a masked pixel of the view.
    at_row = ((rows + 0.5) * frame.model_height / frame.height).astype(int)
    at_column = ((columns + 0.5) * frame.model_width / frame.width).astype(int)
    assert (shown[at_row, at_column] == 255).all()


def with_other_content(canvas: Canvas) -> Canvas:
    """The same canvas with something else under its mask."""
    top, mask = np.iinfo(canvas.picture.colour.dtype).max, canvas.mask
    colour, alpha = canvas.picture.colour.copy(), canvas.picture.alpha
    colour[mask] = top - colour[mask]
    if alpha is not None:
        alpha = np.where(mask, top - alpha, alpha)
    return replace(canvas, picture=replace(canvas.picture, colour=colour, alpha=alpha))


@given(canvases(), st.booleans())
def test_what_is_under_the_mask_does_not_show_in_the_view(canvas: Canvas, crop: bool) -> None:
    frame = frame_around(canvas.mask, GRID, crop)
    (one, _), (other, _) = canvas.view(frame), with_other_content(canvas).view(frame)
    assert np.array_equal(np.asarray(one), np.asarray(other))


@given(canvases(), st.integers(1, 200), st.integers(1, 200))
def test_what_is_under_the_mask_does_not_show_at_another_size(canvas: Canvas, width: int, height: int) -> None:
    one, other = (each.resized(width, height) for each in (canvas, with_other_content(canvas)))
    assert not changed(one.picture.colour, other.picture.colour)[~one.mask].any()
    if one.picture.alpha is not None:
        assert other.picture.alpha is not None
        assert np.array_equal(one.picture.alpha[~one.mask], other.picture.alpha[~one.mask])


@pytest.mark.parametrize("size", [(600, 450), (150, 110)])
def test_the_view_shows_what_is_known_as_it_is(size: tuple[int, int]) -> None:
    """Smooth waves, dark as night under the mask: beside it the view is what the whole picture's would be."""
    width, height = size
    mask = box_mask(width, height, width // 3, height // 3, width // 2, height // 2)
    whole = waves(width, height)
    dark = np.where(mask[..., None], 0, whole).astype(np.uint8)
    frame = frame_around(mask, GRID, crop=False)
    shown, hidden = Canvas.of(Picture(dark), mask).view(frame)
    expected, _ = Canvas.of(Picture(whole), np.zeros_like(mask)).view(frame)
    known = np.asarray(hidden) == 0
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(expected))[known].max() <= 4


def test_a_known_pixel_that_is_passed_over_is_found_after_all() -> None:
    colour, hole = noise(9, 8), np.ones((8, 9), bool)
    hole[3, 5] = False
    expected = colour[3, 5].copy()
    cover(colour, hole, stride=4)
    assert (colour == expected).all()


@given(canvases(), st.integers(0, 40))
def test_blending_is_zero_outside_positive_inside_and_one_somewhere(canvas: Canvas, feather: int) -> None:
    share = blend_share(canvas.mask, feather)
    assert (share[~canvas.mask] == 0).all()
    assert (share[canvas.mask] > 0).all()
    assert share.max() == 1


def test_blending_rises_evenly_from_the_edge_inwards() -> None:
    share = blend_share(box_mask(40, 40, 0, 10, 40, 40), feather=4)
    assert share[9:16, 20] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1])


def test_the_border_of_the_picture_is_no_edge_to_blend_at() -> None:
    assert blend_share(box_mask(40, 40, 0, 10, 40, 40), feather=4)[39, 0] == 1


@pytest.mark.parametrize("thickness", [1, 2, 3, 5])
def test_the_middle_of_a_thin_stroke_is_painted_fully(thickness: int) -> None:
    share = blend_share(box_mask(60, 60, 0, 20, 60, 20 + thickness), feather=30)
    assert share[20 + thickness // 2, 30] == 1


@given(canvases(), st.integers(1, 30))
def test_a_grown_mask_holds_the_mask_and_what_is_near(canvas: Canvas, pixels: int) -> None:
    grown = canvas.grown(pixels).mask
    rows, columns = np.nonzero(canvas.mask)
    far_rows, far_columns = np.nonzero(~grown)
    assert grown[canvas.mask].all()
    for row, column in list(zip(far_rows, far_columns, strict=True))[::97]:
        assert ((rows - row) ** 2 + (columns - column) ** 2).min() > pixels**2


@given(canvases(), st.builds(Margins, *[st.integers(0, 30)] * 4))
def test_an_extended_canvas_keeps_the_picture_and_masks_what_is_new(canvas: Canvas, margins: Margins) -> None:
    extended = canvas.extended(margins)
    assert (extended.width, extended.height) == (
        canvas.width + margins.left + margins.right,
        canvas.height + margins.top + margins.bottom,
    )
    old = (slice(margins.top, margins.top + canvas.height), slice(margins.left, margins.left + canvas.width))
    assert np.array_equal(extended.picture.colour[old], canvas.picture.colour)
    assert np.array_equal(extended.mask[old], canvas.mask)
    assert extended.mask.sum() == canvas.mask.sum() + extended.mask.size - canvas.mask.size


@given(canvases(), st.integers(1, 200), st.integers(1, 200))
def test_a_mask_survives_any_resizing(canvas: Canvas, width: int, height: int) -> None:
    resized = canvas.resized(width, height)
    assert (resized.width, resized.height) == (width, height)
    assert resized.picture.colour.shape == (height, width, 3)
    assert resized.mask.any()


def test_one_masked_pixel_of_a_large_picture_reaches_the_model() -> None:
    canvas = Canvas.of(Picture(noise(4000, 3000)), box_mask(4000, 3000, 1234, 567, 1235, 568))
    _, mask = canvas.view(frame_around(canvas.mask, GRID, crop=False))
    assert np.asarray(mask).any()


def test_a_grey_picture_becomes_colour_and_drops_its_grey_profile() -> None:
    grey = noise(9, 7)[..., :1]
    canvas = Canvas.of(Picture(grey, icc=b"grey"), box_mask(9, 7, 0, 0, 1, 1))
    assert np.array_equal(canvas.picture.colour, np.repeat(grey, 3, axis=2))
    assert canvas.picture.icc is None


def test_what_is_transparent_is_shown_as_white_and_painted_opaque() -> None:
    alpha = np.zeros((20, 20), np.uint8)
    canvas = Canvas.of(Picture(np.zeros((20, 20, 3), np.uint8), alpha), box_mask(20, 20, 5, 5, 10, 10))
    frame = frame_around(canvas.mask, GRID, crop=True)
    picture, _ = canvas.view(frame)
    assert (np.asarray(picture) == 255).all()
    after = canvas.paste(np.zeros((frame.model_height, frame.model_width, 3)), frame, feather=0)
    assert after.alpha is not None
    assert np.array_equal(after.alpha == 255, canvas.mask)


@given(st.integers(40, 600), st.integers(40, 600), st.data(), st.booleans())
def test_an_answer_like_the_view_lands_where_it_was_taken_from(width: int, height: int, data: st.DataObject, crop: bool) -> None:
    left, top = data.draw(st.integers(0, width - 20)), data.draw(st.integers(0, height - 20))
    canvas = Canvas.of(Picture(waves(width, height)), box_mask(width, height, left, top, left + 20, top + 20))
    frame = frame_around(canvas.mask, GRID, crop)
    picture, _ = replace(canvas, mask=np.zeros_like(canvas.mask)).view(frame)
    after = canvas.paste(np.asarray(picture) / 255, frame, feather=0)
    shift_levels = np.abs(after.colour.astype(int) - canvas.picture.colour).max()
    # One pixel of these waves is worth up to 25 levels in the smallest picture: an answer half a pixel off would show.
    assert shift_levels <= 6
