"""The Engine of FLUX Fill: read, fill, paste, encode. The Worker imports it by name; importing it brings torch with it.

Tasks that gave up bit-for-bit repetition for speed may be drawn together: each with its own picture, mask, prompt and noise. It pays where
one picture does not fill the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gesso.models.contract import Device, Emit, Fit, Killed, MadeWith, Output, Part
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.crops import Crop, crop_seed, crops_for
from gesso.models.flux_fill.framing import frame_around
from gesso.models.flux_fill.job import Desk, Job
from gesso.models.flux_fill.lora import Lora, Shelf
from gesso.models.flux_fill.pipeline import Drawing, Order, Turn, warn_of_coverage
from gesso.models.flux_fill.reading import read_canvas
from gesso.models.flux_fill.record import Record
from gesso.models.flux_fill.speed import Speed
from gesso.models.flux_fill.station import Station, is_out_of_memory
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
        self._desk = Desk(self._read)
        self._device = device
        # Once a Batch did not fit into memory, no other is tried.
        self._is_batching = True

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        """Errors: InputError, NotFiniteError, FolderError, Killed."""
        job = self._desk.now(inputs, emit)
        canvas, order, crops = job.canvas, job.order, job.crops
        self._record.note(job)
        _announce(crops, emit)
        self._filler.begin(order, emit)
        total = order.samples * len(crops) * order.steps
        emit.progress(0, total)
        for sample in range(order.samples):
            turns = [
                Turn(crop_seed(order.seed + sample, number), (sample * len(crops) + number) * order.steps, total)
                for number in range(len(crops))
            ]
            picture = self._filled(canvas, crops, order, turns, job.feather, emit)
            self._record.check()
            yield Output(to_png(picture), "png")
            emit.check()

    def fit(self, inputs: Mapping[str, Any]) -> Fit | None:
        """As the contract says. What is exact is promised bit for bit, which company does not keep; holes in several crops see one another.
        Errors: InputError."""
        asked = self._device.options.get("batch", 0)
        if not self._is_batching or inputs["speed"] == Speed.EXACT or (self._device.name == "cpu" and not asked):
            return None
        job = self._desk.ahead(inputs)
        frame = job.crops[0].frame
        # As many as have the pixels of one picture of the size at which the model draws best: with that one a card is full.
        most = asked or self._filler.grid.native_side**2 // (frame.model_width * frame.model_height)
        if len(job.crops) > 1 or job.order.samples >= most:
            return None
        return Fit(self._key(job), job.order.samples, most)

    def run_batch(self, parts: Sequence[Part]) -> Iterator[tuple[int, Sequence[Output] | Exception]]:
        """As the contract says. Errors: ValueError for what does not fit together."""
        drawings: dict[int, list[Drawing]] = {}
        jobs: dict[int, Job] = {}
        for number, part in enumerate(parts):
            with suppress(Killed):
                jobs[number] = self._desk.now(part.inputs, part.emit)
                drawings[number] = self._drawings(jobs[number], part.emit)
        if len({self._key(jobs[number]) for number in drawings}) > 1:
            raise ValueError("these tasks cannot be drawn together")
        everything = [drawing for each in drawings.values() for drawing in each]
        for drawing in everything:
            if drawing.is_heard:
                with suppress(Killed):
                    drawing.emit.log(f"It is drawn together with others, {len(everything)} pictures in all.")
        answers = iter(self._drawn(everything))
        self._record.check()
        for number, own in drawings.items():
            filled = [next(answers) for _ in own]
            error = next((drawing.error for drawing in own if drawing.error is not None), None)
            if isinstance(error, Exception):
                yield number, error
            elif error is None:
                job = jobs[number]
                self._record.note(job, len(everything))
                pictures = zip(own, filled, strict=True)
                yield (
                    number,
                    [
                        Output(to_png(_pasted(job.canvas, job.crops[0], each, answer, job.feather)), "png")
                        for each, answer in pictures
                        if answer is not None
                    ],
                )

    def _drawings(self, job: Job, emit: Emit) -> list[Drawing]:
        """Of each sample of a Job with one crop."""
        (crop,), order = job.crops, job.order
        _announce(job.crops, emit)
        self._filler.begin(order, emit)
        picture, mask = job.canvas.view(crop.frame)
        warn_of_coverage(mask, emit)
        emit.progress(0, order.steps)
        turns = [Turn(crop_seed(order.seed + sample, 0), 0, order.steps) for sample in range(order.samples)]
        return [Drawing(picture, mask, order, turn, emit, is_heard=number == 0) for number, turn in enumerate(turns)]

    def _drawn(self, drawings: list[Drawing]) -> list[np.ndarray | None]:
        if not drawings:
            return []
        try:
            return self._filler.draw_together(drawings)
        except Exception as error:
            if is_out_of_memory(error):
                self._is_batching = False
            raise

    def _key(self, job: Job) -> str:
        return job.key(self._filler.text_length(job.order))

    def provenance(self) -> MadeWith:
        return self._record.told(self._filler)

    def _read(self, inputs: Mapping[str, Any], emit: Emit) -> Job:
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
        return Job(canvas, order, self._crops(canvas, order, is_cropped=inputs["crop"] == "auto"), inputs["feather"])

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
            drawing = Drawing(picture, mask, order, turn, emit)
            canvas = replace(canvas, picture=_pasted(canvas, crop, drawing, self._filler.draw(drawing), feather))
            pending[crop.frame.within] &= ~crop.inside
        return canvas.picture


def _pasted(canvas: Canvas, crop: Crop, drawing: Drawing, answer: np.ndarray, feather: int) -> Picture:
    answer = matched(answer, np.asarray(drawing.picture, np.float32) / 255, np.asarray(drawing.mask) > 0)
    return canvas.paste(answer, crop.frame, feather, crop.inside)


def _announce(crops: list[Crop], emit: Emit) -> None:
    if len(crops) > 1:
        emit.log(f"Holes that lie far apart are filled in {len(crops)} crops: that is cheaper than one around all of them.")
    for frame in (crop.frame for crop in crops):
        emit.log(
            f"The model sees {frame.width} x {frame.height} pixels at {frame.left}, {frame.top}, "
            f"as {frame.model_width} x {frame.model_height}."
        )
