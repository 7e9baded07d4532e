"""Compiling the blocks of the transformer, once and late: it pays in a Worker that lives long, and must not delay the first Task.

The blocks of one kind are the same code, so each kind is compiled once, for all sizes. What the compiler makes is kept where the server
tells the Worker to, in the data folder, and found again by the next one.
"""

from __future__ import annotations

from typing import Any

import torch

from gesso.models.contract import Emit
from gesso.models.flux_fill.memory import Placement, Plan, Precision
from gesso.models.flux_fill.pipeline import Filler

# By then the Worker has shown that it is used again and again.
_TASK_WHEN_AUTO = 5
_TASK_WHEN_ON = 2


class Compiler:
    """Counts Tasks, and compiles the blocks when it is time. `backend`: of torch.compile."""

    def __init__(self, wanted: str, device: str, backend: Any = "inductor") -> None:
        on_card = device != "cpu"
        self._due = {"on": _TASK_WHEN_ON, "auto": _TASK_WHEN_AUTO if on_card else 0}.get(wanted, 0)
        self._backend = backend
        self._tasks = 0
        self.is_compiled = False

    def task_begins(self, filler: Filler, plan: Plan, emit: Emit) -> None:
        """Compile if it is this Task's turn. The work is done within its first step, and not again for another size."""
        self._tasks += 1
        if not self._due or self._tasks != self._due or not _can_be_compiled(plan):
            return
        emit.log("The model's blocks are compiled now, once: this task takes longer, the next ones are quicker.")
        filler.drop_shortcuts()
        compile_blocks(filler.transformer, self._backend)
        self.is_compiled = True

    def forget(self) -> None:
        """The transformer is another one now: it is compiled when its time comes again."""
        self._tasks = 0
        self.is_compiled = False


def compile_blocks(transformer: Any, backend: Any) -> None:
    """Compile the forward of each block, and not the block: hooks that a cache puts around it later stay outside. None may be there now.

    What cannot be compiled, for want of a compiler on the machine or with too many kinds of LoRA, runs as before: no Task fails by it.
    """
    torch._dynamo.config.suppress_errors = True
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.forward = torch.compile(block.forward, dynamic=True, backend=backend)


def _can_be_compiled(plan: Plan) -> bool:
    """Weights that are converted or fetched by hooks within the blocks are not for the compiler."""
    return plan.precision in (Precision.FLOAT32, Precision.BFLOAT16) and plan.placement is not Placement.STREAMED
