"""First Block Cache for several pictures at once: each decides for itself which of its steps are skipped.

diffusers decides once for all pictures that are drawn together, by how much they changed on average, so a picture would depend on those
beside it. Here a picture that would skip a step alone takes over what it has in the cache, whether the others do or not, and is what it
would be alone. Work is saved in the steps that all of them skip.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.hooks.first_block_cache import _FBC_BLOCK_HOOK, _FBC_LEADER_BLOCK_HOOK, FBCBlockHook, FBCHeadBlockHook


class RowHead(FBCHeadBlockHook):
    """At the first block. `moved`: which pictures changed so much in the present step that they are computed in full, [pictures] bool."""

    moved: torch.Tensor

    @torch.compiler.disable
    def _should_compute_remaining_blocks(self, hidden_states_residual: torch.Tensor) -> bool:
        before = self.state_manager.get_state().head_block_residual
        if before is None:
            self.moved = torch.ones(len(hidden_states_residual), dtype=torch.bool)
            return True
        change = (hidden_states_residual - before).abs().flatten(1).mean(1) / before.abs().flatten(1).mean(1)
        self.moved = change.float().cpu() > self.threshold
        # What is kept from here is compared with later: of a skipped picture, its last full step.
        hidden_states_residual[~self.moved] = before[~self.moved]
        return bool(self.moved.any())


class RowTail(FBCBlockHook):
    """At the last block."""

    def __init__(self, head: RowHead) -> None:
        super().__init__(head.state_manager, is_tail=True)
        self._head = head

    def new_forward(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        state: Any = self.state_manager.get_state()
        metadata: Any = self._metadata
        before = state.tail_block_residuals
        output = super().new_forward(module, *args, **kwargs)
        still = ~self._head.moved
        if state.should_compute and before is not None and still.any():
            places = metadata.return_hidden_states_index, metadata.return_encoder_hidden_states_index
            for place, added, kept, first in zip(places, state.tail_block_residuals, before, state.head_block_output, strict=True):
                added[still] = kept[still]
                output[place][still] = kept[still] + first[still]
        return output


def by_row(transformer: Any, threshold: float) -> RowHead:
    """Put these in the place of diffusers' own, on a transformer whose cache is enabled."""
    first, last = transformer.transformer_blocks[0]._diffusers_hook, transformer.single_transformer_blocks[-1]._diffusers_hook
    head = RowHead(first.get_hook(_FBC_LEADER_BLOCK_HOOK).state_manager, threshold)
    for registry, name, hook in ((first, _FBC_LEADER_BLOCK_HOOK, head), (last, _FBC_BLOCK_HOOK, RowTail(head))):
        registry.remove_hook(name, recurse=False)
        registry.register_hook(hook, name)
    return head
