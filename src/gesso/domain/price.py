"""Prices: what a Task costs, in exact arithmetic. Amounts are units of account with 12 decimals at most, counted in integers of 10^-12.

Source of the methods: protocol, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from gesso.domain.limits import CHARGE_MAX_UNITS

PICO = Decimal("0.000000000001")
FREE = Decimal(0)
TIER_PIXELS = 1_048_576
PROMPT = "prompt"
_QUANTITY = "QUANTITY:"
_UNIT_PICO = 10**12
_TICKS_PER_SECOND = 10_000


class PriceMethod(StrEnum):
    """What a price is multiplied by."""

    PER_REQUEST = "per-request"
    PER_SECOND = "per-second"
    PER_OUTPUT = "per-output"
    PER_PIXEL_TIER = "per-pixel-tier"
    PER_PROMPT_CHARACTER = "per-prompt-character"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Consumption:
    """What a finished Task used, as far as prices look at it.

    `values`: its checked parameters. `files`: for each file parameter, how many files it had. `output_pixels`, `input_pixels`: of each
    picture among the Outputs and inputs. `reported`: the amount that the Engine told, if it told one.
    """

    billed_us: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    outputs: int = 0
    output_pixels: tuple[int, ...] = ()
    input_pixels: tuple[int, ...] = ()
    reported: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A price for the Tasks whose inputs are as `inputs` says: values as text, or "QUANTITY:3" for the count of a parameter's files.

    `extra`: of each further tier of PER_PIXEL_TIER; the price itself where it is not given. `per_input`: there, of each input picture
    and tier. REPORTED costs what the Engine tells, and `price` where it tells nothing. Errors: ValueError.
    """

    price: Decimal
    method: PriceMethod = PriceMethod.PER_REQUEST
    inputs: Mapping[str, str] = field(default_factory=dict)
    extra: Decimal | None = None
    per_input: Decimal | None = None

    def __post_init__(self) -> None:
        for amount in (self.price, self.extra, self.per_input):
            if amount is not None:
                check_price(amount)
        if self.method is not PriceMethod.PER_PIXEL_TIER and (self.extra, self.per_input) != (None, None):
            raise ValueError(f"a price {self.method.value} has neither `extra` nor `per_input`")
        if any(not isinstance(value, str) for value in self.inputs.values()):
            raise ValueError("the inputs of a price are compared as text: write them as text")

    def fits(self, values: Mapping[str, Any], files: Mapping[str, int]) -> bool:
        return all(_is_as(wanted, values.get(name), files.get(name, 0)) for name, wanted in self.inputs.items())

    def cost_pico(self, used: Consumption) -> int:
        """The amount in 10^-12 units. It never falls when more is used."""
        price = to_pico(self.price)
        match self.method:
            case PriceMethod.PER_REQUEST:
                return price
            case PriceMethod.PER_SECOND:
                return _per_second(price, used.billed_us)
            case PriceMethod.PER_OUTPUT:
                return price * max(1, used.outputs)
            case PriceMethod.PER_PIXEL_TIER:
                return self._pixels(price, used)
            case PriceMethod.PER_PROMPT_CHARACTER:
                return price * len(as_text(used.values.get(PROMPT)))
            case PriceMethod.REPORTED:
                return price if used.reported is None else max(0, to_pico(used.reported))

    def _pixels(self, price: int, used: Consumption) -> int:
        extra = price if self.extra is None else to_pico(self.extra)
        per_input = to_pico(self.per_input or FREE)
        # A picture whose size nobody can tell is one tier, and so is a run without one.
        outputs = sum(price + extra * (_tiers(pixels) - 1) for pixels in used.output_pixels or (0,))
        return outputs + sum(per_input * _tiers(pixels) for pixels in used.input_pixels)


@dataclass(frozen=True, slots=True)
class Price:
    """What a Task of a Model costs. The first of `rules` that fits decides; where none does, `per_second` of billed time. Zero is free.

    Errors: ValueError for an amount that cannot be charged exactly.
    """

    per_second: Decimal = FREE
    rules: tuple[PriceRule, ...] = ()

    def __post_init__(self) -> None:
        check_price(self.per_second)

    @property
    def counts_pixels(self) -> bool:
        return any(rule.method is PriceMethod.PER_PIXEL_TIER for rule in self.rules)

    def rule(self, values: Mapping[str, Any], files: Mapping[str, int]) -> PriceRule | None:
        """The rule for these inputs; None means `per_second`."""
        return next((rule for rule in self.rules if rule.fits(values, files)), None)

    def cost(self, used: Consumption) -> Decimal:
        """The amount for a Task that succeeded; never negative, and never over CHARGE_MAX_UNITS."""
        rule = self.rule(used.values, used.files)
        pico = _per_second(to_pico(self.per_second), used.billed_us) if rule is None else rule.cost_pico(used)
        return from_pico(min(pico, CHARGE_MAX_UNITS * _UNIT_PICO))

    def charge(self, billed_us: int) -> Decimal:
        """What `per_second` comes to for `billed_us` microseconds, rounded half up to 12 decimals; never negative.

        Billed time is counted in ten-thousandths of a second, as it is shown: what is shown multiplies to what is charged.
        """
        return from_pico(_per_second(to_pico(self.per_second), billed_us))


def check_price(amount: Decimal) -> None:
    """Errors: ValueError unless the amount is one that the books can hold: not negative, 12 decimals at most, not over CHARGE_MAX_UNITS."""
    if not isinstance(amount, Decimal) or not amount.is_finite() or not 0 <= amount <= CHARGE_MAX_UNITS:
        raise ValueError(f"a price is a Decimal from 0 to {CHARGE_MAX_UNITS}, and not {amount!r}")
    if amount != from_pico(to_pico(amount)):
        raise ValueError(f"a price has 12 decimals at most, and {amount} has more")


def as_text(value: Any) -> str:
    """A checked value in the text form in which prices compare it: true and false, whole numbers without a fraction, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return ",".join(map(as_text, value)) if isinstance(value, list | tuple) else str(value)


def _is_as(wanted: str, value: Any, file_count: int) -> bool:
    if wanted.startswith(_QUANTITY):
        return wanted.removeprefix(_QUANTITY) == str(file_count)
    return as_text(value) == wanted


def _tiers(pixels: int) -> int:
    return max(1, -(-pixels // TIER_PIXELS))


def _per_second(rate_pico: int, billed_us: int) -> int:
    ticks = int(billed_seconds(billed_us).scaleb(4))
    return (ticks * rate_pico + _TICKS_PER_SECOND // 2) // _TICKS_PER_SECOND


def billed_seconds(billed_us: int) -> Decimal:
    """Seconds with 4 decimals, as they are shown and charged."""
    return (Decimal(max(0, billed_us)) / 1_000_000).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def to_pico(amount: Decimal) -> int:
    """An amount as an integer of 10^-12 units, as it is stored."""
    return int(amount.scaleb(12).to_integral_value(ROUND_HALF_UP)) if amount else 0


def from_pico(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-12).quantize(PICO)
