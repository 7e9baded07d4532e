"""What is under the mask has no say: two pictures that differ only there become one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, changed, make_inputs, noise, pixels_of

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 300, 210
MASK = box_mask(WIDTH, HEIGHT, 60, 50, 130, 121)
FAR = MASK | box_mask(WIDTH, HEIGHT, 270, 180, 290, 200)


def drawn(engine: FluxFillEngine, folder: Path, picture: np.ndarray, mask: np.ndarray, **values: Any) -> np.ndarray:
    (output,) = engine.run(make_inputs(folder, picture, mask, **values), Voice())
    return pixels_of(output)


@pytest.mark.parametrize(
    ("mask", "values"),
    [(MASK, {}), (MASK, {"crop": "off"}), (FAR, {}), (FAR, {"grow": 5}), (MASK, {"width": 170}), (MASK, {"extendLeft": 40})],
)
def test_a_picture_does_not_depend_on_what_it_replaces(engine: FluxFillEngine, tmp_path: Path, mask: np.ndarray, values: Any) -> None:
    one = noise(WIDTH, HEIGHT)
    other = np.where(mask[..., None], 255 - one, one)
    assert np.array_equal(*(drawn(engine, tmp_path, picture, mask, feather=0, **values) for picture in (one, other)))


def test_blending_shows_it_within_its_own_pixels_only(engine: FluxFillEngine, tmp_path: Path) -> None:
    one = noise(WIDTH, HEIGHT)
    other = np.where(MASK[..., None], 255 - one, one)
    difference = changed(*(drawn(engine, tmp_path, picture, MASK) for picture in (one, other)))
    assert difference[MASK].any()
    assert not difference[~MASK].any()
    assert not difference[54:117, 64:126].any()
