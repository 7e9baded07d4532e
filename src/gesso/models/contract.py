"""All that a model author must know: the Engine's shape, what it is given, what it yields.

An Engine lives in a Worker, a process of its own. `setup` loads weights once; `run` serves one Task at a time. stdout and stderr are the
Task's log. An Engine that gains from it may serve several Tasks together. Re-exported as `gesso.sdk`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from gesso.domain.batch import Fit as Fit
from gesso.domain.provenance import MadeWith as MadeWith


class InputError(Exception):
    """Raise it for an input that cannot be served; its text is told to the client as it is, so write a sentence that helps."""


class Killed(BaseException):
    """Raised out of `emit` when the Task was killed. Let it pass; clean up with `finally`.

    A BaseException, so that `except Exception` in a library does not swallow it.
    """


@dataclass(frozen=True, slots=True)
class Device:
    """Where the Engine runs. `name` as torch writes it ("cpu", "cuda:0"); `memory_bytes` is the budget there.

    `options`: what the operator fixed for this Engine, checked, with the defaults of the Model's declared options.
    """

    name: str
    memory_bytes: int
    threads: int
    options: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file given to a parameter: already on local disk, read-only. `content_type` was sniffed from its bytes."""

    path: Path
    name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Output:
    """One result: its bytes and the extension that names their type ("png", "webp", "txt")."""

    data: bytes
    extension: str = "png"


class Emit(Protocol):
    """The Engine's voice while it runs. Every call raises `Killed` when the Task was killed, so call it at each step."""

    def progress(self, step: int, total: int) -> None:
        """Say that `step` of `total` steps are done."""
        ...

    def preview(self, jpeg: bytes) -> None:
        """Show an unfinished picture, a small JPEG."""
        ...

    def log(self, text: str) -> None:
        """Write a line to the Task's log."""
        ...

    def warn(self, text: str) -> None:
        """Tell the client that something was not done as asked, or will look poor, and why."""
        ...

    def cost(self, amount: Decimal) -> None:
        """Tell what the Task costs, for a Model whose price is reported; the last one counts. Errors: ValueError for what is no price."""
        ...

    def check(self) -> None:
        """Say nothing; only raise `Killed` if the Task was killed."""
        ...


class Engine(Protocol):
    """What a Model's `engine` names: a class without constructor arguments.

    It may also have a method `provenance()`, called after each run that ended well: a `MadeWith` that says what the run depended on. Then
    the Task keeps it, and `gesso replay` can name what has changed since.
    """

    def setup(self, device: Device, weights: Path) -> None:
        """Load what every run shares. `weights`: the Model's own weights folder, which may be absent."""
        ...

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterable[Output]:
        """Serve one Task. `inputs`: checked values by parameter id; a file is an `InputFile`, FILES a list of them, an absent one None."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """What of a Batch is one Task's: its inputs and its voice."""

    inputs: Mapping[str, Any]
    emit: Emit


class BatchingEngine(Engine, Protocol):
    """An Engine that may serve several Tasks together. It must not matter to a Task, beyond rounding, who was beside it."""

    def fit(self, inputs: Mapping[str, Any]) -> Fit | None:
        """With whom a waiting Task could share a Batch; None for nobody, also where its inputs cannot be served."""
        ...

    def run_batch(self, parts: Sequence[Part]) -> Iterable[tuple[int, Sequence[Output] | Exception]]:
        """Serve Tasks that fit together. Yields, for the part of each number, all of its Outputs at once or the error that is its own.

        `Killed` out of a part's `emit` ends that part and no other. Parts that are left out, and all when it raises, are run one by one.
        stdout and stderr are nobody's log meanwhile. `provenance()` is called after each part.
        """
        ...
