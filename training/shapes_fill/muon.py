"""Muon, for matrices of a few shapes on a CPU: steps whose directions all weigh the same.

torch.optim.Muon takes one matrix at a time in bfloat16, which a CPU without instructions for it does about four times as slowly as
this does all matrices of a shape at once in float32. The iteration and its numbers are Keller Jordan's (https://kellerjordan.github.io/posts/muon).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(Optimizer):
    """For weights [rows, columns]. With the rate and decay of AdamW, its steps have the size of AdamW's."""

    def __init__(self, weights: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(list(weights), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                alike[max(weight.shape), min(weight.shape)].append(weight)
            for (longer, _), weights in alike.items():
                for weight, direction in zip(
                    weights, evened(torch.stack([self._push(each, group["momentum"]) for each in weights])), strict=True
                ):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    # A matrix with evened directions has entries of about 1 / sqrt(longer); AdamW's steps, of about 0.2.
                    weight.add_(_upright(direction, weight), alpha=-group["lr"] * 0.2 * longer**0.5)

    def _push(self, weight: Tensor, momentum: float) -> Tensor:
        """Nesterov's momentum, lying: as wide as it is high or wider."""
        kept = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
        kept.lerp_(weight.grad, 1 - momentum)
        pushed = weight.grad.lerp(kept, momentum)
        return pushed.T if pushed.shape[0] > pushed.shape[1] else pushed


def evened(matrices: Tensor) -> Tensor:
    """[number, rows, columns] to matrices of the same directions, with singular values between about 0.7 and 1.2."""
    first, third, fifth = _POLYNOMIAL
    matrices = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        square = matrices @ matrices.mT
        matrices = torch.baddbmm(matrices, torch.baddbmm(square, square, square, beta=third, alpha=fifth), matrices, beta=first)
    return matrices


def _upright(direction: Tensor, weight: Tensor) -> Tensor:
    return direction if direction.shape == weight.shape else direction.T
