"""The call into diffusers' FluxFillPipeline: encode the prompt once, then draw the samples one after the other.

What the stock pipeline would do wrong in silence is kept out here by construction:
- Samples never go through `num_images_per_prompt`, which draws all but the first from other noise than their seed's. Each is a run of
  its own, with lists of length one: sample k is bit for bit the single run with seed + k, and the memory is that of one sample.
- Sizes are given to it as multiples of what it takes, for it would round or stretch without an error.
- Its caches are emptied before each run, however the last one ended: a run that is killed leaves its own features in them.
- It is given the noise, and so does not encode the picture that the noise would hide entirely. The numbers drawn are the same.
- Its answer is taken as numbers and checked: as a picture, NaN would be black.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from gesso.models.contract import Emit
from gesso.models.flux_fill.crops import SEEDS, Effort
from gesso.models.flux_fill.framing import Grid
from gesso.models.flux_fill.lora import Lora, Wardrobe
from gesso.models.flux_fill.preview import Preview, Projection, fit
from gesso.models.flux_fill.speed import Shortcuts, Speed, text_length

if TYPE_CHECKING:
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline

CLIP_TOKENS = 77
T5_TOKENS = 512
_LEAST_GUIDANCE = 15.0
_MOST_COVERAGE = 0.8
# About 4 MB each at full size.
_MOST_PROMPTS = 16


class NotFiniteError(RuntimeError):
    """The model's numbers overflowed, so there is no picture."""


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


@dataclass(frozen=True, slots=True)
class _Prompt:
    """An encoded prompt. Shapes: `words` [1, tokens, features] of T5; `summary` [1, features] of CLIP."""

    words: torch.Tensor
    summary: torch.Tensor


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
        self._reading = reading
        self._prompts: OrderedDict[tuple[str, int], _Prompt] = OrderedDict()
        self._projection: Projection | None = None
        # What the texts are padded or cut to: a small model of this architecture may have learned with shorter ones.
        self._t5_tokens = min(T5_TOKENS, self._pipeline.tokenizer_2.model_max_length)
        self._clip_tokens = min(CLIP_TOKENS, self._pipeline.tokenizer.model_max_length)

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
        return Effort(blocks, width, self._t5_tokens, self.grid.multiple)

    def fill(self, picture: Image.Image, mask: Image.Image, order: Order, emit: Emit) -> Iterator[np.ndarray]:
        """The samples of one view in their order, as `draw` makes them."""
        self.begin(order, emit)
        warn_of_coverage(mask, emit)
        total = order.steps * order.samples
        emit.progress(0, total)
        for sample in range(order.samples):
            yield self.draw(picture, mask, order, Turn(order.seed + sample, sample * order.steps, total), emit)

    def begin(self, order: Order, emit: Emit) -> None:
        """Tell what will not go as asked, and encode the prompt. Once for a Task."""
        _warn_of_low_guidance(order, emit)
        self._warn_of_cut_prompt(order.prompt, emit)
        emit.check()
        self._encoded(order.prompt, order.speed)

    def draw(self, picture: Image.Image, mask: Image.Image, order: Order, turn: Turn, emit: Emit) -> np.ndarray:
        """One sample, [height, width, 3] float32, 0 to 1.

        `picture` (RGB) and `mask` (L, white = repaint) have one size, on the grid. Errors: NotFiniteError; Killed, within one step.
        """
        assert picture.size == mask.size
        assert all(side % self.grid.multiple == 0 for side in picture.size), "the pipeline would round this size in silence"
        self._wardrobe.wear(order.lora, order.strength)
        prompt = self._encoded(order.prompt, order.speed)
        preview = self._preview(picture, mask, emit) if order.has_previews else None
        width, height = picture.size
        # On the CPU, so that a seed draws the same noise on every device.
        generator = torch.Generator("cpu").manual_seed(turn.seed % SEEDS)
        skipped = 0

        def after_step(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            # Reading the latents also waits for the GPU, without which progress and kills would run ahead of the work.
            _check_finite(tensors["latents"], f"in step {step + 1} of {order.steps}")
            nonlocal skipped
            skipped += self._shortcuts.was_skipped()
            emit.progress(turn.before + step + 1, turn.total)
            if preview is not None:
                preview.after_step(step, tensors["latents"])
            return tensors

        try:
            with self._shortcuts.taken(order.speed):
                answer = self._pipeline(
                    image=[picture],
                    mask_image=[mask],
                    width=width,
                    height=height,
                    prompt_embeds=prompt.words,
                    pooled_prompt_embeds=prompt.summary,
                    max_sequence_length=self._t5_tokens,
                    num_inference_steps=order.steps,
                    guidance_scale=order.guidance,
                    latents=self._noise(width, height, generator, prompt.words.dtype),
                    generator=[generator],
                    callback_on_step_end=after_step,
                    callback_on_step_end_tensor_inputs=["latents"],
                    output_type="pt",
                ).images
        finally:
            # Ends offloads. The pipeline does it only when it comes to its end, and a kill leaves it before.
            self._pipeline.maybe_free_model_hooks()
        if order.speed is not Speed.EXACT:
            emit.log(f"{skipped} of {order.steps} steps changed so little that most of their work was skipped (speed {order.speed}).")
        _check_finite(answer, "in the decoded picture")
        return answer[0].permute(1, 2, 0).float().cpu().numpy()

    def _preview(self, picture: Image.Image, mask: Image.Image, emit: Emit) -> Preview:
        if self._projection is None:
            self._projection = fit(self._pipeline)
        return Preview(self._pipeline, self._projection, picture, mask, emit.preview)

    def _noise(self, width: int, height: int, generator: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
        """What the pipeline would begin with, packed: [1, tokens, 4 * latent channels]."""
        vae, factor = self._pipeline.vae, self._pipeline.vae_scale_factor
        shape = 1, vae.config.latent_channels, height // factor, width // factor
        # It would first sample an encoding of the picture, to which it then gives no weight.
        torch.randn(shape, generator=generator, dtype=vae.dtype)
        noise = torch.randn(shape, generator=generator, dtype=dtype)
        return self._pipeline._pack_latents(noise, *shape)

    def _encoded(self, prompt: str, speed: Speed) -> _Prompt:
        length = text_length(len(self._pipeline.tokenizer_2(prompt).input_ids), self._t5_tokens, speed)
        found = self._prompts.pop((prompt, length), None)
        if found is None:
            # The method does not switch gradients off itself: what it returns would keep all activations of T5 alive.
            with torch.no_grad(), self._reading() as device:
                words, summary, _ = self._pipeline.encode_prompt(
                    prompt=[prompt], prompt_2=None, max_sequence_length=length, device=device and torch.device(device)
                )
            place = self._pipeline.vae.device
            found = _Prompt(words.to(place), summary.to(place))
        self._prompts[prompt, length] = found
        if len(self._prompts) > _MOST_PROMPTS:
            self._prompts.popitem(last=False)
        return found

    def _warn_of_cut_prompt(self, prompt: str, emit: Emit) -> None:
        detail = len(self._pipeline.tokenizer_2(prompt).input_ids)
        summary = len(self._pipeline.tokenizer(prompt).input_ids)
        if detail > self._t5_tokens:
            emit.warn(
                f"The prompt has {detail} tokens and the model reads the first {self._t5_tokens}: what comes after them has no effect. "
                "Say the most important first, or shorten it."
            )
        elif summary > self._clip_tokens:
            emit.warn(
                f"The prompt has {summary} tokens, of which the encoder of its overall sense reads the first {self._clip_tokens}; "
                f"the one for detail reads all of it. Say the most important first."
            )


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


def _check_finite(tensor: torch.Tensor, where: str) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise NotFiniteError(
            f"The model's numbers overflowed {where}, so there is no picture. Try another seed; if it happens again, check the weights."
        )
