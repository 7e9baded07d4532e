"""The way of a training, in small: the same seed leads to the same weights, and each step is one of directions that weigh the same."""

from __future__ import annotations

import pytest

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


def test_the_same_seed_leads_to_the_same_weights() -> None:
    first, second = _losses(), _losses()
    assert first == second
    assert len(first) == 4
    assert first[-1] < first[0]


def _losses() -> list[float]:
    import numpy as np
    import torch

    from training.shapes_fill import autoencoder, network
    from training.shapes_fill.lessons import lessons
    from training.shapes_fill.reading import teach_reading
    from training.shapes_fill.train import Plan, learn

    plan, told, losses = Plan(batch=4, steps=4, minutes=60, warm_steps=1), [], []
    torch.manual_seed(plan.seed)
    draw = np.random.default_rng(plan.seed)
    parts, found = network.untaught(), autoencoder.found(draw, told.append)
    teach_reading(draw, parts, told.append, steps=2)
    store = lessons(draw, 16, found, parts, told.append)
    learn(plan, parts, store, lambda step, way, loss, average: losses.append(loss))
    return losses
