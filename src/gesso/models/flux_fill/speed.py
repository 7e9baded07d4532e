"""Speed: what may be left out of a drawing for a picture that is nearly the same. Off unless a Task asks for it.

The transformer changes little from one step to the next. First Block Cache runs the first block of each step, and when that moved by less
than a threshold, takes over what the other blocks added in the last full step. Where the threshold should be depends on the weights:
the values here come from FLUX.1 [dev] and are not calibrated on FLUX Fill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from diffusers.hooks.first_block_cache import FirstBlockCacheConfig

from gesso.models.flux_fill.rows import RowHead, by_row

_FEWEST_TOKENS = 128
_TOKENS_STEP = 64


class Speed(StrEnum):
    """EXACT leaves out nothing. BALANCED skips steps that change little. TURBO skips more, and shows the model fewer empty words."""

    EXACT = "exact"
    BALANCED = "balanced"
    TURBO = "turbo"


def text_length(tokens: int, most: int, speed: Speed) -> int:
    """How many tokens of text the model sees for a prompt of `tokens`.

    It was trained with `most` of them, mostly padding, which takes part in attention; with less of it there is less to compute, and the
    picture is another one.
    """
    if speed is not Speed.TURBO:
        return most
    return min(most, max(_FEWEST_TOKENS, -(-tokens // _TOKENS_STEP) * _TOKENS_STEP))


class Shortcuts:
    """The cache of one transformer. It holds features between steps, so it is emptied before each drawing, whatever became of the last."""

    def __init__(self, transformer: Any, options: Mapping[str, Any]) -> None:
        self._transformer = transformer
        self._thresholds: dict[Speed, float | None] = {speed: options.get(f"{speed}_threshold") for speed in (Speed.BALANCED, Speed.TURBO)}
        self._threshold: float | None = None
        self._head: RowHead | None = None

    @contextmanager
    def taken(self, speed: Speed) -> Iterator[None]:
        """Around one drawing. The pipeline of FLUX Fill names no context for caches, as others do, so it is named here."""
        self._set(self._thresholds.get(speed))
        self._transformer._reset_stateful_cache()
        with self._transformer.cache_context("fill"):
            yield

    def drop(self) -> None:
        """Take the cache off the transformer until the next drawing that wants it."""
        self._set(None)

    def skipped(self, count: int) -> list[bool]:
        """Of which of the `count` pictures most of the step just made was taken from the cache."""
        return [False] * count if self._head is None else (~self._head.moved).tolist()

    def _set(self, threshold: float | None) -> None:
        if threshold == self._threshold:
            return
        if self._threshold is not None:
            self._transformer.disable_cache()
            self._head = None
        if threshold is not None:
            self._transformer.enable_cache(FirstBlockCacheConfig(threshold=threshold))
            self._head = by_row(self._transformer, threshold)
        self._threshold = threshold
