"""The paste of large and of deep pictures: memory, and levels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from flux_builders import box_mask, noise

from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.framing import Grid, frame_around
from gesso.models.pictures import Picture

# What view and paste of 25 megapixels add to the picture and its mask. In a process of its own, for OpenCV and Pillow tell nobody else.
_LARGE = """
import resource, sys
import numpy as np
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.framing import Grid, frame_around
from gesso.models.pictures import Picture
height, width, kept = 5000, 5000, int(sys.argv[1])
canvas = Canvas.of(Picture(np.full((height, width, 3), 100, np.uint8)), np.ones((height, width), bool))
canvas.mask[:, :kept] = False
frame = frame_around(canvas.mask, Grid(1024, 16), crop=False)
answer = np.ones((frame.model_height, frame.model_width, 3), np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
canvas.view(frame)
picture = canvas.paste(answer, frame, feather=4)
assert (picture.colour[:, kept + 4 :] == 255).all() and (picture.colour[:, :kept] == 100).all()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("kept", [0, 100])
def test_25_megapixels_are_pasted_in_little_more_than_their_copy(kept: int) -> None:
    child = subprocess.run([sys.executable, "-c", _LARGE, str(kept)], capture_output=True, text=True, check=True)
    # 72 MiB of colour in the view and in the copy, as much once more for comparing; mixing all at once took 3000.
    assert int(child.stdout) < 400


def test_a_deep_picture_is_painted_in_more_levels_than_bytes_have() -> None:
    canvas = Canvas.of(Picture(noise(200, 150).astype(np.uint16) * 257), box_mask(200, 150, 20, 20, 180, 130))
    frame = frame_around(canvas.mask, Grid(128, 16), crop=False)
    rising = np.linspace(0.2, 0.8, frame.model_width, dtype=np.float32)
    answer = np.broadcast_to(rising[None, :, None], (frame.model_height, frame.model_width, 3))
    painted = canvas.paste(answer, frame, feather=0).colour[75, 20:180, 0].astype(int)
    assert np.unique(painted % 257).size > 100
    assert (np.diff(painted) > 0).all()


@pytest.mark.parametrize("feather", [0, 3, 150])
def test_strips_meet_without_a_trace(feather: int) -> None:
    """A picture of several strips is pasted as its turned twin is, whose strips lie across."""
    mask = box_mask(700, 900, 30, 40, 650, 880) ^ box_mask(700, 900, 200, 240, 300, 300)
    picture, grid = noise(700, 900), Grid(128, 16)
    upright, turned = Canvas.of(Picture(picture), mask), Canvas.of(Picture(picture.swapaxes(0, 1).copy()), mask.T.copy())
    frame = frame_around(mask, grid, crop=False)
    smooth = np.linspace(0.1, 0.9, frame.model_height, dtype=np.float32)[:, None, None]
    answer = np.broadcast_to(smooth, (frame.model_height, frame.model_width, 3))
    one = upright.paste(answer, frame, feather).colour
    other = turned.paste(answer.swapaxes(0, 1), frame_around(turned.mask, grid, crop=False), feather).colour.swapaxes(0, 1)
    assert np.abs(one.astype(int) - other).max() <= 1
