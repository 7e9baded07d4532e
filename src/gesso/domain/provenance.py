"""Provenance: what a Task was made with, so that it can be made again and differences can be named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MadeWith:
    """What an Engine says of a run. `environment`: versions, device, weights and whatever else its pixels may depend on, by name.
    `used`: what it decided for this run, as JSON can say it."""

    environment: Mapping[str, str]
    used: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the Outputs of a Task depend on besides its values, and what came of it.

    `inputs`: SHA-256 of each file, by parameter. `outputs`: SHA-256 of each Output in its order.
    """

    made_with: MadeWith
    inputs: Mapping[str, tuple[str, ...]]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A thing that is another than it was; an empty text where it was, or is, not told."""

    name: str
    before: str
    after: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What differs, in the order of `before`, then what only `after` has."""
    names = dict.fromkeys((*before, *after))
    return tuple(Change(name, _text(before.get(name)), _text(after.get(name))) for name in names if before.get(name) != after.get(name))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
