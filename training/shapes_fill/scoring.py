"""Scores a pipeline: does what was asked for stand in the picture? Asked of the stock FluxFillPipeline, answered by `judging`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
from PIL import Image

from training.shapes_fill.judging import Found, things
from training.shapes_fill.scenes import SIDE, Scene, scene
from training.shapes_fill.subjects import ALL, HELD_OUT, TAUGHT, Subject, plain_sentence
from training.shapes_fill.words import TOKENS

GROUPS = ("taught", "held out", "two")
STEPS = 20
GUIDANCE = 30.0
# Far from every seed that training uses. By its cases the course is watched, and what is chosen by them flatters them.
WATCHED_SEED = 20_000
# A hundred cases of each are asked once, when all is decided.
FRESH_SEEDS = tuple(range(21_001, 21_011))
FRESH_COUNT = 100


@dataclass(frozen=True, slots=True)
class Case:
    """One question. `group`: "taught", "held out" or "two"."""

    scene: Scene
    prompt: str
    group: str


@dataclass(frozen=True, slots=True)
class Verdict:
    case: Case
    picture: np.ndarray
    found: tuple[Found, ...]

    @property
    def colour_right(self) -> bool:
        return [thing.colour for thing in self.found] == [subject.colour for subject in self.case.scene.subjects]

    @property
    def shape_right(self) -> bool:
        return [thing.shape for thing in self.found] == [subject.shape for subject in self.case.scene.subjects]


def cases(count: int, seed: int = WATCHED_SEED) -> list[Case]:
    """Ten of twenty-five cases with one taught subject, eight with one held out, seven with two, of which the first is held out every
    other time. Backgrounds, masks and what was under them are new, and independent of the prompt.
    """
    draw = np.random.default_rng(seed)
    made = []
    for index in range(count):
        turn = index * 7 % 25
        if turn < 10:
            group, subjects = "taught", (_any(TAUGHT, draw),)
        elif turn < 18:
            group, subjects = "held out", (HELD_OUT[index % len(HELD_OUT)],)
        else:
            group, subjects = "two", (_any(HELD_OUT if index % 2 else TAUGHT, draw), _any(ALL, draw))
        made.append(Case(scene(draw, subjects), plain_sentence(subjects), group))
    return made


@torch.no_grad()
def verdicts(pipeline: FluxFillPipeline, asked: list[Case], first_seed: int = 0, at_once: int = 25) -> list[Verdict]:
    """What the pipeline draws for each case, from the noise of `first_seed` + k for case k, pasted into its picture and judged."""
    answers = []
    for start in range(0, len(asked), at_once):
        batch = asked[start : start + at_once]
        drawn = pipeline(
            prompt=[case.prompt for case in batch],
            image=[Image.fromarray(case.scene.before) for case in batch],
            mask_image=[Image.fromarray(case.scene.mask.astype(np.uint8) * 255) for case in batch],
            width=SIDE,
            height=SIDE,
            max_sequence_length=TOKENS,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(first_seed + start + place) for place in range(len(batch))],
            output_type="np",
        ).images
        for case, answer in zip(batch, drawn, strict=True):
            picture = np.where(case.scene.mask[..., None], np.rint(answer * 255), case.scene.before).astype(np.uint8)
            answers.append(Verdict(case, picture, tuple(things(picture, case.scene.mask))))
    return answers


def asked_freshly(pipeline: FluxFillPipeline, seed: int, count: int = FRESH_COUNT) -> list[Verdict]:
    """The verdicts on cases of a seed, with noise that no other seed's cases have."""
    return verdicts(pipeline, cases(count, seed), first_seed=seed * FRESH_COUNT)


def fresh(pipeline: FluxFillPipeline) -> dict[str, dict[str, dict[str, float]]]:
    """The shares of cases that nobody has looked at before, by their seed, and over all of them under "all"."""
    judged = {str(seed): asked_freshly(pipeline, seed) for seed in FRESH_SEEDS}
    together = [each for members in judged.values() for each in members]
    return {name: shares(members) for name, members in (judged | {"all": together}).items()}


def shares(judged: list[Verdict]) -> dict[str, dict[str, float]]:
    """By group and over all: how many cases, and in which share of them all colours, and all shapes, are right and in their order."""
    groups = {group: [each for each in judged if each.case.group == group] for group in GROUPS}
    return {
        group: {
            "cases": len(members),
            "colour": round(_share(members, lambda each: each.colour_right), 4),
            "shape": round(_share(members, lambda each: each.shape_right), 4),
        }
        for group, members in (groups | {"all": judged}).items()
        if members
    }


def _share(judged: list[Verdict], is_right: Callable[[Verdict], bool]) -> float:
    return sum(map(is_right, judged)) / len(judged)


def _any(subjects: tuple[Subject, ...], draw: np.random.Generator) -> Subject:
    return subjects[int(draw.integers(len(subjects)))]
