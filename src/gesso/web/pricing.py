"""Prices of all Models in words, and what one run would cost: reckoned by the same rules that charge it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.ledger import BillingMode, Statistics, plain
from gesso.domain.model import Model
from gesso.domain.parameter import Parameter
from gesso.domain.price import FREE, Consumption, Price, PriceMethod, PriceRule, as_text
from gesso.web.render import seconds_text
from gesso.web.site import Site

_EACH = {
    PriceMethod.PER_REQUEST: "a run",
    PriceMethod.PER_SECOND: "a second",
    PriceMethod.PER_OUTPUT: "a picture or file that it makes",
    PriceMethod.PER_PIXEL_TIER: "a megapixel that it makes",
    PriceMethod.PER_PROMPT_CHARACTER: "a character of the prompt",
    PriceMethod.REPORTED: "a run, or what the model reports",
}
_STEPS, _SAMPLES, _SECONDS, _WIDTH, _HEIGHT = "steps", "samples", "seconds", "width", "height"
# Fields of the calculator with their labels, what they begin with, and the most that may be typed.
FIELDS = {
    _WIDTH: ("Width", "1024", 16_384),
    _HEIGHT: ("Height", "1024", 16_384),
    _STEPS: ("Steps", "", 1_000),
    _SAMPLES: ("Pictures", "1", 1_000),
    _SECONDS: ("Seconds for one picture", "", 86_400),
}
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would come to. `cost`: None where nobody can tell without its time; `lines`: how it was reckoned, in words."""

    cost: Decimal | None
    lines: tuple[str, ...]


class PricingPages:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        return [self._site.route("/pricing", self._show)]

    async def _show(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        services = self._site.services
        statistics = await services.billing.model_statistics()
        models = services.catalog.all()
        asked = request.query_params
        priced = next((model for model in models if not is_free(model.price)), models[0] if models else None)
        chosen = next((model for model in models if model.name == asked.get("model")), priced)
        given = {name: _amount(asked.get(name, begin), most) for name, (_, begin, most) in FIELDS.items()}
        counts = statistics.get(chosen.name, Statistics()) if chosen else Statistics()
        return self._site.page(
            request,
            visitor,
            "pricing.html",
            prices=[(model, words(model.price), average(statistics.get(model.name, Statistics()))) for model in models],
            is_all_free=all(is_free(model.price) for model in models),
            is_prepaid=services.billing.mode is BillingMode.PREPAID,
            models=models,
            chosen=chosen,
            fields=[(name, label, as_text(given[name]) if given[name] else "") for name, (label, _, _) in FIELDS.items()],
            steps=default_steps(chosen) if chosen else 0,
            average=average(counts),
            estimate=estimate(chosen, given, counts) if chosen else None,
        )


def is_free(price: Price) -> bool:
    return all(rule.price == FREE for rule in price.rules) and price.per_second == FREE


def words(price: Price) -> list[str]:
    """A price as people read it, one sentence for each rule."""
    if is_free(price):
        return ["Free"]
    said = [_rule_words(rule) for rule in price.rules]
    if price.per_second:
        said.append(f"{plain(price.per_second)} credits a second{' otherwise' if said else ''}")
    return said


def _rule_words(rule: PriceRule) -> str:
    text = f"{plain(rule.price)} credits {_EACH[rule.method]}" if rule.price else "Free"
    if rule.extra is not None:
        text += f", {plain(rule.extra)} for each further one"
    if rule.per_input:
        text += f", and {plain(rule.per_input)} for each megapixel given"
    return text + "".join(f", with {name} {value}" for name, value in rule.inputs.items())


def average(counts: Statistics) -> str:
    """How long runs took here; empty while there is none."""
    return seconds_text(counts.billed_us // counts.succeeded) if counts.succeeded else ""


def estimate(model: Model, given: Mapping[str, float], counts: Statistics) -> Estimate:
    """`given`: numbers by the calculator's fields, 0 for what was left empty. `counts`: of past runs, which tell how long one takes."""
    samples = max(1, int(given[_SAMPLES]))
    steps, usual = int(given[_STEPS]), default_steps(model)
    values: dict[str, Any] = {parameter.id: parameter.default for parameter in model.parameters if not parameter.kind.is_file}
    values |= {name: int(given[name]) for name in (_STEPS, _WIDTH, _HEIGHT) if name in values and given[name]}
    values |= {_SAMPLES: samples} if _SAMPLES in values else {}
    files = {parameter.id: int(parameter.required) for parameter in model.parameters if parameter.kind.is_file}
    rule = model.price.rule(values, files)
    is_timed = (model.price.per_second != FREE) if rule is None else rule.method is PriceMethod.PER_SECOND
    lines: list[str] = []
    billed_us = 0
    if is_timed:
        one_us = int(given[_SECONDS] * _US) or (counts.billed_us // counts.succeeded if counts.succeeded else 0)
        if not one_us:
            return Estimate(None, ("It is charged by the second, and no run of it has been timed here yet: type the seconds.",))
        share = steps / usual if steps and usual and not given[_SECONDS] else 1.0
        billed_us = math.ceil(one_us * share) * samples
        source = "as typed" if given[_SECONDS] else "as runs here took on average"
        lines.append(f"{seconds_text(one_us)} for one picture, {source}")
        if share != 1:
            lines.append(f"times {steps} of the usual {usual} steps")
        if samples > 1:
            lines.append(f"times {samples} pictures")
    pixels = int(given[_WIDTH] or 1) * int(given[_HEIGHT] or 1)
    used = Consumption(billed_us, values, files, samples, (pixels,) * samples, (pixels,) * sum(files.values()))
    cost = model.price.cost(used)
    rate = _rule_words(rule) if rule else words(Price(model.price.per_second))[0]
    lines.append(f"{seconds_text(billed_us)} at {rate}" if is_timed else rate)
    return Estimate(cost, tuple(lines))


def default_steps(model: Model) -> int:
    parameter: Parameter | None = model.by_id.get(_STEPS)
    return int(parameter.default) if parameter is not None and parameter.default else 0


def _amount(text: str, most: int) -> float:
    """A number that somebody typed, within bounds; 0 for what is none."""
    try:
        number = float(text)
    except ValueError:
        return 0
    return min(number, most) if math.isfinite(number) and number > 0 else 0
