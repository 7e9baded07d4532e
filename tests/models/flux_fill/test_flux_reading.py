"""What the inputs are taken for, and the sentences for what cannot be filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, make_inputs, noise, save
from PIL import Image

from gesso.models.contract import InputError, InputFile
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.reading import read_canvas

WIDTH, HEIGHT = 40, 30
MASK = box_mask(WIDTH, HEIGHT, 10, 5, 20, 15)


def read(folder: Path, voice: Voice | None = None, mask: np.ndarray = MASK, **values: Any) -> Canvas:
    return read_canvas(make_inputs(folder, noise(WIDTH, HEIGHT), mask, **values), voice or Voice())


def refusal(folder: Path, mask: np.ndarray = MASK, **values: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, mask=mask, **values)
    return str(caught.value)


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    assert refusal(tmp_path, np.ones((30, 41), bool)) == (
        "The mask has 41 x 30 pixels and the picture 40 x 30: both must have the same size."
    )


def test_an_empty_mask_is_refused(tmp_path: Path) -> None:
    sentence = "The mask is empty: nothing to fill. Paint the part to repaint white; what is less than half white is kept."
    assert refusal(tmp_path, np.zeros((HEIGHT, WIDTH), bool)) == sentence
    assert refusal(tmp_path, np.full((HEIGHT, WIDTH), 127, np.uint8)) == sentence


def test_an_empty_mask_is_enough_to_extend_a_picture(tmp_path: Path) -> None:
    canvas = read(tmp_path, mask=np.zeros((HEIGHT, WIDTH), bool), extendLeft=7)
    assert canvas.width == WIDTH + 7
    assert canvas.mask[:, :7].all()
    assert not canvas.mask[:, 7:].any()


def test_a_full_mask_is_served(tmp_path: Path) -> None:
    assert read(tmp_path, mask=np.ones((HEIGHT, WIDTH), bool)).mask.all()


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, noise(WIDTH, HEIGHT), MASK)
    (tmp_path / "letter.txt").write_text("not a picture")
    inputs["inputImage"] = InputFile(tmp_path / "letter.txt", "letter.txt", "text/plain")
    with pytest.raises(InputError, match=r"The picture 'letter\.txt' is no picture that can be read"):
        read_canvas(inputs, Voice())


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    inputs = make_inputs(tmp_path, noise(WIDTH, HEIGHT), MASK)
    inputs["inputImage"] = InputFile(tmp_path / "bomb.png", "bomb.png", "image/png")
    with pytest.raises(InputError, match="at most 100 megapixels are taken"):
        read_canvas(inputs, Voice())


def test_the_mask_is_what_is_at_least_half_white(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    assert np.array_equal(read(tmp_path, mask=ramp).mask, ramp >= 128)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (255, 0, 80)])
def test_strokes_on_a_transparent_sheet_are_the_mask_whatever_their_colour(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    sheet = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    sheet[MASK] = (*colour, 255)
    voice = Voice()
    assert np.array_equal(read(tmp_path, voice, sheet).mask, MASK)
    assert voice.logs == ["Picture 40 x 30; mask from alpha, white = repaint, covers 8.3% of it."]


def test_what_is_transparent_in_a_painted_mask_is_kept(tmp_path: Path) -> None:
    sheet = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    sheet[:, :20, 3] = 0
    sheet[:, 30:, :3] = 0
    assert np.array_equal(read(tmp_path, mask=sheet).mask, box_mask(WIDTH, HEIGHT, 20, 0, 30, HEIGHT))


def test_the_exif_rotation_is_applied_and_named_when_the_mask_does_not_fit(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, noise(WIDTH, HEIGHT), MASK)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(WIDTH, HEIGHT)).save(tmp_path / "phone.png", exif=exif)
    inputs["inputImage"] = InputFile(tmp_path / "phone.png", "phone.png", "image/png")
    with pytest.raises(InputError, match="the picture 30 x 40 once its EXIF rotation is applied"):
        read_canvas(inputs, Voice())
    inputs["inputImageMask"] = save(tmp_path, "upright.png", MASK.T)
    assert (read_canvas(inputs, Voice()).width, read_canvas(inputs, Voice()).height) == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("asked", "size", "is_stretched"),
    [
        ({}, (40, 30), False),
        ({"width": 0, "height": 0}, (40, 30), False),
        ({"width": 80}, (80, 60), False),
        ({"height": 15}, (20, 15), False),
        ({"width": 61, "height": 46}, (61, 46), False),
        ({"width": 64, "height": 64}, (64, 64), True),
        ({"width": 1}, (1, 1), False),
        ({"width": 5, "height": 3}, (5, 3), False),
        ({"width": 5, "height": 2}, (5, 2), True),
        ({"width": 1, "height": 2000}, (1, 2000), True),
        ({"width": 2000, "height": 1}, (2000, 1), True),
    ],
)
def test_the_picture_gets_exactly_the_asked_size(tmp_path: Path, asked: dict[str, int], size: tuple[int, int], is_stretched: bool) -> None:
    voice = Voice()
    canvas = read(tmp_path, voice, **asked)
    assert (canvas.width, canvas.height) == size
    stretched = f"The picture of 40 x 30 pixels was stretched to {size[0]} x {size[1]}, as asked. "
    advice = "Give only one of width and height to keep its shape, or neither to keep its size."
    assert voice.warnings == ([stretched + advice] if is_stretched else [])


def test_resizing_comes_first_then_extending_then_growing(tmp_path: Path) -> None:
    canvas = read(tmp_path, width=80, extendLeft=10, extendBottom=5, grow=3)
    assert (canvas.width, canvas.height) == (90, 65)
    assert canvas.mask[30, :13].all()
    assert not canvas.mask[30, 13:27].any()
    assert canvas.mask[20, 27:53].all()


def test_a_side_too_long_for_one_given_length_is_refused(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, noise(1, 500), np.ones((500, 1), bool), width=2048)
    with pytest.raises(InputError, match="would exceed 100 megapixels: give both sides"):
        read_canvas(inputs, Voice())


def test_a_note_on_a_file_reaches_the_client(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, noise(WIDTH, HEIGHT), MASK)
    frames = [Image.fromarray(noise(WIDTH, HEIGHT, seed)) for seed in (1, 2)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    inputs["inputImage"] = InputFile(tmp_path / "moving.gif", "moving.gif", "image/gif")
    voice = Voice()
    read_canvas(inputs, voice)
    assert voice.warnings == ["The picture has several frames: only the first is used."]
