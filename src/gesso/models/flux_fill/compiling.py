"""Compiling the blocks of the transformer, once: it pays in a Worker that lives long, and must not delay the first Task.

Compiled blocks round differently. So a Task with speed=exact runs either always with them or never: with compile = "on" they are compiled
for the first Task of each Worker, with "auto" late, and exact Tasks run as they are.

The blocks of one kind are the same code, so each kind is compiled once, for all sizes. What the compiler makes is kept where the server
tells the Worker to, in the data folder, and found again by the next one.
"""

from __future__ import annotations

from typing import Any

import torch

from gesso.models.contract import Emit
from gesso.models.flux_fill.memory import Placement, Plan, Precision
from gesso.models.flux_fill.pipeline import Filler
from gesso.models.flux_fill.speed import Speed

# By then the Worker has shown that it is used again and again.
_TASK_WHEN_AUTO = 5


class Compiler:
    """Counts Tasks, and compiles the blocks when it is time. `backend`: of torch.compile. `is_compiled`: whether this Task's blocks are."""

    def __init__(self, wanted: str, device: str, backend: Any = "inductor") -> None:
        on_card = device != "cpu"
        self._due = {"on": 1, "auto": _TASK_WHEN_AUTO if on_card else 0}.get(wanted, 0)
        self._is_for_all = wanted == "on"
        self._backend = backend
        self.forget()

    def task_begins(self, filler: Filler, plan: Plan, speed: Speed, emit: Emit) -> None:
        """Have the blocks as this Task wants them. What is to be compiled is within its first step, and not again for another size."""
        self._tasks += 1
        is_due = bool(self._due) and self._tasks >= self._due and _can_be_compiled(plan)
        wants = is_due and (self._is_for_all or speed is not Speed.EXACT)
        if wants == self.is_compiled:
            return
        filler.drop_shortcuts()
        if self._blocks is None:
            emit.log("The model's blocks are compiled now, once: this task takes longer, the next ones are quicker.")
            self._blocks = compile_blocks(filler.transformer, self._backend)
        for block, plain, compiled in self._blocks:
            block.forward = compiled if wants else plain
        self.is_compiled = wants

    def forget(self) -> None:
        """The transformer is another one now: it is compiled when its time comes again."""
        self._tasks = 0
        self._blocks: list[tuple[Any, Any, Any]] | None = None
        self.is_compiled = False


def compile_blocks(transformer: Any, backend: Any) -> list[tuple[Any, Any, Any]]:
    """Compile the forward of each block, and not the block: hooks that a cache puts around it later stay outside. None may be there now.
    Of each block: itself, its forward as it was, and compiled.

    What cannot be compiled, for want of a compiler on the machine or with too many kinds of LoRA, runs as before: no Task fails by it.
    """
    torch._dynamo.config.suppress_errors = True
    # Where kernels could sum in several orders, it would take the one that was quickest just then.
    options: Any = {"deterministic": True} if backend == "inductor" else None
    blocks = []
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        plain = block.forward
        block.forward = torch.compile(plain, dynamic=True, backend=backend, options=options)
        blocks.append((block, plain, block.forward))
    return blocks


def _can_be_compiled(plan: Plan) -> bool:
    """Weights that are converted or fetched by hooks within the blocks are not for the compiler."""
    return plan.precision in (Precision.FLOAT32, Precision.BFLOAT16) and plan.placement is not Placement.STREAMED
