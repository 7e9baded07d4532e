"""The attention kernel: tried once for a device and its libraries, because a wrong one breaks every model of the process.

diffusers keeps one choice for the whole process. A Worker holds one model, so that is what is wanted; but a kernel whose package is there
and whose GPU is not must be found here, and not in the first Task.

Kernels round differently, and which one is quickest may be a matter of luck. So what was chosen is written down beside the weights, and
every later Worker takes it: the same seed gives the same picture in all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_dispatch import attention_backend, dispatch_attention_fn

from gesso.models.environment import version_of

AUTO, NATIVE = "auto", "native"
# In the order of what is known of them. Those that would fetch a kernel from the network are used only when asked for by name; those that
# compute attention in 8 bits are no choice for exact pictures.
_CANDIDATES = ("_flash_3", "flash", "_native_cudnn")
_TRIAL_TOKENS = 2048
_ROUNDS = 5
# What the order of summing may change, as a share of the largest value.
_TOLERANCE = 0.02


# Those of which kernels come, and which may change them.
_PACKAGES = ("torch", "diffusers", "flash-attn", "flash-attn-3", "kernels")


def set_attention(
    transformer: Any, device: str, wanted: str, kept: Path | None = None, candidates: Sequence[str] | None = None
) -> tuple[str, str]:
    """Have the transformer use `wanted`, or for "auto" what was chosen here before; its name and a sentence.

    Where nothing was chosen yet that is the quickest of the candidates and diffusers' own; by default there are none on a CPU. `kept`: the
    folder in which choices are written down. Where that cannot be done diffusers' own is taken, lest each Worker choose anew. A kernel that
    does not run here, or computes something else, is passed over.
    """
    trial = _Trial(transformer, device)
    if wanted != AUTO:
        measured, reasons = _tried(trial, (NATIVE, wanted))
        best = wanted if wanted in measured else NATIVE
        by = f": {wanted}, which the settings ask for, does not run here ({reasons[wanted]})" if wanted in reasons else _times(measured)
    else:
        candidates = candidates if candidates is not None else () if device == "cpu" else _CANDIDATES
        best, by = _chosen(trial, candidates, kept and _Choice(kept, transformer, device))
    if best != NATIVE:
        transformer.set_attention_backend(best)
    return best, f"Attention by {best}{by}."


def _chosen(trial: _Trial, candidates: Sequence[str], choice: _Choice | None) -> tuple[str, str]:
    """For "auto": the name, and how it came to that."""
    if not candidates:
        return NATIVE, ""
    before = choice and choice.read()
    if not before:
        measured, _ = _tried(trial, (NATIVE, *candidates))
        best = min(measured, key=measured.__getitem__, default=NATIVE)
        before = choice and choice.keep(best)
        if before == best:
            return best, _times(measured)
    if not before:
        return NATIVE, ": a choice of another one cannot be kept beside the weights, and each worker would choose anew"
    _, reasons = _tried(trial, (before,))
    if before in reasons:
        return NATIVE, f": {before}, which was chosen here before, does not run now ({reasons[before]})"
    return before, ", as chosen before"


def _tried(trial: _Trial, names: Sequence[str]) -> tuple[dict[str, float], dict[str, str]]:
    """Seconds of those that run, and why the others do not."""
    seconds, reasons = {}, {}
    for name in dict.fromkeys(names):
        try:
            seconds[name] = trial.seconds(name)
        except Exception as error:
            reasons[name] = f"{type(error).__name__}: {error}".partition("\n")[0]
    return seconds, reasons


def _times(seconds: dict[str, float]) -> str:
    return f" ({', '.join(f'{name} {1000 * each:.2f} ms' for name, each in seconds.items())})" if len(seconds) > 1 else ""


class _Choice:
    """What was chosen on this kind of device, with these versions, for this shape of attention. A hidden file: no part of the weights."""

    def __init__(self, folder: Path, transformer: Any, device: str) -> None:
        config, on_card = transformer.config, device != "cpu"
        self._facts = {
            "device": torch.cuda.get_device_name(device) if on_card else "cpu",
            "cuda": f"{torch.version.cuda}, cudnn {torch.backends.cudnn.version()}" if on_card else "none",
            "heads": f"{config.num_attention_heads} x {config.attention_head_dim}",
            **{package: version_of(package) for package in _PACKAGES},
        }
        name = hashlib.sha256(json.dumps(self._facts, sort_keys=True).encode()).hexdigest()[:16]
        self._file = folder / f".attention-{name}.json"

    def read(self) -> str:
        """Empty where there is none."""
        try:
            chosen = json.loads(self._file.read_text("utf-8"))["chosen"]
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return chosen if isinstance(chosen, str) else ""

    def keep(self, name: str) -> str:
        """What is chosen now: another Worker may have been quicker. Empty where it cannot be kept."""
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}-{threading.get_native_id()}")
        with suppress(OSError):
            draft.write_text(json.dumps({"chosen": name, **self._facts}, indent=1) + "\n", "utf-8")
            # Unlike a renaming it leaves alone what is there.
            with suppress(FileExistsError):
                os.link(draft, self._file)
        with suppress(OSError):
            draft.unlink()
        return self.read()


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
