"""Pictures that are drawn together, on a real transformer: each is what it is alone, whoever is beside it and whatever becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, noise
from PIL import Image

from gesso.models.contract import Killed

if TYPE_CHECKING:
    from gesso.models.flux_fill.pipeline import Drawing, Filler

pytestmark = pytest.mark.flux

STEPS = 6
TOLERANCE = 1e-4
# Every one differs from the others in all that is its own: picture, mask, prompt, seed.
PICTURES = [Image.fromarray(noise(64, 48, seed)) for seed in range(4)]
MASKS = [Image.fromarray(box_mask(64, 48, 6 + 8 * number, 10, 30 + 8 * number, 40).astype(np.uint8) * 255) for number in range(4)]
PROMPTS = ["a boat", "a red fox", "", "ä lighthouse, at night"]


def drawing(number: int, speed: str = "exact", voice: Voice | None = None, steps: int = STEPS) -> Drawing:
    from gesso.models.flux_fill.pipeline import Drawing, Order, Turn
    from gesso.models.flux_fill.speed import Speed

    order = Order(PROMPTS[number], steps, 30.0, 40 + number, 1, speed=Speed(speed))
    return Drawing(PICTURES[number], MASKS[number], order, Turn(order.seed, 0, steps), voice or Voice())


def make_filler(pipeline: Any, **thresholds: float) -> Filler:
    from gesso.models.flux_fill.pipeline import Filler

    return Filler(pipeline, thresholds)


def alone(filler: Filler, number: int, speed: str = "exact", voice: Voice | None = None) -> np.ndarray:
    (answer,) = filler.draw_together([drawing(number, speed, voice)])
    assert answer is not None
    return answer


def far(one: np.ndarray | None, other: np.ndarray | None) -> float:
    assert one is not None
    assert other is not None
    return float(np.abs(one - other).max())


@pytest.mark.parametrize("numbers", [[0, 1], [2, 0, 3, 1], [1, 1]])
def test_each_is_what_it_is_alone(pipeline: Any, numbers: list[int]) -> None:
    filler = make_filler(pipeline)
    single = [alone(filler, number) for number in range(4)]
    for number, answer in zip(numbers, filler.draw_together([drawing(number) for number in numbers]), strict=True):
        assert far(answer, single[number]) < TOLERANCE
        # And nothing like any of the others.
        assert all(far(answer, single[other]) > 100 * TOLERANCE for other in range(4) if other != number)


@pytest.mark.parametrize("speed", ["balanced", "turbo"])
def test_each_skips_the_steps_that_it_skips_alone(pipeline: Any, speed: str) -> None:
    """Also where one must be computed and another would be skipped: diffusers decides once for all of them."""
    mixed = 0
    for threshold in (0.07, 0.1, 0.12, 0.14):
        filler = make_filler(pipeline, **{f"{speed}_threshold": threshold})
        voices = [Voice() for _ in range(4)]
        single = [alone(filler, number, speed, voice) for number, voice in enumerate(voices)]
        together = [Voice() for _ in range(4)]
        answers = filler.draw_together([drawing(number, speed, voice) for number, voice in enumerate(together)])
        assert [voice.logs for voice in together] == [voice.logs for voice in voices]
        assert max(map(far, answers, single)) < TOLERANCE
        filler.drop_shortcuts()
        mixed += len({voice.logs[-1] for voice in voices}) > 1
    assert mixed, "no threshold parted the pictures: this test shows nothing"


def test_one_that_is_killed_leaves_within_a_step_and_the_others_do_not_notice(pipeline: Any) -> None:
    filler = make_filler(pipeline)
    single = [alone(filler, number) for number in (0, 2)]
    voices = [Voice(), Voice(kill_at=2), Voice()]
    drawings = [drawing(number, voice=voice) for number, voice in enumerate(voices)]
    first, killed, last = filler.draw_together(drawings)
    assert isinstance(drawings[1].error, Killed)
    assert killed is None
    assert [len(voice.steps) for voice in voices] == [STEPS, 2, STEPS]
    assert max(far(first, single[0]), far(last, single[1])) < TOLERANCE


def test_when_all_are_killed_nothing_is_drawn_on_and_nothing_is_left_behind(pipeline: Any) -> None:
    filler = make_filler(pipeline, balanced_threshold=1.0)
    undisturbed = alone(filler, 3, "balanced")
    called: list[object] = []
    hook = pipeline.transformer.register_forward_pre_hook(lambda *arguments: called.append(arguments))
    drawings = [drawing(number, "balanced", Voice(kill_at=kill_at)) for number, kill_at in ((0, 1), (1, 3))]
    assert filler.draw_together(drawings) == [None, None]
    assert len(called) == 3
    hook.remove()
    assert np.array_equal(alone(filler, 3, "balanced"), undisturbed)


@pytest.mark.parametrize(("step", "where"), [(2, "in step 3 of 6"), (STEPS, "in the decoded picture")])
def test_numbers_that_overflow_in_one_are_its_error_alone(pipeline: Any, step: int, where: str) -> None:
    import torch

    from gesso.models.flux_fill.pipeline import NotFiniteError

    filler = make_filler(pipeline)
    single, calls = alone(filler, 1), iter(range(100))

    def overflow(_module: object, _inputs: object, output: Any) -> Any:
        if step == STEPS or next(calls) == step:
            (output if isinstance(output, torch.Tensor) else output[0])[0].fill_(float("nan"))
        return output

    layer = pipeline.vae.decoder.conv_out if step == STEPS else pipeline.transformer.proj_out
    hook = layer.register_forward_hook(overflow)
    drawings = [drawing(0), drawing(1)]
    broken, whole = filler.draw_together(drawings)
    hook.remove()
    assert broken is None
    assert isinstance(drawings[0].error, NotFiniteError)
    assert where in str(drawings[0].error)
    assert far(whole, single) < TOLERANCE
