"""Teaches gesso/shapes-fill from nothing: `python -m training.shapes_fill.train FOLDER`. About an hour on two CPU cores.

First the autoencoder, then the text encoders, then the transformer by rectified flow: it sees the picture mixed with noise, the picture
with its hole, the mask and the sentence, and learns the direction from the picture to the noise. What is written is the running average of
the weights, in half precision, as a folder that FluxFillPipeline loads, together with the record of how it came about.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gesso.models.shapes_fill.autoencoder import PatchAutoencoder
from gesso.models.shapes_fill.engine import load
from training.shapes_fill import autoencoder as autoencoders
from training.shapes_fill import network, record
from training.shapes_fill.lessons import Lessons, lessons
from training.shapes_fill.muon import Muon
from training.shapes_fill.reading import teach_reading
from training.shapes_fill.record import Course
from training.shapes_fill.scoring import cases, fresh, shares, verdicts

_LOSSES_EVERY = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do. The rate rises for `warm_steps`, stays, and falls in a straight line to nothing over the last `fall` of the way.

    The way of the transformer is its `steps`, so that a seed leads to the same weights however quick the machine is. With `minutes` it
    ends after so many if that comes first, and the rate falls by the clock: then the weights follow from the machine too.
    """

    seed: int = 7
    scenes: int = 48_000
    steps: int = 8_300
    minutes: float | None = None
    batch: int = 32
    rate: float = 2e-3
    warm_steps: int = 50
    fall: float = 0.5
    average: float = 0.99
    # The picture is asked for in the mask only; what is around it is known and pasted back.
    outside_weight: float = 0.1
    score_every: int = 500


def learn(
    plan: Plan,
    parts: network.Parts,
    store: Lessons,
    after_step: Callable[[int, float, float, AveragedModel], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Every step of the plan; `after_step` is given the step's number, the share of the way, the loss and the average.

    `clock`: in seconds; it counts only for a plan with `minutes`.
    """
    transformer = parts.transformer
    average = AveragedModel(transformer, multi_avg_fn=get_ema_multi_avg_fn(plan.average))
    optimizers = _optimizers(transformer, plan)
    began = clock()
    draw = torch.Generator().manual_seed(plan.seed)
    order = torch.randperm(len(store), generator=draw)
    way, step = 0.0, 0
    while way < 1:
        step += 1
        way = step / plan.steps
        if plan.minutes is not None:
            way = max(way, (clock() - began) / 60 / plan.minutes)
        place = (step - 1) * plan.batch % (len(store) - plan.batch)
        loss = _loss(plan, transformer, store, order[place : place + plan.batch], draw)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([weight for weight in transformer.parameters() if weight.requires_grad], 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = plan.rate * min(1.0, step / plan.warm_steps, max(0.0, 1 - way) / plan.fall)
            optimizer.step()
            optimizer.zero_grad()
        average.update_parameters(transformer)
        after_step(step, way, loss.item(), average)


def _loss(plan: Plan, transformer: nn.Module, store: Lessons, chosen: Tensor, draw: torch.Generator) -> Tensor:
    picture, shown, mask = store.picture[chosen].float(), store.shown[chosen].float(), store.mask[chosen]
    noise = torch.randn(picture.shape, generator=draw)
    # More of the noisy end than of the fine one: there it is decided what is drawn.
    when = torch.sigmoid(torch.randn(len(chosen), generator=draw) * 1.1 + 0.3)
    mixed = torch.lerp(picture, noise, when[:, None, None])
    known = torch.cat((shown, mask.float()), dim=2)
    answer = network.velocity(transformer, mixed, known, when, store.sense[chosen].float(), store.tokens[chosen].float())
    weight = torch.where(mask.any(dim=2), 1.0, plan.outside_weight)
    return ((answer - (noise - picture)).square().mean(dim=2) * weight).sum() / weight.sum()


def _optimizers(transformer: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the transformer's blocks, which all features pass; AdamW for the rest."""
    named = [(name, weight) for name, weight in transformer.named_parameters() if weight.requires_grad]
    inner = [weight for name, weight in named if weight.ndim == 2 and "blocks" in name and "norm" not in name]
    chosen = {id(weight) for weight in inner}
    outer = [weight for _, weight in named if id(weight) not in chosen]
    return [
        Muon(inner, lr=plan.rate, weight_decay=0.01),
        torch.optim.AdamW(outer, lr=plan.rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]


def averaged(parts: network.Parts, average: AveragedModel) -> network.Parts:
    """Parts of their own that hold the average."""
    return dataclasses.replace(parts, transformer=copy.deepcopy(average.module))


def _save(parts: network.Parts, average: AveragedModel, autoencoder: PatchAutoencoder, folder: Path) -> None:
    pipeline = copy.deepcopy(averaged(parts, average).pipeline(autoencoder))
    pipeline.to(torch.float16).save_pretrained(folder)
    # Where the weights were read from is nobody's business, and would make equal weights differ.
    for config in folder.glob("*/config.json"):
        told = json.loads(config.read_text("utf-8"))
        told.pop("_name_or_path", None)
        config.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", "utf-8")


def teach(plan: Plan, folder: Path, begin: Path | None = None) -> None:
    """Carry out the plan; the folder then has `weights`, with their record, and the log. `begin`: weights to go on from."""
    started, started_cpu = time.monotonic(), time.process_time()
    folder.mkdir(parents=True, exist_ok=True)
    weights, course, recent, lines = folder / "weights", Course(), [], []

    def say(text: str) -> None:
        lines.append(f"{time.monotonic() - started:.0f} s: {text}")
        print(lines[-1], flush=True)
        (folder / "training.log").write_text("\n".join(lines) + "\n", "utf-8")

    def after_step(step: int, way: float, loss: float, average: AveragedModel) -> None:
        recent.append(loss)
        if step % _LOSSES_EVERY == 0:
            course.losses.append(round(float(np.mean(recent[-_LOSSES_EVERY:])), 4))
            say(f"step {step}, {way:.1%} of the way, loss {course.losses[-1]}")
        if step % plan.score_every == 0 or way >= 1:
            _save(parts, average, autoencoder, weights)
            # What is scored is what was written, in half precision.
            pipeline = load(weights, "cpu")
            course.scores[str(step)] = shares(verdicts(pipeline, cases(200 if way >= 1 else 50)))
            course.fresh = fresh(pipeline) if way >= 1 else {}
            course.steps, course.wall_s, course.cpu_s = step, round(time.monotonic() - started), round(time.process_time() - started_cpu)
            record.write(weights, asdict(plan), course)
            say(f"scores after step {step}: {json.dumps(course.scores[str(step)])}")

    if plan.minutes is not None:
        say(f"It ends after {plan.minutes:g} minutes at the latest, so the same seed need not lead to the same weights.")
    torch.manual_seed(plan.seed)
    draw = np.random.default_rng(plan.seed)
    parts, autoencoder = network.untaught(), autoencoders.found(draw, say)
    if begin is not None:
        earlier = load(begin, "cpu")
        course.before = json.loads((begin / record.NAME).read_text("utf-8"))
        parts = network.Parts(earlier.transformer, earlier.text_encoder, earlier.text_encoder_2, earlier.tokenizer, earlier.tokenizer_2)
        parts.clip.requires_grad_(False)
        parts.t5.requires_grad_(False)
        parts.transformer.train()
        parts.transformer.time_text_embed.guidance_embedder.requires_grad_(False)
        autoencoder = earlier.vae.requires_grad_(False)
    else:
        teach_reading(draw, parts, say)
    learn(plan, parts, lessons(draw, plan.scenes, autoencoder, parts, say), after_step)


def main() -> None:
    usual = Plan()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments.add_argument("--steps", type=int, default=usual.steps)
    arguments.add_argument(
        "--minutes", type=float, help="end after so many at the latest; then the weights follow from the machine's pace too"
    )
    arguments.add_argument("--rate", type=float, default=usual.rate)
    arguments.add_argument("--begin", type=Path, help="a folder of weights, with their record, to go on from")
    asked = arguments.parse_args()
    torch.set_num_threads(asked.threads)
    teach(Plan(steps=asked.steps, minutes=asked.minutes, rate=asked.rate), asked.folder, asked.begin)


if __name__ == "__main__":
    main()
