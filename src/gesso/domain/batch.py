"""Batches: Tasks that an Engine carries out together, as one piece of work."""

from __future__ import annotations

from dataclasses import dataclass

ALONE = "gesso-alone"
"""A field of an order beside its Model's parameters: whatever its value, the Task shares no Batch."""


@dataclass(frozen=True, slots=True)
class Fit:
    """With whom a Task may share a Batch: with those of the same `key`, as long as their sizes together are `most` at most.

    `size`: what it takes of the Batch, one at least; of pictures, how many they are.
    """

    key: str
    size: int
    most: int
