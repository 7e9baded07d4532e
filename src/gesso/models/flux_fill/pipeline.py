"""The call into diffusers' FluxFillPipeline: encode the prompt once, then draw samples one after the other, or several pictures at once.

What the stock pipeline would do wrong in silence is kept out here by construction:
- Samples never go through `num_images_per_prompt`, which draws all but the first from other noise than their seed's. Each is a run of
  its own, with lists of length one: sample k is bit for bit the single run with seed + k, and the memory is that of one sample.
- Pictures that are drawn together come as lists too, each with its own prompt, mask and generator: none sees another.
- Sizes are given to it as multiples of what it takes, for it would round or stretch without an error.
- Its caches are emptied before each run, however the last one ended: a run that is killed leaves its own features in them.
- It is given the noise, and so does not encode the picture that the noise would hide entirely. The numbers drawn are the same.
- Its answer is taken as numbers and checked: as a picture, NaN would be black.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from gesso.models.contract import Emit, Killed
from gesso.models.flux_fill.crops import SEEDS, Effort
from gesso.models.flux_fill.framing import Grid
from gesso.models.flux_fill.lora import Lora, Wardrobe
from gesso.models.flux_fill.preview import Preview, Projection, fit
from gesso.models.flux_fill.prompts import Prompts
from gesso.models.flux_fill.speed import Shortcuts, Speed

if TYPE_CHECKING:
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline

_LEAST_GUIDANCE = 15.0
_MOST_COVERAGE = 0.8


class NotFiniteError(RuntimeError):
    """The model's numbers overflowed, so there is no picture."""


class _NobodyLeft(Exception):
    """Each drawing has an error: the pipeline is left."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one Task asks of the model. `seed`: of the first sample, 0 to 2^64-1; sample k takes seed + k, and 0 follows the last.

    `has_previews`: whether unfinished pictures are shown. `strength`: of `lora`.
    """

    prompt: str
    steps: int
    guidance: float
    seed: int
    samples: int
    has_previews: bool = False
    speed: Speed = Speed.EXACT
    lora: Lora | None = None
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One drawing among those of a Task. `before`, `total`: its steps that come before this one's, and all of them."""

    seed: int
    before: int
    total: int


@dataclass(slots=True)
class Drawing:
    """One picture that is drawn. `picture` (RGB) and `mask` (L, white = repaint) have one size, on the grid.

    `is_heard`: whether progress and previews are told; of the samples of a Task that are drawn together, the first one's. `error`: why
    there will be no picture: NotFiniteError, or Killed, within one step.
    """

    picture: Image.Image
    mask: Image.Image
    order: Order
    turn: Turn
    emit: Emit
    is_heard: bool = True
    preview: Preview | None = None
    skipped: int = 0
    error: BaseException | None = None

    def stepped(self, step: int, latents: torch.Tensor, is_finite: bool, was_skipped: bool) -> None:
        """After step number `step`, counted from 0. Shape of `latents`: [1, tokens, features]."""
        if self.error is not None:
            return
        self.skipped += was_skipped
        try:
            _demand(is_finite, f"in step {step + 1} of {self.order.steps}")
            if not self.is_heard:
                self.emit.check()
                return
            self.emit.progress(self.turn.before + step + 1, self.turn.total)
            if self.preview is not None:
                self.preview.after_step(step, latents)
        except (Killed, NotFiniteError) as error:
            self._leave(error)

    def decoded(self, answer: torch.Tensor) -> np.ndarray | None:
        """The picture, [height, width, 3] float32, 0 to 1, unless there is an `error`. Shape of `answer`: [3, height, width]."""
        if self.error is not None:
            return None
        try:
            if self.order.speed is not Speed.EXACT:
                self.emit.log(
                    f"{self.skipped} of {self.order.steps} steps changed so little that most of their work was skipped "
                    f"(speed {self.order.speed})."
                )
            _demand(bool(torch.isfinite(answer).all()), "in the decoded picture")
        except (Killed, NotFiniteError) as error:
            self._leave(error)
            return None
        return answer.permute(1, 2, 0).float().cpu().numpy()

    def _leave(self, error: BaseException) -> None:
        # A traceback would keep what was being computed alive.
        self.error = error.with_traceback(None)


class Filler:
    """Fills views with a loaded pipeline, one at a time: the pipeline's scheduler has a state."""

    def __init__(
        self,
        pipeline: FluxFillPipeline,
        options: Mapping[str, Any] = MappingProxyType({}),
        reading: Callable[[], AbstractContextManager[str | None]] = nullcontext,
    ) -> None:
        """`options`: of the Engine; without thresholds no step is skipped. `reading`: around the text encoders' work, with their device."""
        self._pipeline: Any = pipeline
        self._wardrobe = Wardrobe(pipeline)
        self._shortcuts = Shortcuts(self._pipeline.transformer, options)
        self._prompts = Prompts(self._pipeline, reading)
        self._projection: Projection | None = None

    @property
    def pipeline(self) -> Any:
        return self._pipeline

    @property
    def transformer(self) -> Any:
        return self._pipeline.transformer

    def drop_shortcuts(self) -> None:
        """Leave the transformer as it was loaded."""
        self._shortcuts.drop()

    @property
    def grid(self) -> Grid:
        return Grid(native_side=self._pipeline.vae.config.sample_size, multiple=2 * self._pipeline.vae_scale_factor)

    @property
    def effort(self) -> Effort:
        config = self._pipeline.transformer.config
        blocks, width = config.num_layers + config.num_single_layers, config.num_attention_heads * config.attention_head_dim
        return Effort(blocks, width, self._prompts.most_tokens, self.grid.multiple)

    def fill(self, picture: Image.Image, mask: Image.Image, order: Order, emit: Emit) -> Iterator[np.ndarray]:
        """The samples of one view in their order, as `draw` makes them."""
        self.begin(order, emit)
        warn_of_coverage(mask, emit)
        total = order.steps * order.samples
        emit.progress(0, total)
        for sample in range(order.samples):
            yield self.draw(Drawing(picture, mask, order, Turn(order.seed + sample, sample * order.steps, total), emit))

    def begin(self, order: Order, emit: Emit) -> None:
        """Tell what will not go as asked, and encode the prompt. Once for a Task."""
        _warn_of_low_guidance(order, emit)
        self._prompts.warn_of_cut(order.prompt, emit)
        emit.check()
        self._prompts.encoded(order.prompt, order.speed)

    def text_length(self, order: Order) -> int:
        """How many tokens of text the model is shown."""
        return self._prompts.length(order.prompt, order.speed)

    def draw(self, drawing: Drawing) -> np.ndarray:
        """One picture, [height, width, 3] float32, 0 to 1. Errors: NotFiniteError; Killed, within one step."""
        (answer,) = self.draw_together([drawing])
        if answer is None:
            assert drawing.error is not None
            raise drawing.error
        return answer

    def draw_together(self, drawings: Sequence[Drawing]) -> list[np.ndarray | None]:
        """Several pictures at once, None for one that has an `error` now.

        They have one size, and their orders the same steps, guidance, speed, LoRA with its strength, and length of text. One that is
        killed is drawn on without a listener, because its row cannot leave the pipeline's own loop, until no other is left.
        """
        order, (width, height) = drawings[0].order, drawings[0].picture.size
        assert {each.size for drawing in drawings for each in (drawing.picture, drawing.mask)} == {(width, height)}
        assert width % self.grid.multiple == height % self.grid.multiple == 0, "the pipeline would round this size in silence"
        self._wardrobe.wear(order.lora, order.strength)
        prompts = [self._prompts.encoded(drawing.order.prompt, order.speed) for drawing in drawings]
        for drawing in drawings:
            drawing.skipped = 0
            drawing.preview = self._preview(drawing) if drawing.order.has_previews else None
        # On the CPU, so that a seed draws the same noise on every device.
        generators = [torch.Generator("cpu").manual_seed(drawing.turn.seed % SEEDS) for drawing in drawings]

        def after_step(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            latents, skipped = tensors["latents"], self._shortcuts.skipped(len(drawings))
            # Reading the latents also waits for the GPU, without which progress and kills would run ahead of the work.
            finite = torch.isfinite(latents).flatten(1).all(1).tolist()
            for row, drawing in enumerate(drawings):
                drawing.stepped(step, latents[row : row + 1], finite[row], skipped[row])
            if all(drawing.error is not None for drawing in drawings):
                raise _NobodyLeft
            return tensors

        try:
            with self._shortcuts.taken(order.speed):
                answers = self._pipeline(
                    image=[drawing.picture for drawing in drawings],
                    mask_image=[drawing.mask for drawing in drawings],
                    width=width,
                    height=height,
                    prompt_embeds=torch.cat([prompt.words for prompt in prompts]),
                    pooled_prompt_embeds=torch.cat([prompt.summary for prompt in prompts]),
                    max_sequence_length=self._prompts.most_tokens,
                    num_inference_steps=order.steps,
                    guidance_scale=order.guidance,
                    latents=torch.cat([self._noise(width, height, generator, prompts[0].words.dtype) for generator in generators]),
                    generator=generators,
                    callback_on_step_end=after_step,
                    callback_on_step_end_tensor_inputs=["latents"],
                    output_type="pt",
                ).images
        except _NobodyLeft:
            return [None] * len(drawings)
        finally:
            # Ends offloads. The pipeline does it only when it comes to its end, and a kill leaves it before.
            self._pipeline.maybe_free_model_hooks()
        return [drawing.decoded(answer) for drawing, answer in zip(drawings, answers, strict=True)]

    def _preview(self, drawing: Drawing) -> Preview:
        if self._projection is None:
            self._projection = fit(self._pipeline)
        return Preview(self._pipeline, self._projection, drawing.picture, drawing.mask, drawing.emit.preview)

    def _noise(self, width: int, height: int, generator: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
        """What the pipeline would begin with, packed: [1, tokens, 4 * latent channels]."""
        vae, factor = self._pipeline.vae, self._pipeline.vae_scale_factor
        shape = 1, vae.config.latent_channels, height // factor, width // factor
        # It would first sample an encoding of the picture, to which it then gives no weight.
        torch.randn(shape, generator=generator, dtype=vae.dtype)
        noise = torch.randn(shape, generator=generator, dtype=dtype)
        return self._pipeline._pack_latents(noise, *shape)


def warn_of_coverage(mask: Image.Image, emit: Emit) -> bool:
    """Tell when the mask (L) of a view leaves little to go by; whether it did."""
    coverage = float((np.asarray(mask) > 0).mean())
    if coverage > _MOST_COVERAGE:
        emit.warn(
            f"The mask covers {coverage:.0%} of what the model sees: with so little left to continue it tends to ignore the prompt. "
            "Mask less, or use a model that draws from text alone."
        )
    return coverage > _MOST_COVERAGE


def _warn_of_low_guidance(order: Order, emit: Emit) -> None:
    if order.guidance < _LEAST_GUIDANCE:
        emit.warn(
            f"A scale of {order.guidance:g} was used as asked, but FLUX Fill was trained for about 30: "
            f"below {_LEAST_GUIDANCE:g} pictures tend to be blurry, grainy and pale."
        )


def _demand(is_finite: bool, where: str) -> None:
    if not is_finite:
        raise NotFiniteError(
            f"The model's numbers overflowed {where}, so there is no picture. Try another seed; if it happens again, check the weights."
        )
