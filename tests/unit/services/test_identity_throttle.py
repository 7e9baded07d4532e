"""How often somebody may fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.errors import TooManyAttempts
from gesso.services.throttle import Throttle, network_of
from gesso.testing import FakeClock


def is_let(throttle: Throttle, name: str = "ada") -> bool:
    try:
        throttle.take(name)
    except TooManyAttempts:
        return False
    return True


def test_a_burst_then_one_more_after_each_interval() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, burst_count=3, refill_s=10)
    assert [is_let(throttle) for _ in range(5)] == [True, True, True, False, False]
    assert is_let(throttle, "bob")
    clock.advance(10)
    assert [is_let(throttle) for _ in range(2)] == [True, False]
    clock.advance(1000)
    assert [is_let(throttle) for _ in range(5)] == [True, True, True, False, False]


def test_the_error_says_how_long() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, burst_count=1, refill_s=10)
    throttle.take("ada")
    clock.advance(2.5)
    with pytest.raises(TooManyAttempts, match="in 8 seconds") as caught:
        throttle.take("ada")
    assert caught.value.retry_after_s == 8
    clock.advance(7.5)
    throttle.take("ada")


def test_what_is_given_back_was_not_taken() -> None:
    throttle = Throttle(FakeClock(), burst_count=2, refill_s=10)
    for _ in range(100):
        throttle.take("ada")
        throttle.give_back("ada")
    throttle.give_back("nobody")


def test_memory_is_bounded_and_the_newest_are_kept() -> None:
    throttle = Throttle(FakeClock(), burst_count=1, refill_s=10, max_count=10)
    for number in range(1000):
        throttle.take(str(number))
    assert not is_let(throttle, "999")
    assert is_let(throttle, "0")


@given(st.integers(1, 20), st.floats(0.1, 100), st.lists(st.floats(0, 50), max_size=100))
def test_no_order_of_attempts_gets_more_than_the_burst_and_the_refill(burst: int, refill_s: float, pauses: list[float]) -> None:
    clock = FakeClock()
    throttle = Throttle(clock, burst, refill_s)
    taken = 0
    for pause in pauses:
        clock.advance(pause)
        taken += is_let(throttle)
    assert taken <= burst + clock.monotonic() / refill_s + 1e-6


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
        ("", ""),
        ("x" * 5000, "x" * 64),
    ],
)
def test_a_network_is_what_one_sender_controls(address: str, network: str) -> None:
    assert network_of(address) == network
