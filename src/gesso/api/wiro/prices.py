"""Prices in this wire's words: `dynamicprice`, which is JSON text within JSON. Source: protocol, section 7."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from gesso.domain.price import Price, PriceMethod

METHOD: Mapping[PriceMethod, str] = {
    PriceMethod.PER_REQUEST: "cpr",
    PriceMethod.PER_SECOND: "cps",
    PriceMethod.PER_OUTPUT: "cpo",
    PriceMethod.PER_PIXEL_TIER: "cp-pixel",
    PriceMethod.PER_PROMPT_CHARACTER: "cp-promptlength",
    PriceMethod.REPORTED: "cp-readoutput",
}


def dynamic_price(price: Price) -> str:
    """The rules of a Price in their order; an empty text means that it is priced by the second."""
    if not price.rules:
        return ""
    rows: list[dict[str, Any]] = []
    for rule in price.rules:
        row: dict[str, Any] = {"inputs": dict(rule.inputs), "price": _number(rule.price), "priceMethod": METHOD[rule.method]}
        if rule.extra is not None:
            row["priceExtra"] = _number(rule.extra)
        if rule.per_input is not None:
            row["priceInput"] = _number(rule.per_input)
        rows.append(row)
    return orjson.dumps(rows).decode()


def _number(amount: Decimal) -> orjson.Fragment:
    """A JSON number with the digits of the amount, which a binary float would not keep."""
    return orjson.Fragment(f"{amount.normalize():f}".encode())
