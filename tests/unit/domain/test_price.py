"""Money is exact, never negative, and what is shown multiplies to what is charged."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.price import Price, billed_seconds, from_pico, to_pico

RATES = st.decimals(0, 1000, places=8).map(Price)
TIMES = st.integers(-(10**6), 10**13)


@given(RATES, TIMES)
def test_a_charge_is_never_negative_and_what_is_shown_gives_it(price: Price, billed_us: int) -> None:
    charge = price.charge(billed_us)
    assert charge >= 0
    assert charge == billed_seconds(billed_us) * price.per_second


@given(RATES, TIMES, TIMES)
def test_more_time_never_costs_less(price: Price, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert price.charge(low) <= price.charge(high)


@given(st.decimals(0, 10**6, places=12))
def test_an_amount_survives_being_stored(amount: Decimal) -> None:
    assert from_pico(to_pico(amount)) == amount


def test_half_a_ten_thousandth_of_a_second_is_rounded_up() -> None:
    assert billed_seconds(49) == Decimal("0.0000")
    assert billed_seconds(50) == Decimal("0.0001")
    assert Price(Decimal("0.0007")).charge(1_234_550) == Decimal("1.2346") * Decimal("0.0007")


def test_a_clock_that_went_back_costs_nothing() -> None:
    assert Price(Decimal(1)).charge(-5_000_000) == 0
