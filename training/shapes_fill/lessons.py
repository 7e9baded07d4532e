"""Scenes made ready for learning: drawn, encoded and read once, then used several times with other noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gesso.models.shapes_fill.autoencoder import PatchAutoencoder
from training.shapes_fill.autoencoder import as_tensor, without_hole
from training.shapes_fill.network import Parts, packed, packed_masks
from training.shapes_fill.scenes import scene
from training.shapes_fill.words import ids

_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Lessons:
    """Shapes: `picture`, `shown` [number, 64, 64] float16, latents with and without the hole; `mask` [number, 64, 64] bool, packed; `sense`
    [number, WIDTH] and `tokens` [number, TOKENS, WIDTH] float16, what the encoders make of the sentence.
    """

    picture: Tensor
    shown: Tensor
    mask: Tensor
    sense: Tensor
    tokens: Tensor

    def __len__(self) -> int:
        return len(self.picture)


@torch.no_grad()
def lessons(draw: np.random.Generator, count: int, autoencoder: PatchAutoencoder, parts: Parts, say: Callable[[str], None]) -> Lessons:
    chunks = []
    for start in range(0, count, _AT_ONCE):
        scenes = [scene(draw) for _ in range(min(_AT_ONCE, count - start))]
        pictures = as_tensor(np.stack([each.after for each in scenes]))
        masks = torch.from_numpy(np.stack([each.mask for each in scenes]))
        prompts = [each.prompt for each in scenes]
        chunks.append(
            (
                _latents(autoencoder, pictures).half(),
                _latents(autoencoder, without_hole(pictures, masks)).half(),
                packed_masks(masks.float()) > 0,
                parts.sense(ids(parts.clip_tokenizer, prompts)).half(),
                parts.tokens(ids(parts.t5_tokenizer, prompts)).half(),
            )
        )
        if start // _AT_ONCE % 50 == 0:
            say(f"lessons: {start} of {count}")
    return Lessons(*(torch.cat(column) for column in zip(*chunks, strict=True)))


def _latents(autoencoder: PatchAutoencoder, pictures: Tensor) -> Tensor:
    latents = autoencoder.encode(pictures).latent_dist.mode()
    return packed((latents - autoencoder.config.shift_factor) * autoencoder.config.scaling_factor)
