"""The Engine of shapes-fill: a frame and weights of its own, and for the rest the machinery of FLUX Fill. It brings torch with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from gesso.models.contract import Device, Emit, MadeWith, Output
from gesso.models.environment import code_digest, environment, folder_digest
from gesso.models.flux_fill.attention import NATIVE, set_attention
from gesso.models.flux_fill.crops import SEEDS
from gesso.models.flux_fill.framing import Frame
from gesso.models.flux_fill.pipeline import Filler, Order
from gesso.models.flux_fill.reading import read_canvas
from gesso.models.flux_fill.tone import matched
from gesso.models.pictures import to_png
from gesso.models.shapes_fill.autoencoder import PatchAutoencoder
from gesso.models.shapes_fill.framing import square_around
from gesso.models.shapes_fill.weights import FOLDER
from gesso.models.shapes_fill.words import read

# The model learned without guidance, so that every value of it means the same; this is the one that the pipeline is given.
_GUIDANCE = 30.0
_PACKAGES = ("torch", "diffusers", "transformers", "safetensors", "numpy", "opencv-contrib-python-headless", "pillow", "isal")
_MOST_STRETCH = 1.25
# What FLUX Fill takes and this model has no use for.
_UNUSED = {"width": 0, "height": 0, "extendLeft": 0, "extendTop": 0, "extendRight": 0, "extendBottom": 0}


class ShapesFillEngine:
    """Draws coloured shapes into the masked part of a picture. One PNG for each sample, in the order of their seeds."""

    _filler: Filler

    def setup(self, device: Device, weights: Path) -> None:
        torch.set_num_threads(max(1, device.threads))
        pipeline = load(FOLDER, device.name)
        self._filler = Filler(pipeline)
        machinery = {"machinery": code_digest(Path(__file__).parents[1] / "flux_fill")}
        where = {
            "device": device.name,
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "threads": str(torch.get_num_threads()),
            "precision": str(pipeline.transformer.dtype).removeprefix("torch."),
            "attention": set_attention(pipeline.transformer, device.name, NATIVE)[0],
        }
        self._environment = {**environment(__file__, _PACKAGES), **machinery, **where, "weights": folder_digest(FOLDER)}
        self._used: dict[str, Any] = {}

    def provenance(self) -> MadeWith:
        """Of the last run."""
        return MadeWith(self._environment, self._used)

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        """Errors: InputError, NotFiniteError, Killed."""
        canvas = read_canvas({**inputs, **_UNUSED}, emit)
        frame = square_around(canvas.mask, self._filler.grid.native_side)
        _announce(frame, emit)
        reading = read(inputs["prompt"])
        if reading.warning:
            emit.warn(reading.warning)
        order = Order(
            prompt=reading.text,
            steps=inputs["steps"],
            guidance=_GUIDANCE,
            seed=inputs["seed"],
            samples=inputs["samples"],
            has_previews=inputs["preview"],
        )
        self._used = _decided(order, frame, inputs["feather"])
        picture, mask = canvas.view(frame)
        for answer in self._filler.fill(picture, mask, order, emit):
            answer = matched(answer, np.asarray(picture, np.float32) / 255, np.asarray(mask) > 0)
            yield Output(to_png(canvas.paste(answer, frame, inputs["feather"])), "png")
            emit.check()


def load(folder: Path, device: str) -> FluxFillPipeline:
    """The stock pipeline with the weights of a folder, in float32: they are so few that halving them would save nothing."""
    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    autoencoder = PatchAutoencoder.from_pretrained(folder / "vae", dtype=torch.float32, local_files_only=True)
    pipeline = FluxFillPipeline.from_pretrained(folder, vae=autoencoder, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def _decided(order: Order, frame: Frame, feather: int) -> dict[str, Any]:
    """What a run uses: the values after defaults and decisions."""
    return {
        "steps": order.steps,
        "seeds": [(order.seed + sample) % SEEDS for sample in range(order.samples)],
        "feather": feather,
        "crops": [[frame.left, frame.top, frame.right, frame.bottom, frame.model_width, frame.model_height]],
        "reads": order.prompt,
    }


def _announce(frame: Frame, emit: Emit) -> None:
    emit.log(
        f"The model sees {frame.width} x {frame.height} pixels at {frame.left}, {frame.top}, as {frame.model_width} x {frame.model_height}."
    )
    longer, shorter = max(frame.width, frame.height), min(frame.width, frame.height)
    if longer > _MOST_STRETCH * shorter:
        emit.warn("The picture is too narrow for a square around the mask, so what is drawn comes out stretched.")
