"""The way of a training, in small: the same seed leads to the same weights, and each step is one of directions that weigh the same."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest

from gesso.models.shapes_fill.weights import FOLDER
from training.shapes_fill import record

pytestmark = pytest.mark.flux


def test_muon_evens_directions_out() -> None:
    import torch

    from training.shapes_fill.muon import evened

    draw = torch.Generator().manual_seed(3)
    spread = torch.linalg.svdvals(evened(torch.randn(4, 32, 96, generator=draw)))
    assert spread.min() > 0.6
    assert spread.max() < 1.3


def test_muon_goes_down() -> None:
    import torch

    from training.shapes_fill.muon import Muon

    draw = torch.Generator().manual_seed(3)
    aim = torch.randn(24, 8, generator=draw)
    weight = torch.nn.Parameter(torch.zeros(24, 8))
    optimizer = Muon([weight], lr=0.1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (weight - aim).square().mean()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    assert losses[-1] < 0.1 * losses[0]


def test_the_same_seed_leads_to_the_same_weights_however_quick_the_machine_is() -> None:
    first, second = _losses(_beginning(), seconds_a_step=0), _losses(_beginning(), seconds_a_step=3600)
    assert first == second
    assert len(first) == 4
    assert first[-1] < first[0]


def test_with_a_bound_the_course_ends_by_the_clock() -> None:
    beginning = _beginning()
    quick, slow = (_losses(beginning, seconds_a_step, minutes=60) for seconds_a_step in (1, 1500))
    assert len(quick) == 4
    assert len(slow) == 3
    assert quick[:2] == slow[:2]
    # The rate fell by the clock.
    assert quick[2] != slow[2]


def test_by_default_the_course_has_the_steps_of_the_recorded_one_and_no_clock() -> None:
    from training.shapes_fill.train import Plan

    recorded = json.loads((FOLDER / record.NAME).read_text("utf-8"))
    assert Plan().steps == recorded["course"]["steps"]
    assert Plan().minutes is None


def _beginning() -> tuple[Any, Any]:
    """The parts before their first step, and what they are to learn."""
    import numpy as np
    import torch

    from training.shapes_fill import autoencoder, network
    from training.shapes_fill.lessons import lessons
    from training.shapes_fill.reading import teach_reading

    told: list[str] = []
    torch.manual_seed(7)
    draw = np.random.default_rng(7)
    parts, found = network.untaught(), autoencoder.found(draw, told.append)
    teach_reading(draw, parts, told.append, steps=2)
    return parts, lessons(draw, 16, found, parts, told.append)


def _losses(beginning: tuple[Any, Any], seconds_a_step: float, minutes: float | None = None) -> list[float]:
    """Of each step of a course of four. `seconds_a_step`: as a clock tells it."""
    from training.shapes_fill.train import Plan, learn

    losses: list[float] = []
    clock = itertools.count(0.0, seconds_a_step).__next__
    plan = Plan(batch=4, steps=4, minutes=minutes, warm_steps=1)
    learn(plan, *copy.deepcopy(beginning), lambda step, way, loss, average: losses.append(loss), clock)
    return losses
