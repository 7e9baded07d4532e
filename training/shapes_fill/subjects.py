"""What the model is taught to draw: eight colours, five shapes, and the sentences that ask for them.

Eight of the forty combinations are never drawn while training, so that a test can ask for what the model has not seen: each colour misses
one shape, and each shape misses one colour or two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Levels of red, green and blue, 0 to 255.
COLOURS = {
    "red": (220, 30, 35),
    "orange": (250, 140, 20),
    "yellow": (250, 225, 30),
    "green": (40, 170, 60),
    "cyan": (30, 200, 215),
    "blue": (35, 70, 220),
    "purple": (135, 50, 190),
    "pink": (245, 85, 175),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to draw."""

    colour: str
    shape: str

    @property
    def words(self) -> str:
        return f"{self.colour} {self.shape}"


def _star() -> list[tuple[float, float]]:
    turns = [math.pi * (corner / 5 - 0.5) for corner in range(10)]
    return [(radius * math.cos(turn), radius * math.sin(turn)) for turn, radius in zip(turns, [1.0, 0.42] * 5, strict=True)]


_ARM = 0.36
# Corners in units of half the size, y downwards.
OUTLINES: dict[str, np.ndarray] = {
    "circle": np.array([(math.cos(turn), math.sin(turn)) for turn in np.linspace(0, 2 * math.pi, 48, endpoint=False)]),
    "square": np.array([(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]),
    "triangle": np.array([(0, -0.95), (1, 0.8), (-1, 0.8)]),
    "star": np.array(_star()) * 1.08,
    "cross": np.array(
        [
            *((-_ARM, -1), (_ARM, -1), (_ARM, -_ARM), (1, -_ARM), (1, _ARM), (_ARM, _ARM)),
            *((_ARM, 1), (-_ARM, 1), (-_ARM, _ARM), (-1, _ARM), (-1, -_ARM), (-_ARM, -_ARM)),
        ]
    ),
}
SHAPES = tuple(OUTLINES)
ALL = tuple(Subject(colour, shape) for colour in COLOURS for shape in SHAPES)
HELD_OUT = tuple(Subject(colour, SHAPES[(2 * index + 1) % len(SHAPES)]) for index, colour in enumerate(COLOURS))
TAUGHT = tuple(subject for subject in ALL if subject not in HELD_OUT)

# What may stand before a subject, between two, and alone where nothing is to be drawn.
ARTICLES = ("a ", "a ", "a ", "an ", "", "the ", "one ")
JOINTS = (" and ", " and ", ", ", " with ")
NOTHING = ("", "", "nothing", "background")


def chosen(draw: np.random.Generator) -> tuple[Subject, ...]:
    """Taught subjects by chance: none (5 %), one (45 %) or two (50 %)."""
    count = int(draw.choice(3, p=(0.05, 0.45, 0.5)))
    return tuple(TAUGHT[index] for index in draw.integers(len(TAUGHT), size=count))


def sentence(subjects: tuple[Subject, ...], draw: np.random.Generator) -> str:
    """A prompt for none, one or two subjects; with two, the first stands left of the second or above it."""
    if not subjects:
        return str(draw.choice(NOTHING))
    joint = str(draw.choice(JOINTS))
    return joint.join(str(draw.choice(ARTICLES)) + subject.words for subject in subjects)


def plain_sentence(subjects: tuple[Subject, ...]) -> str:
    """The prompt that a person would type first."""
    return " and ".join(f"{'an' if subject.colour[0] in 'aeiou' else 'a'} {subject.words}" for subject in subjects)


def vocabulary() -> list[str]:
    """Every word that the sentences are made of; other words are spelled by their letters."""
    words = {"an", "on", "in", "of", "picture", "big", "small", "empty"}
    for phrase in (*ARTICLES, *JOINTS, *NOTHING, *(subject.words for subject in ALL)):
        words |= set(phrase.replace(",", " ").split())
    return sorted(words)
