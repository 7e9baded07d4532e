"""Teaches the two text encoders to read, before anything is drawn: FLUX too begins with encoders that know their language.

Of a sentence, each of its tokens and the sense as a whole are to tell, by a linear map that is thrown away afterwards, which colour and
which shape are asked for first, and which second. From then on the encoders stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from training.shapes_fill.network import Parts
from training.shapes_fill.subjects import COLOURS, SHAPES, Subject, chosen, sentence
from training.shapes_fill.words import WIDTH, ids

_BATCH, _RATE = 128, 3e-3
# Two places for things; in each a colour or none, and a shape or none.
_PLACES = 2
_ANSWERS = (len(COLOURS) + 1, len(SHAPES) + 1) * _PLACES


def teach_reading(draw: np.random.Generator, parts: Parts, say: Callable[[str], None], steps: int = 600) -> None:
    """Afterwards the encoders are frozen."""
    heads = nn.ModuleList([nn.Linear(WIDTH, sum(_ANSWERS)) for _ in (parts.clip, parts.t5)])
    weights = [weight for module in (parts.clip, parts.t5, heads) for weight in module.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=0.01, fused=True)
    fall = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    right = 0.0
    for _ in range(steps):
        asked = [chosen(draw) for _ in range(_BATCH)]
        prompts = [sentence(subjects, draw) for subjects in asked]
        answers = torch.tensor([_answer(subjects) for subjects in asked])
        sense = heads[0](parts.sense(ids(parts.clip_tokenizer, prompts)))
        tokens = heads[1](parts.tokens(ids(parts.t5_tokenizer, prompts)))
        loss, right = _judged(torch.cat((sense[:, None], tokens), dim=1), answers)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        fall.step()
    for encoder in (parts.clip, parts.t5):
        encoder.requires_grad_(False).eval()
    say(f"reading: {right:.1%} of what tokens tell is right")


def _answer(subjects: tuple[Subject, ...]) -> list[int]:
    told: list[int] = []
    for place in range(_PLACES):
        is_there = place < len(subjects)
        told.append(1 + list(COLOURS).index(subjects[place].colour) if is_there else 0)
        told.append(1 + SHAPES.index(subjects[place].shape) if is_there else 0)
    return told


def _judged(told: Tensor, answers: Tensor) -> tuple[Tensor, float]:
    """The loss and the share of right answers. Shapes: `told` [batch, tokens, sum of answers], `answers` [batch, 4]."""
    loss, right = torch.zeros(()), []
    for part, answer in zip(told.split(_ANSWERS, dim=2), answers.T, strict=True):
        wanted = answer[:, None].expand(part.shape[:2])
        loss = loss + nn.functional.cross_entropy(part.flatten(0, 1), wanted.flatten())
        right.append((part.argmax(dim=2) == wanted).float().mean().item())
    return loss, sum(right) / len(right)
