"""Engines that tell what they cost, or try to tell what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from gesso.models.contract import Device, Emit, Output


class Costly:
    """Says a first amount, then the one that counts."""

    def setup(self, device: Device, weights: Path) -> None:
        pass

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        emit.cost(Decimal(9))
        emit.cost(Decimal(inputs["amount"]))
        yield Output(b"made", "txt")
