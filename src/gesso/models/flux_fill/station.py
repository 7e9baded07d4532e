"""The station: the Filler with its pipeline, loaded by a memory plan. When the device is too full after all, it goes one plan down and does
the work again, once; the lower plan stays for as long as the Worker lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from gesso.models.contract import Device, Emit
from gesso.models.flux_fill.attention import AUTO, set_attention
from gesso.models.flux_fill.compiling import Compiler
from gesso.models.flux_fill.crops import Effort
from gesso.models.flux_fill.framing import Grid
from gesso.models.flux_fill.loading import load, reading, release_memory
from gesso.models.flux_fill.memory import Placement, Plan, Room, below, choose, ladder, room_for
from gesso.models.flux_fill.pipeline import Drawing, Filler, Order
from gesso.models.flux_fill.speed import Speed
from gesso.models.flux_fill.weights import check_folder

_Done = TypeVar("_Done")


class Station:
    """Does what a Filler does. `plan`: the one in force."""

    plan: Plan

    def __init__(self, folder: Path, device: Device) -> None:
        """Load the pipeline. Errors: FolderError, NoRoomError, OSError."""
        self._folder = folder
        self._device = device
        if device.name != "cpu":
            # Some of what quantizes asks for no device and takes the present one.
            torch.cuda.set_device(device.name)
        self._room = _room(device)
        weights = check_folder(folder)
        self._ladder = ladder(weights, self._room, device.options)
        self._compiler = Compiler(device.options.get("compile", "off"), device.name)
        self._filler: Filler | None = None
        plan, sentence = choose(weights, self._room, device.options)
        self._load(plan, f"Memory plan: {sentence}")

    @property
    def filler(self) -> Filler:
        """The present one, another after each change of plan. Where the last loading failed, and a Task with it, this one loads again.

        Errors: what torch raises, OSError.
        """
        if self._filler is None:
            # What the failed loading had brought is given back now that nobody speaks of its error any more.
            release_memory()
            self._load(self.plan, f"Memory plan, loaded again: {self.plan.sentence(self._room)}.")
        assert self._filler is not None
        return self._filler

    @property
    def grid(self) -> Grid:
        return self.filler.grid

    @property
    def effort(self) -> Effort:
        return self.filler.effort

    def facts(self) -> dict[str, str]:
        """What of the plan may show in a picture, by name."""
        return {
            "precision": str(self.plan.precision),
            "placement": str(self.plan.placement),
            "tiles": "yes" if self.plan.is_tiled else "no",
            "attention": self._attention,
            "compiled": "yes" if self._compiler.is_compiled else "no",
        }

    def begin(self, order: Order, emit: Emit) -> None:
        """As Filler's, and say how the model stands here."""
        filler = self.filler
        emit.log(self._about)
        self._compiler.task_begins(filler, self.plan, order.speed, emit)
        if order.speed is not Speed.EXACT and self.plan.placement is Placement.STREAMED:
            emit.warn("Every step was computed in full: steps are not skipped while the transformer is streamed from main memory.")
        self._steadily(lambda filler: filler.begin(order, emit), emit.warn)

    def draw(self, drawing: Drawing) -> np.ndarray:
        """As Filler's."""
        return self._steadily(lambda filler: filler.draw(drawing), drawing.emit.warn)

    def draw_together(self, drawings: Sequence[Drawing]) -> list[np.ndarray | None]:
        """As Filler's. When memory runs out, nothing is given up for it: one after the other they may fit. Errors: what torch raises."""
        return self.filler.draw_together(drawings)

    def text_length(self, order: Order) -> int:
        """As Filler's."""
        return self.filler.text_length(order)

    def _steadily(self, work: Callable[[Filler], _Done], tell: Callable[[str], None]) -> _Done:
        try:
            return work(self.filler)
        except Exception as error:
            lower = below(self.plan, self._ladder, self._room)
            if lower is None or not is_out_of_memory(error):
                raise
        # Not within the except clause, where the error would keep alive what was being computed.
        self._step_down(lower, tell)
        return work(self.filler)

    def _step_down(self, plan: Plan, tell: Callable[[str], None]) -> None:
        tell(f"{self._device.name} ran out of memory. From here on: {plan.sentence(self._room)}.")
        self._filler = None
        release_memory()
        self._compiler.forget()
        self._load(plan, f"Memory plan, after {self._device.name} ran out of memory: {plan.sentence(self._room)}.")

    def _load(self, plan: Plan, about: str) -> None:
        device, options = self._device.name, self._device.options
        # Before it is there: what failed to load is what is loaded next time.
        self.plan = plan
        try:
            pipeline = load(self._folder, device, plan)
        except Exception as error:
            lower = below(plan, self._ladder, self._room)
            if lower is None or not is_out_of_memory(error):
                raise
        else:
            self._attention, about_attention = set_attention(pipeline.transformer, device, options.get("attention", AUTO), self._folder)
            # Skipping a block and fetching it ahead of its turn do not go together.
            shortcuts = {} if plan.placement is Placement.STREAMED else options
            self._filler = Filler(pipeline, shortcuts, lambda: reading(pipeline, device, plan))
            self._about = f"{about} {about_attention}"
            return
        release_memory()
        self._load(lower, f"Memory plan, after {device} ran out of memory: {lower.sentence(self._room)}.")


def is_out_of_memory(error: BaseException) -> bool:
    """Also what torch raises when main memory is at its end, which has no type of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _room(device: Device) -> Room:
    free_bytes = torch.cuda.mem_get_info(device.name)[0] if device.name != "cpu" else room_for("cpu", device.memory_bytes).main_bytes
    return room_for(device.name, min(device.memory_bytes, free_bytes))
