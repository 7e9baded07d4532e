"""Prices: each method, which rule decides, exactness, and that more is never cheaper."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.limits import CHARGE_MAX_UNITS
from gesso.domain.price import (
    PICO,
    TIER_PIXELS,
    Consumption,
    Price,
    PriceMethod,
    PriceRule,
    as_text,
    billed_seconds,
    from_pico,
    to_pico,
)

AMOUNTS = st.decimals(0, 2, places=12)
USED = st.builds(
    Consumption,
    billed_us=st.integers(0, 10**10),
    values=st.fixed_dictionaries({"prompt": st.text(max_size=30), "quality": st.sampled_from(["low", "high"])}),
    files=st.fixed_dictionaries({"inputImage": st.integers(0, 4)}),
    outputs=st.integers(0, 8),
    output_pixels=st.lists(st.integers(0, 20_000_000), max_size=4).map(tuple),
    input_pixels=st.lists(st.integers(0, 20_000_000), max_size=4).map(tuple),
    reported=st.none() | AMOUNTS,
)


@st.composite
def rules(draw: st.DrawFn) -> PriceRule:
    method = draw(st.sampled_from(PriceMethod))
    further = st.none() | AMOUNTS if method is PriceMethod.PER_PIXEL_TIER else st.none()
    inputs = draw(st.sampled_from([{}, {"quality": "low"}, {"inputImage": "QUANTITY:2"}, {"quality": "high", "inputImage": "QUANTITY:1"}]))
    return PriceRule(draw(AMOUNTS), method, inputs, draw(further), draw(further))


PRICES = st.builds(Price, AMOUNTS, st.lists(rules(), max_size=4).map(tuple))


def cost(rule: PriceRule, **used: object) -> Decimal:
    return Price(rules=(rule,)).cost(Consumption(**used))  # type: ignore[arg-type]


@given(PRICES, USED)
def test_a_cost_is_never_negative_and_has_twelve_decimals(price: Price, used: Consumption) -> None:
    amount = price.cost(used)
    assert 0 <= amount <= CHARGE_MAX_UNITS
    assert amount == from_pico(to_pico(amount))
    assert amount.as_tuple().exponent == -12


@given(PRICES, USED, st.integers(0, 10**9), st.integers(0, 4), st.integers(0, 10**7))
def test_more_time_outputs_or_pixels_are_never_cheaper(price: Price, used: Consumption, us: int, outputs: int, pixels: int) -> None:
    more = replace(
        used,
        billed_us=used.billed_us + us,
        outputs=used.outputs + outputs,
        output_pixels=tuple(each + pixels for each in used.output_pixels),
        input_pixels=(*used.input_pixels, pixels),
    )
    assert price.cost(more) >= price.cost(used)


@given(st.integers(0, 10**9), AMOUNTS)
def test_shown_seconds_times_the_rate_is_the_charge(billed_us: int, rate: Decimal) -> None:
    amount = Price(rate).cost(Consumption(billed_us))
    assert abs(amount - billed_seconds(billed_us) * rate) <= PICO / 2
    assert amount == Price(rate).charge(billed_us)
    assert amount == cost(PriceRule(rate, PriceMethod.PER_SECOND), billed_us=billed_us)


@given(st.integers(-(2**62), 2**62))
def test_amounts_are_kept_as_whole_numbers_without_loss(pico: int) -> None:
    assert to_pico(from_pico(pico)) == pico


def test_per_request_is_flat() -> None:
    assert cost(PriceRule(Decimal("0.13")), billed_us=10**9, outputs=7) == Decimal("0.13")


@pytest.mark.parametrize(("outputs", "expected"), [(0, "0.02"), (1, "0.02"), (3, "0.06")])
def test_per_output_charges_each_file_and_the_base_once_for_none(outputs: int, expected: str) -> None:
    assert cost(PriceRule(Decimal("0.02"), PriceMethod.PER_OUTPUT), outputs=outputs) == Decimal(expected)


@pytest.mark.parametrize(
    ("made", "given_", "expected"),
    [
        ((TIER_PIXELS,), (), "0.05"),
        ((TIER_PIXELS + 1,), (), "0.07"),
        ((4 * TIER_PIXELS,), (), "0.11"),
        ((TIER_PIXELS, TIER_PIXELS), (), "0.10"),
        ((1,), (1, 2 * TIER_PIXELS), "0.08"),
        ((0,), (0,), "0.06"),
        ((), (), "0.05"),
    ],
)
def test_pixels_are_charged_by_started_tiers_of_each_picture(made: tuple[int, ...], given_: tuple[int, ...], expected: str) -> None:
    rule = PriceRule(Decimal("0.05"), PriceMethod.PER_PIXEL_TIER, extra=Decimal("0.02"), per_input=Decimal("0.01"))
    assert cost(rule, output_pixels=made, input_pixels=given_) == Decimal(expected)


def test_a_further_tier_costs_the_price_where_nothing_else_is_said() -> None:
    assert cost(PriceRule(Decimal("0.05"), PriceMethod.PER_PIXEL_TIER), output_pixels=(3 * TIER_PIXELS,)) == Decimal("0.15")


def test_a_prompt_is_charged_by_its_characters() -> None:
    rule = PriceRule(Decimal("0.001"), PriceMethod.PER_PROMPT_CHARACTER)
    assert cost(rule, values={"prompt": "größe"}) == Decimal("0.005")
    assert cost(rule, values={"prompt": None}) == 0


def test_a_reported_price_is_what_the_engine_tells_and_the_base_where_it_tells_nothing() -> None:
    rule = PriceRule(Decimal("0.5"), PriceMethod.REPORTED)
    assert cost(rule, reported=Decimal("0.123")) == Decimal("0.123")
    assert cost(rule, reported=Decimal(0)) == 0
    assert cost(rule) == Decimal("0.5")


def test_the_first_rule_that_fits_decides_and_seconds_where_none_does() -> None:
    price = Price(
        Decimal(1),
        (
            PriceRule(Decimal(2), inputs={"steps": "25", "upscale": "true"}),
            PriceRule(Decimal(3), inputs={"steps": "25"}),
            PriceRule(Decimal(4), inputs={"inputImages": "QUANTITY:3"}),
        ),
    )
    second = 1_000_000
    assert price.cost(Consumption(second, {"steps": 25, "upscale": True})) == 2
    assert price.cost(Consumption(second, {"steps": 25, "upscale": False})) == 3
    assert price.cost(Consumption(second, {"steps": 26}, {"inputImages": 3})) == 4
    assert price.cost(Consumption(second, {"steps": 26}, {"inputImages": 2})) == 1
    assert Price(rules=(PriceRule(Decimal(5)), PriceRule(Decimal(6)))).cost(Consumption()) == 5, "no inputs: flat"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (False, "false"), (25, "25"), (25.0, "25"), (3.5, "3.5"), ("720p", "720p"), (["a", "b"], "a,b")],
)
def test_values_compare_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("amount", ["-0.1", "NaN", "Infinity", "1e-13", str(CHARGE_MAX_UNITS + 1)])
def test_a_price_that_the_books_cannot_hold_is_refused_when_it_is_declared(amount: str) -> None:
    with pytest.raises(ValueError, match="price"):
        Price(Decimal(amount))
    with pytest.raises(ValueError, match="price"):
        PriceRule(Decimal(amount))


def test_declarations_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        PriceRule(Decimal(1), PriceMethod.PER_REQUEST, extra=Decimal(1))
    with pytest.raises(ValueError, match="as text"):
        PriceRule(Decimal(1), inputs={"steps": 25})  # type: ignore[dict-item]


def test_no_task_costs_more_than_the_bound() -> None:
    dear = Price(rules=(PriceRule(Decimal(CHARGE_MAX_UNITS), PriceMethod.PER_OUTPUT),))
    assert dear.cost(Consumption(outputs=9)) == CHARGE_MAX_UNITS
