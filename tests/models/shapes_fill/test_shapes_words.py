"""What of a prompt shapes-fill reads, and what it tells of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.models.shapes_fill.words import COLOURS, SHAPES, Reading, read
from training.shapes_fill import subjects

KNOWS = (
    "It knows the colours red, orange, yellow, green, cyan, blue, purple, pink and the shapes circle, square, triangle, star, cross, "
    "one thing or two."
)
UNTAUGHT = "The model was not taught such a sentence, so what it draws may be anything."


def test_it_knows_what_it_was_taught() -> None:
    assert tuple(subjects.COLOURS) == COLOURS
    assert subjects.SHAPES == SHAPES


def test_every_sentence_that_it_was_taught_is_read_as_it_is() -> None:
    draw = np.random.default_rng(95)
    for _ in range(500):
        taught = subjects.sentence(subjects.chosen(draw), draw)
        assert read(taught) == Reading(taught, "")


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("", ""),
        (" \n\t", ""),
        ("A Réd\n CIRCLE.", "a red circle"),
        ('"a red circle!"', "a red circle"),
        ("red-circle", "red circle"),
        ("a ｒｅｄ circle", "a red circle"),
        ("a red circle, and a blue square;", "a red circle and a blue square"),
        ("a red circle ,a blue square", "a red circle, a blue square"),
    ],
)
def test_how_it_is_written_does_not_matter(prompt: str, text: str) -> None:
    assert read(prompt) == Reading(text, "")


@pytest.mark.parametrize(
    ("prompt", "text", "told"),
    [
        ("红色圆圈", "", "'红色圆圈', so it continues the background."),
        ("a dog", "", "'dog', so it continues the background."),
        ("🦊!", "", "'🦊', so it continues the background."),
        ("a big red circle, please", "a red circle", "'big', 'please', so it reads 'a red circle'."),
        ("a dog and a red circle", "a red circle", "'dog', so it reads 'a red circle'."),
        ("a red dog", "a red", f"'dog', so it reads 'a red'. {UNTAUGHT}"),
        ("i j k l m n o", "", "'i', 'j', 'k', 'l', 'm', 'n' and 1 more, so it continues the background."),
        ("x" * 99, "", f"'{'x' * 23}…', so it continues the background."),
    ],
)
def test_words_that_it_does_not_know_are_left_aside_and_named(prompt: str, text: str, told: str) -> None:
    assert read(prompt) == Reading(text, f"The model does not know {told} {KNOWS}")


@pytest.mark.parametrize(
    "prompt",
    [
        "circle",
        "red",
        "a circle red",
        "a red circle a blue square",
        "a red circle, a blue square and a pink star",
        "nothing and a red circle",
        "a red blue square",
    ],
)
def test_a_sentence_that_it_was_not_taught_is_read_and_told(prompt: str) -> None:
    assert read(prompt) == Reading(prompt, f"{UNTAUGHT} {KNOWS}")


@given(st.text(max_size=60), st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1))
def test_nothing_is_left_aside_in_silence(prompt: str, word: str) -> None:
    reading = read(prompt)
    assert read(reading.text).text == reading.text
    assert f"{word[:20]}" in read(f"{word} {prompt}").warning
