"""A Job: a Task of FLUX Fill, read and decided, before anything is drawn; and with whom it may be drawn together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gesso.models.contract import Emit
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.crops import Crop
from gesso.models.flux_fill.pipeline import Order

# Of a Batch of four, and the one behind it that did not fit.
_MOST_READ = 5


@dataclass(frozen=True, slots=True)
class Job:
    canvas: Canvas
    order: Order
    crops: list[Crop]
    feather: int

    def key(self, text_tokens: int) -> str:
        """What must be equal of Jobs that are drawn together: all that the pipeline takes once for all pictures."""
        frame, order = self.crops[0].frame, self.order
        lora = f"{order.lora.digest} at {order.strength}" if order.lora else "no LoRA"
        return f"{frame.model_width}x{frame.model_height}, {order.steps} steps, {order.guidance}, {order.speed}, {text_tokens}, {lora}"


class Said:
    """An Emit that keeps what is said for when there is somebody to hear it."""

    def __init__(self) -> None:
        self._lines: list[tuple[bool, str]] = []

    def log(self, text: str) -> None:
        self._lines.append((False, text))

    def warn(self, text: str) -> None:
        self._lines.append((True, text))

    def progress(self, step: int, total: int) -> None:
        pass

    def preview(self, jpeg: bytes) -> None:
        pass

    def cost(self, amount: Decimal) -> None:
        pass

    def check(self) -> None:
        pass

    def again(self, emit: Emit) -> None:
        for is_warning, text in self._lines:
            (emit.warn if is_warning else emit.log)(text)


class Desk:
    """Reads Tasks, by `read`. One that was looked at ahead of its run is not read again."""

    def __init__(self, read: Callable[[Mapping[str, Any], Emit], Job]) -> None:
        self._read = read
        self._ahead: deque[tuple[Mapping[str, Any], Job, Said]] = deque(maxlen=_MOST_READ)

    def ahead(self, inputs: Mapping[str, Any]) -> Job:
        """The Job of a Task that still waits. Errors: InputError."""
        for known, job, _ in self._ahead:
            if known == inputs:
                return job
        said = Said()
        job = self._read(inputs, said)
        self._ahead.append((inputs, job, said))
        return job

    def now(self, inputs: Mapping[str, Any], emit: Emit) -> Job:
        """The Job of a Task that runs. Errors: InputError, Killed."""
        for number, (known, job, said) in enumerate(self._ahead):
            if known == inputs:
                del self._ahead[number]
                said.again(emit)
                return job
        return self._read(inputs, emit)
