"""The attention kernel: tried once, when a Worker starts, because a wrong one breaks every model of the process.

diffusers keeps one choice for the whole process. A Worker holds one model, so that is what is wanted; but a kernel whose package is there
and whose GPU is not must be found here, and not in the first Task.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.attention_dispatch import attention_backend, dispatch_attention_fn

NATIVE = "native"
# In the order of what is known of them. Those that would fetch a kernel from the network are used only when asked for by name; those that
# compute attention in 8 bits are no choice for exact pictures.
_CANDIDATES = ("_flash_3", "flash", "_native_cudnn")
_TRIAL_TOKENS = 2048
_ROUNDS = 5
# What the order of summing may change, as a share of the largest value.
_TOLERANCE = 0.02


def set_attention(transformer: Any, device: str, wanted: str, candidates: Sequence[str] = _CANDIDATES) -> tuple[str, str]:
    """Have the transformer use `wanted`, or for "auto" the quickest of the candidates and diffusers' own; its name and a sentence.

    One that does not run here, or computes something else, is passed over.
    """
    names = (NATIVE, *(candidates if wanted == "auto" and device != "cpu" else ())) if wanted == "auto" else (NATIVE, wanted)
    trial = _Trial(transformer, device)
    seconds, reasons = {}, {}
    for name in dict.fromkeys(names):
        try:
            seconds[name] = trial.seconds(name)
        except Exception as error:
            reasons[name] = f"{type(error).__name__}: {error}".partition("\n")[0]
    best = wanted if wanted in seconds else min(seconds, key=seconds.__getitem__, default=NATIVE)
    if best != NATIVE:
        transformer.set_attention_backend(best)
    if wanted in reasons:
        return best, f"Attention by {best}: {wanted}, which the settings ask for, does not run here ({reasons[wanted]})."
    measured = ", ".join(f"{name} {1000 * each:.2f} ms" for name, each in seconds.items()) if len(seconds) > 1 else ""
    return best, f"Attention by {best}{f' ({measured})' if measured else ''}."


class _Trial:
    """One attention of the transformer's own shape, whose right answer is known."""

    def __init__(self, transformer: Any, device: str) -> None:
        config, self._device = transformer.config, device
        tokens = _TRIAL_TOKENS if device != "cpu" else 64
        shape = 1, tokens, config.num_attention_heads, config.attention_head_dim
        generator = torch.Generator("cpu").manual_seed(0)
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        self._inputs = [torch.randn(shape, generator=generator).to(device, dtype) for _ in range(3)]
        query, key, value = (each.float().transpose(1, 2) for each in self._inputs)
        self._right = torch.nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)

    @torch.no_grad()
    def seconds(self, name: str) -> float:
        """The best of some rounds. Errors: whatever the kernel raises; ArithmeticError for a wrong answer."""
        with attention_backend(name):
            answer = self._answer()
            if not torch.allclose(answer.float(), self._right, rtol=0, atol=_TOLERANCE * float(self._right.abs().max())):
                raise ArithmeticError("it computes something else")
            return min(self._round() for _ in range(_ROUNDS))

    def _round(self) -> float:
        self._wait()
        begun = time.perf_counter()
        self._answer()
        self._wait()
        return time.perf_counter() - begun

    def _answer(self) -> torch.Tensor:
        query, key, value = self._inputs
        return dispatch_attention_fn(query, key, value)

    def _wait(self) -> None:
        if self._device != "cpu":
            torch.cuda.synchronize(self._device)
