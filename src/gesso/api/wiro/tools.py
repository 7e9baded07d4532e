"""A Model as this wire's tool: its description, and its parameters as form items. Source: protocol, sections 2.6, 2.7 and 3.

Go and JavaScript clients know two spellings of an item's keys (minvalue/min, defaultvalue/default, text/label): each item has both.
"""

from __future__ import annotations

import math
from typing import Any

from gesso.api.wiro.prices import dynamic_price
from gesso.domain.ledger import Statistics
from gesso.domain.model import Model, clean
from gesso.domain.parameter import Kind, Parameter, written
from gesso.domain.price import FREE, billed_seconds

ITEM_TYPE = {
    Kind.TEXT: "text",
    Kind.TEXTAREA: "textarea",
    Kind.INTEGER: "number",
    Kind.NUMBER: "float",
    Kind.SEED: "text",
    Kind.SELECT: "select",
    Kind.MULTISELECT: "multiselect",
    Kind.CHECKBOX: "checkbox",
    Kind.FILE: "fileinput",
    Kind.FILES: "multifileinput",
}
_ROWS = {Kind.TEXTAREA: "4"}
NO_RUNS = Statistics()


def tool(model: Model, number: int, is_summary: bool = False, readme: str = "", counts: Statistics = NO_RUNS) -> dict[str, Any]:
    """The tool object. `parameters` is null and the readme empty in a summary. Its `categories` is a list, where a task's is JSON text.

    `readme`: HTML. `counts`: of the model's tasks on this server.
    """
    return {
        "id": str(number),
        "title": model.title,
        "slugowner": model.owner,
        "slugproject": model.slug,
        "cleanslugowner": clean(model.owner),
        "cleanslugproject": clean(model.slug),
        "description": model.description,
        "seotitle": model.title,
        "seodescription": model.description,
        "image": model.samples[0] if model.samples else "",
        "cover": model.samples[0] if model.samples else "",
        "computingtime": _computing_time(counts),
        "categories": list(model.categories),
        "tags": list(model.tags),
        "samples": list(model.samples),
        "readme": "" if is_summary else readme,
        "parameters": None if is_summary else groups(model),
        "inspire": [dict(inspire) for inspire in model.inspires],
        "marketplace": 0,
        "onlymembers": "0",
        "averagepoint": "0.00",
        "commentcount": "0",
        "ratedusercount": "0",
        "dynamicprice": dynamic_price(model.price),
        "cps": f"{model.price.per_second:.12f}",
        "approximatelycost": _approximate_cost(counts),
        "taskstat": taskstat(counts),
    }


def taskstat(counts: Statistics) -> dict[str, Any]:
    """How the model's tasks went: only the first count is a number. What was cancelled is neither a success nor an error."""
    return {
        "runcount": counts.submitted,
        "successcount": str(counts.succeeded),
        "errorcount": str(counts.failed),
        "lastruntime": str(counts.last_at // 1_000_000),
        "elapsedseconds": str(billed_seconds(counts.billed_us)),
    }


def _computing_time(counts: Statistics) -> str:
    """The mean of the runs that succeeded, as the protocol writes it; empty before the first."""
    if not counts.succeeded:
        return ""
    seconds = math.ceil(counts.billed_us / counts.succeeded / 1_000_000)
    return f"{seconds} second{'s' * (seconds != 1)}"


def _approximate_cost(counts: Statistics) -> str:
    """What a run costs on the average; "0" before the first one, and for a model that is free."""
    cost = counts.amount / counts.succeeded if counts.succeeded else FREE
    return f"{cost:.12f}" if cost else "0"


def groups(model: Model) -> list[dict[str, Any]]:
    return [{"title": group.title, "subtitle": "", "items": [item(parameter) for parameter in group.parameters]} for group in model.groups]


def item(parameter: Parameter) -> dict[str, Any]:
    """One form item. Bounds that are unset are left out in the newer spelling: one client reads an empty text as 0."""
    default = default_text(parameter.default)
    is_seed = parameter.kind is Kind.SEED and parameter.default is not None
    newer = {
        "default": default if is_seed else parameter.default,
        "min": parameter.minimum,
        "max": parameter.maximum,
        "step": parameter.step,
    }
    return {
        "type": ITEM_TYPE[parameter.kind],
        "id": parameter.id,
        "label": parameter.label or parameter.id,
        "description": parameter.help,
        "placeholder": parameter.placeholder,
        "note": parameter.note,
        "class": "",
        "required": parameter.required,
        "advanced": parameter.advanced,
        "quick": False,
        "rows": _ROWS.get(parameter.kind, ""),
        "value": default,
        "defaultvalue": default,
        "minvalue": _bound(parameter.minimum),
        "maxvalue": _bound(parameter.maximum),
        "incrementby": _bound(parameter.step),
        "optionsLoad": "",
        "options": [
            {"value": option.value, "label": option.label or option.value, "text": option.label or option.value}
            for option in parameter.options
        ],
        "maxinputlenght": parameter.max_length if parameter.kind in (Kind.TEXT, Kind.TEXTAREA) else 0,
        "template": "",
        **{name: value for name, value in newer.items() if value is not None},
    }


def _bound(number: float | None) -> str:
    return "" if number is None else written(number)


def default_text(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, float):
        return written(default)
    return ",".join(map(str, default)) if isinstance(default, list | tuple) else str(default)
