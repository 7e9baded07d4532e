"""Prices and Charges, in exact decimal arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

PICO = Decimal("0.000000000001")
FREE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """What a Task costs: `per_second` of billed time, in units of account. Zero is free."""

    per_second: Decimal = FREE

    def charge(self, billed_us: int) -> Decimal:
        """The amount for `billed_us` microseconds of work, rounded half up to 12 decimals; never negative.

        Billed time is counted in ten-thousandths of a second, as it is shown: what is shown multiplies to what is charged.
        """
        return (billed_seconds(billed_us) * self.per_second).quantize(PICO, ROUND_HALF_UP)


def billed_seconds(billed_us: int) -> Decimal:
    """Seconds with 4 decimals, as they are shown and charged."""
    return (Decimal(max(0, billed_us)) / 1_000_000).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def to_pico(amount: Decimal) -> int:
    """An amount as an integer of 10^-12 units, as it is stored."""
    return int(amount.scaleb(12).to_integral_value(ROUND_HALF_UP))


def from_pico(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-12).quantize(PICO)
