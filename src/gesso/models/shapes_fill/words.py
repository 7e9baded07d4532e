"""The words of shapes-fill: what of a prompt the model reads, and what is told of the rest. Nothing heavy is imported here.

A word that it was not taught would be spelled to it by its letters, and a full stop is one too: with these it draws anything. So it is
given what it was taught, and what was left aside is told.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
SHAPES = ("circle", "square", "triangle", "star", "cross")
ARTICLES = ("a", "an", "the", "one")
JOINTS = {",": ", ", "and": " and ", "with": " with "}
NOTHING = ("nothing", "background")

_MEANT = frozenset((*COLOURS, *SHAPES, *NOTHING))
_MOST_THINGS = 2
_PARTS = re.compile(r"""[^\s,.;:!?"'()\[\]/–—-]+|,""")
_MOST_NAMED = 6
_MOST_CHARACTERS = 24
_KNOWS = f"It knows the colours {', '.join(COLOURS)} and the shapes {', '.join(SHAPES)}, one thing or two."


@dataclass(frozen=True, slots=True)
class Reading:
    """`text`: what the model is given of a prompt. `warning`: what it was not taught of it, empty where that is nothing."""

    text: str
    warning: str


def read(prompt: str) -> Reading:
    """Letters count without accents and capitals."""
    phrases: list[tuple[str, list[str]]] = [("", [])]
    unknown = []
    for part in _PARTS.findall(prompt):
        word = _plain(part)
        if word in JOINTS:
            phrases.append((JOINTS[word], []))
        elif word in _MEANT or word in ARTICLES:
            phrases[-1][1].append(word)
        else:
            unknown.append(part)
    phrases = [(joint, words) for joint, words in phrases if _MEANT.intersection(words)]
    text = "".join((joint if place else "") + " ".join(words) for place, (joint, words) in enumerate(phrases))
    told = []
    if unknown:
        told.append(
            f"The model does not know {_named(unknown)}, so it {f'reads {_cut(text, 80)!r}' if text else 'continues the background'}."
        )
    if not _is_taught([[word for word in words if word in _MEANT] for _, words in phrases]):
        told.append("The model was not taught such a sentence, so what it draws may be anything.")
    return Reading(text, " ".join((*told, _KNOWS)) if told else "")


def _is_taught(phrases: list[list[str]]) -> bool:
    """`phrases`: the colours, shapes and words for nothing between one joint and the next."""
    if phrases in ([], *([[word]] for word in NOTHING)):
        return True
    things = [words for words in phrases if len(words) == 2 and words[0] in COLOURS and words[1] in SHAPES]
    return len(things) == len(phrases) <= _MOST_THINGS


def _plain(word: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", word) if not unicodedata.combining(each)).lower()


def _named(words: list[str]) -> str:
    different = list(dict.fromkeys(words))
    named = ", ".join(repr(_cut(word, _MOST_CHARACTERS)) for word in different[:_MOST_NAMED])
    return f"{named} and {len(different) - _MOST_NAMED} more" if len(different) > _MOST_NAMED else named


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
