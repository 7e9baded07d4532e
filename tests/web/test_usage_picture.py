"""What was used, as bars and rows: nothing is lost on the way, and bars stay within their picture."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.ledger import Statistics, UsageDay
from gesso.web.usage import HEIGHT, WIDTH, usage_of

_COUNTS = st.builds(
    lambda runs, us, pico: Statistics(submitted=runs, succeeded=runs, billed_us=us, amount=Decimal(pico).scaleb(-12)),
    st.integers(0, 10**6),
    st.integers(0, 10**12),
    st.integers(0, 10**16),
)
_USED = st.lists(st.builds(UsageDay, st.just(1), st.sampled_from([f"m/{n}" for n in range(9)]), st.integers(90, 125), _COUNTS), max_size=40)


@given(_USED, st.sampled_from(["", "credits", "runs", "time"]))
def test_rows_add_up_and_bars_stay_inside(used: list[UsageDay], measure: str) -> None:
    usage = usage_of(used, 100, 119, measure)
    inside = [each.counts for each in used if 100 <= each.day <= 119]
    assert sum((row.counts for row in usage.models), Statistics()) == sum(inside, Statistics()) == usage.total
    assert sum((row.counts for row in usage.days), Statistics()) == usage.total
    for bar in usage.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert all(part.height > 0 and part.y >= -0.01 for part in bar.parts)
        assert sum(part.height for part in bar.parts) <= HEIGHT + 0.1
        assert {part.series for part in bar.parts} <= {1, 2, 3, 4, 5}


def test_the_highest_day_fills_the_picture_and_is_named() -> None:
    used = [UsageDay(1, "m/a", 100, Statistics(submitted=3)), UsageDay(1, "m/b", 100, Statistics(submitted=1))]
    usage = usage_of([*used, UsageDay(1, "m/a", 101, Statistics(submitted=2))], 100, 101, "")
    assert usage.measure == "runs", "where nothing cost anything, credits would show nothing"
    assert usage.top == "4 runs"
    assert [(part.series, part.y, part.height) for part in usage.bars[0].parts] == [(1, 50, 150), (2, 0, 50)]
    assert usage.bars[0].title == "11 Apr 1970: 4 runs"


def test_nothing_used_is_empty() -> None:
    assert usage_of([], 100, 129, "credits").is_empty
