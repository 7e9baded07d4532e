"""Prompts: texts as the model reads them, encoded once and remembered, with the sentences for what of them it does not read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from gesso.models.contract import Emit
from gesso.models.flux_fill.speed import Speed, text_length

CLIP_TOKENS = 77
T5_TOKENS = 512
# About 4 MB each at full size.
_MOST_PROMPTS = 16


@dataclass(frozen=True, slots=True)
class Prompt:
    """An encoded prompt. Shapes: `words` [1, tokens, features] of T5; `summary` [1, features] of CLIP."""

    words: torch.Tensor
    summary: torch.Tensor


class Prompts:
    """Those of one loaded pipeline. `reading`: around the text encoders' work, with their device. `most_tokens`: what texts are padded or
    cut to."""

    def __init__(self, pipeline: Any, reading: Callable[[], AbstractContextManager[str | None]]) -> None:
        self._pipeline = pipeline
        self._reading = reading
        self._kept: OrderedDict[tuple[str, int], Prompt] = OrderedDict()
        # A small model of this architecture may have learned with shorter ones.
        self.most_tokens = min(T5_TOKENS, pipeline.tokenizer_2.model_max_length)
        self._clip_tokens = min(CLIP_TOKENS, pipeline.tokenizer.model_max_length)

    def length(self, prompt: str, speed: Speed) -> int:
        """How many tokens of text the model is shown."""
        return text_length(self._tokens(prompt), self.most_tokens, speed)

    def encoded(self, prompt: str, speed: Speed) -> Prompt:
        length = self.length(prompt, speed)
        found = self._kept.pop((prompt, length), None)
        if found is None:
            # The method does not switch gradients off itself: what it returns would keep all activations of T5 alive.
            with torch.no_grad(), self._reading() as device:
                words, summary, _ = self._pipeline.encode_prompt(
                    prompt=[prompt], prompt_2=None, max_sequence_length=length, device=device and torch.device(device)
                )
            place = self._pipeline.vae.device
            found = Prompt(words.to(place), summary.to(place))
        self._kept[prompt, length] = found
        if len(self._kept) > _MOST_PROMPTS:
            self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        self._kept.clear()

    def warn_of_cut(self, prompt: str, emit: Emit) -> None:
        detail = self._tokens(prompt)
        summary = len(self._pipeline.tokenizer(prompt).input_ids)
        if detail > self.most_tokens:
            emit.warn(
                f"The prompt has {detail} tokens and the model reads the first {self.most_tokens}: what comes after them has no effect. "
                "Say the most important first, or shorten it."
            )
        elif summary > self._clip_tokens:
            emit.warn(
                f"The prompt has {summary} tokens, of which the encoder of its overall sense reads the first {self._clip_tokens}; "
                f"the one for detail reads all of it. Say the most important first."
            )

    def _tokens(self, prompt: str) -> int:
        return len(self._pipeline.tokenizer_2(prompt).input_ids)
