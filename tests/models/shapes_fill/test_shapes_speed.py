"""What skipped steps cost in pictures that mean something: the machinery of FLUX Fill with its own thresholds, on weights that were taught.

shapes-fill itself offers no speed. The bounds are those that decision 0011 states.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shapes_builders import Voice

from gesso.models.flux_fill.model import MODEL as FLUX_FILL
from training.shapes_fill.judging import things

pytestmark = pytest.mark.flux

DECISION = Path(__file__).parents[3] / "docs" / "decisions" / "0011-memory-and-speed.md"
CASES, SEED, STEPS = 16, 22_001, 20
# Of the steps, on average.
LEAST_SKIPPED = {"balanced": 7, "turbo": 11}


def stated(speed: str) -> tuple[float, float]:
    """The error of a speed over all pictures and in one of them, at most."""
    (row,) = re.findall(rf"^\| {speed} \| ([0-9.]+) \| ([0-9.]+) \|", DECISION.read_text("utf-8"), re.MULTILINE)
    return float(row[0]), float(row[1])


def test_a_skipped_step_costs_no_more_than_is_stated_and_what_was_asked_for_still_stands(pipeline: Any) -> None:
    from gesso.models.flux_fill.pipeline import Filler, Order
    from gesso.models.flux_fill.speed import Speed
    from training.shapes_fill.scoring import cases

    filler = Filler(pipeline, {option.id: option.default for option in FLUX_FILL.options if option.id.endswith("_threshold")})
    asked = cases(CASES, SEED)
    drawn: dict[str, list[np.ndarray]] = {}
    skipped: dict[str, float] = {}
    right: dict[str, int] = {}
    try:
        for speed in Speed:
            voices = [Voice() for _ in asked]
            drawn[speed] = [
                next(
                    filler.fill(
                        Image.fromarray(case.scene.before),
                        Image.fromarray(case.scene.mask.astype(np.uint8) * 255),
                        Order(case.prompt, STEPS, 30.0, seed, 1, speed=speed),
                        voice,
                    )
                )
                for seed, (case, voice) in enumerate(zip(asked, voices, strict=True))
            ]
            skipped[speed] = 0 if speed is Speed.EXACT else np.mean([int(voice.logs[-1].split()[0]) for voice in voices])
            right[speed] = sum(map(_is_right, asked, drawn[speed]))
    finally:
        filler.drop_shortcuts()
    for speed in (Speed.BALANCED, Speed.TURBO):
        errors = [
            np.abs(one - exact)[case.scene.mask].mean() for one, exact, case in zip(drawn[speed], drawn[Speed.EXACT], asked, strict=True)
        ]
        overall, in_one = stated(speed)
        assert 0 < np.mean(errors) <= overall
        assert max(errors) <= in_one
        assert skipped[speed] >= LEAST_SKIPPED[speed]
        assert right[speed] >= right[Speed.EXACT] - 1
    assert right[Speed.EXACT] >= CASES - 2


def _is_right(case: Any, answer: np.ndarray) -> bool:
    mask = case.scene.mask
    picture = np.where(mask[..., None], np.rint(answer * 255), case.scene.before).astype(np.uint8)
    found = [(thing.colour, thing.shape) for thing in things(picture, mask)]
    return found == [(subject.colour, subject.shape) for subject in case.scene.subjects]
