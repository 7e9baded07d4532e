"""The Engine of FLUX Fill: read, fill, paste, encode. The Worker imports it by name; importing it brings torch with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gesso.models.contract import Device, Emit, MadeWith, Output
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.crops import Crop, crop_seed, crops_for
from gesso.models.flux_fill.framing import frame_around
from gesso.models.flux_fill.lora import Lora, Shelf
from gesso.models.flux_fill.pipeline import Order, Turn, warn_of_coverage
from gesso.models.flux_fill.reading import read_canvas
from gesso.models.flux_fill.record import Record
from gesso.models.flux_fill.speed import Speed
from gesso.models.flux_fill.station import Station
from gesso.models.flux_fill.tone import matched
from gesso.models.pictures import Picture, to_png

# What the model was trained with, and what its declaration promises for 0.
_USUAL_SCALE = 30.0


class FluxFillEngine:
    """Repaints the masked part of a picture from a text. One PNG for each sample, in the order of their seeds."""

    _filler: Station

    def setup(self, device: Device, weights: Path) -> None:
        """Load the pipeline. Errors: FolderError, NoRoomError."""
        torch.set_num_threads(max(1, device.threads))
        self._record = Record(weights, device)
        self._filler = Station(weights, device)
        self._shelf = Shelf()

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        """Errors: InputError, NotFiniteError, Killed."""
        canvas = read_canvas(inputs, emit)
        order = Order(
            prompt=inputs["prompt"] or "",
            steps=inputs["steps"],
            # Form tools send 0 for a field that nobody touched.
            guidance=float(inputs["scale"]) or _USUAL_SCALE,
            seed=inputs["seed"],
            samples=inputs["samples"],
            has_previews=inputs["preview"],
            speed=Speed(inputs.get("speed", Speed.EXACT)),
            lora=self._lora(inputs, emit),
            strength=float(inputs.get("loraScale", 1.0)),
        )
        crops = self._crops(canvas, order, is_cropped=inputs["crop"] == "auto")
        self._record.note(order, crops, inputs["feather"])
        _announce(crops, emit)
        self._filler.begin(order, emit)
        total = order.samples * len(crops) * order.steps
        emit.progress(0, total)
        for sample in range(order.samples):
            turns = [
                Turn(crop_seed(order.seed + sample, number), (sample * len(crops) + number) * order.steps, total)
                for number in range(len(crops))
            ]
            yield Output(to_png(self._filled(canvas, crops, order, turns, inputs["feather"], emit)), "png")
            emit.check()

    def provenance(self) -> MadeWith:
        return self._record.told(self._filler)

    def _lora(self, inputs: Mapping[str, Any], emit: Emit) -> Lora | None:
        file = inputs.get("lora")
        if file is None:
            if inputs.get("loraScale", 1.0) != 1:
                emit.warn("loraScale has no effect without a LoRA.")
            return None
        lora = self._shelf.read(file, self._filler.filler.pipeline)
        for note in lora.notes:
            emit.warn(note)
        emit.log(f"LoRA {lora.name} ({lora.digest[:12]}) at {float(inputs['loraScale']):g}.")
        return lora

    def _crops(self, canvas: Canvas, order: Order, is_cropped: bool) -> list[Crop]:
        grid = self._filler.grid
        if is_cropped:
            return crops_for(canvas.mask, grid, self._filler.effort, order.steps)
        frame = frame_around(canvas.mask, grid, crop=False)
        return [Crop(frame, canvas.mask)]

    def _filled(self, canvas: Canvas, crops: list[Crop], order: Order, turns: list[Turn], feather: int, emit: Emit) -> Picture:
        """One sample: crop after crop, each of which sees what the ones before it filled."""
        pending, is_warned = canvas.mask.copy(), turns[0].before > 0
        for crop, turn in zip(crops, turns, strict=True):
            picture, mask = replace(canvas, mask=pending).view(crop.frame)
            is_warned = is_warned or warn_of_coverage(mask, emit)
            answer = self._filler.draw(picture, mask, order, turn, emit)
            answer = matched(answer, np.asarray(picture, np.float32) / 255, np.asarray(mask) > 0)
            canvas = replace(canvas, picture=canvas.paste(answer, crop.frame, feather, crop.inside))
            pending[crop.frame.within] &= ~crop.inside
        return canvas.picture


def _announce(crops: list[Crop], emit: Emit) -> None:
    if len(crops) > 1:
        emit.log(f"Holes that lie far apart are filled in {len(crops)} crops: that is cheaper than one around all of them.")
    for frame in (crop.frame for crop in crops):
        emit.log(
            f"The model sees {frame.width} x {frame.height} pixels at {frame.left}, {frame.top}, "
            f"as {frame.model_width} x {frame.model_height}."
        )
