"""The Engine of FLUX Fill: read, fill, paste, encode. The Worker imports it by name; importing it brings torch with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gesso.models.contract import Device, Emit, Output
from gesso.models.flux_fill.framing import frame_around
from gesso.models.flux_fill.pipeline import Filler, Order
from gesso.models.flux_fill.reading import read_canvas
from gesso.models.flux_fill.tone import matched
from gesso.models.flux_fill.weights import load
from gesso.models.pictures import to_png

# What the model was trained with, and what its declaration promises for 0.
_USUAL_SCALE = 30.0


class FluxFillEngine:
    """Repaints the masked part of a picture from a text. One PNG for each sample, in the order of their seeds."""

    _filler: Filler

    def setup(self, device: Device, weights: Path) -> None:
        """Load the pipeline. Errors: FolderError."""
        torch.set_num_threads(max(1, device.threads))
        self._filler = Filler(load(weights, device))

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        """Errors: InputError, NotFiniteError, Killed."""
        canvas = read_canvas(inputs, emit)
        frame = frame_around(canvas.mask, self._filler.grid, crop=inputs["crop"] == "auto")
        emit.log(
            f"The model sees {frame.width} x {frame.height} pixels at {frame.left}, {frame.top}, "
            f"as {frame.model_width} x {frame.model_height}."
        )
        order = Order(
            prompt=inputs["prompt"] or "",
            steps=inputs["steps"],
            # Form tools send 0 for a field that nobody touched.
            guidance=float(inputs["scale"]) or _USUAL_SCALE,
            seed=inputs["seed"],
            samples=inputs["samples"],
        )
        picture, mask = canvas.view(frame)
        for answer in self._filler.fill(picture, mask, order, emit):
            answer = matched(answer, np.asarray(picture, np.float32) / 255, np.asarray(mask) > 0)
            yield Output(to_png(canvas.paste(answer, frame, inputs["feather"])), "png")
            emit.check()
