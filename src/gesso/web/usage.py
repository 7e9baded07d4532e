"""What a Project used, as a picture of bars by day and as rows by Model. Pure: templates draw it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gesso.domain.ledger import Statistics, UsageDay
from gesso.web.render import credits_text, number_text, seconds_text

# What bars may stand for, with the word for it.
MEASURES = {"credits": "Credits", "runs": "Runs", "time": "Time"}
WIDTH, HEIGHT = 1_000, 200
_GAP_SHARE = 0.28
_SERIES_MAX_COUNT = 5
_EPOCH = datetime.date(1970, 1, 1)
_OF: Mapping[str, Callable[[Statistics], Decimal]] = {
    "credits": lambda counts: counts.amount,
    "runs": lambda counts: Decimal(counts.submitted),
    "time": lambda counts: Decimal(counts.billed_us),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar, in units of the picture. `series`: from 1."""

    series: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One day. `title`: what is read out and shown on it."""

    x: float
    width: float
    parts: tuple[Part, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """What one Model, or one day, came to."""

    name: str
    counts: Statistics
    series: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """`top`: what the full height stands for. `models`: most of the measure first; `days`: newest first, those with something only."""

    measure: str
    bars: tuple[Bar, ...]
    top: str
    first: str
    last: str
    models: tuple[Row, ...]
    days: tuple[Row, ...]
    total: Statistics

    @property
    def is_empty(self) -> bool:
        return not self.models


def usage_of(used: Sequence[UsageDay], first_day: int, last_day: int, measure: str) -> Usage:
    """Days are counted since 1970, UTC; what is outside of them is left out. `measure`: one of MEASURES, or anything else for the first
    that has something to show."""
    by_model: dict[str, Statistics] = defaultdict(Statistics)
    by_day: dict[int, dict[str, Statistics]] = defaultdict(lambda: defaultdict(Statistics))
    for each in used:
        if first_day <= each.day <= last_day:
            by_model[each.model] += each.counts
            by_day[each.day][each.model] += each.counts
    total = sum(by_model.values(), Statistics())
    if measure not in MEASURES:
        measure = "credits" if total.amount else "runs"
    of = _OF[measure]
    ranked = sorted(by_model, key=lambda name: (-of(by_model[name]), name))
    series = {name: min(place, _SERIES_MAX_COUNT) for place, name in enumerate(ranked, 1)}
    top = max((sum(map(of, models.values()), Decimal(0)) for models in by_day.values()), default=Decimal(0))
    step = WIDTH / max(1, last_day - first_day + 1)
    bars = tuple(
        Bar(
            round((day - first_day + _GAP_SHARE / 2) * step, 2),
            round(step * (1 - _GAP_SHARE), 2),
            _parts(by_day[day], series, of, top),
            f"{_date(day)}: {_said(sum(map(of, by_day[day].values()), Decimal(0)), measure)}",
        )
        for day in sorted(by_day)
    )
    days = tuple(Row(_date(day), sum(by_day[day].values(), Statistics())) for day in sorted(by_day, reverse=True))
    models = tuple(Row(name, by_model[name], series[name]) for name in ranked)
    return Usage(measure, bars, _said(top, measure), _date(first_day), _date(last_day), models, days, total)


def _parts(
    models: Mapping[str, Statistics], series: Mapping[str, int], of: Callable[[Statistics], Decimal], top: Decimal
) -> tuple[Part, ...]:
    """From the ground up, in the order of the series."""
    amounts: dict[int, Decimal] = defaultdict(Decimal)
    for name, counts in models.items():
        amounts[series[name]] += of(counts)
    parts: list[Part] = []
    ground = float(HEIGHT)
    for place in sorted(amounts):
        # What is lower than a hundredth is not seen.
        height = round(float(amounts[place] / top) * HEIGHT, 2) if top else 0.0
        if height:
            ground -= height
            parts.append(Part(place, round(ground, 2), height))
    return tuple(parts)


def _said(amount: Decimal, measure: str) -> str:
    if measure == "time":
        return seconds_text(int(amount))
    if measure == "runs":
        return f"{number_text(int(amount))} {'run' if amount == 1 else 'runs'}"
    return f"{credits_text(amount)} credits"


def _date(day: int) -> str:
    return f"{_EPOCH + datetime.timedelta(days=day):%-d %b %Y}"
