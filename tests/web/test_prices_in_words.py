"""Prices in words, and what a run would cost by the same rules that charge it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gesso.domain.ledger import Statistics
from gesso.domain.model import Group, Model
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.price import Price, PriceMethod, PriceRule
from gesso.web.pricing import FIELDS, estimate, words

NOTHING = dict.fromkeys(FIELDS, 0.0)


def _model(price: Price) -> Model:
    steps = Parameter("steps", Kind.INTEGER, default=20, minimum=1, maximum=100)
    samples = Parameter("samples", Kind.INTEGER, default=1, minimum=1, maximum=8)
    return Model("gesso", "model", "Model", "", "", (Group("", (steps, samples)),), price=price)


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (Price(), ["Free"]),
        (Price(Decimal("0.000585")), ["0.000585 credits a second"]),
        (Price(rules=(PriceRule(Decimal("0.04")),)), ["0.04 credits a run"]),
        (
            Price(rules=(PriceRule(Decimal("0.1"), PriceMethod.PER_PIXEL_TIER, extra=Decimal("0.05"), per_input=Decimal("0.01")),)),
            ["0.10 credits a megapixel that it makes, 0.05 for each further one, and 0.01 for each megapixel given"],
        ),
        (
            Price(Decimal("0.001"), (PriceRule(Decimal(1), inputs={"quality": "high"}),)),
            ["1.00 credits a run, with quality high", "0.001 credits a second otherwise"],
        ),
    ],
)
def test_a_price_is_said_in_words(price: Price, said: list[str]) -> None:
    assert words(price) == said


def test_time_is_typed_or_learnt_and_grows_with_steps_and_pictures() -> None:
    model = _model(Price(Decimal("0.01")))
    assert estimate(model, NOTHING, Statistics()).cost is None
    learnt = Statistics(succeeded=2, billed_us=8_000_000)
    assert estimate(model, NOTHING, learnt).cost == Decimal("0.04")
    assert estimate(model, NOTHING | {"steps": 40, "samples": 3}, learnt).cost == Decimal("0.24")
    assert estimate(model, NOTHING | {"seconds": 1.5, "steps": 40}, learnt).cost == Decimal("0.015")


def test_size_counts_where_pixels_are_charged() -> None:
    model = _model(Price(rules=(PriceRule(Decimal("0.1"), PriceMethod.PER_PIXEL_TIER),)))
    assert estimate(model, NOTHING | {"width": 1024, "height": 1024}, Statistics()).cost == Decimal("0.1")
    assert estimate(model, NOTHING | {"width": 2048, "height": 1024, "samples": 2}, Statistics()).cost == Decimal("0.4")
