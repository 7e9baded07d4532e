"""Events: the immutable facts of which a Task consists. Stored ones are numbered from 1 without gaps; live ones are only announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gesso.domain.file import File


@dataclass(frozen=True, slots=True)
class FileInput:
    """A file given to a Task: stored (`access_key` set) or still to be fetched (`url` set). After preprocessing it is stored."""

    name: str
    access_key: str = ""
    url: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """The Task was accepted from the client."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The Scheduler chose the Task: Attempt `attempt` begins."""

    attempt: int


@dataclass(frozen=True, slots=True)
class PreprocessStarted:
    """Inputs are being fetched and checked."""


@dataclass(frozen=True, slots=True)
class PreprocessEnded:
    """All inputs are stored. `files`: the file inputs as they are now, or None where nothing had to be fetched."""

    files: Mapping[str, tuple[FileInput, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A Worker has the Task. Billed time begins."""

    worker: str


@dataclass(frozen=True, slots=True)
class Started:
    """The Engine runs."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The Engine is done and its Outputs are stored. `exit_code` 0 is success. Billed time ends, and the cost is known."""

    exit_code: int
    outputs: tuple[File, ...]
    billed_us: int
    cost: Decimal
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class PostprocessStarted:
    """Outputs are being settled."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The Task ended well, and was charged."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The Task ended without a result; `reason` is a sentence for the client. Nothing is charged."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The client withdrew the Task, queued or running. Nothing is charged."""


@dataclass(frozen=True, slots=True)
class Requeued:
    """The Attempt was lost through no fault of the Task, which waits again.

    `is_counted`: the Worker died under it, which is tried ATTEMPTS_MAX_COUNT times; a server that stops is not held against it.
    """

    reason: str
    is_counted: bool


@dataclass(frozen=True, slots=True)
class FilesDeleted:
    """The Outputs and the inputs of an ended Task were deleted, by its owner or because they were old. Its state stays."""


Event = (
    Queued
    | Accepted
    | PreprocessStarted
    | PreprocessEnded
    | Assigned
    | Started
    | Ended
    | PostprocessStarted
    | Succeeded
    | Failed
    | Cancelled
    | Requeued
    | FilesDeleted
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An Event with its number within its Task and its time in microseconds since 1970, UTC."""

    seq: int
    at: int
    event: Event


@dataclass(frozen=True, slots=True)
class Progress:
    """`step` of `total` are done, `elapsed_us` microseconds after the Engine started."""

    step: int
    total: int
    elapsed_us: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that the Engine wrote. `stream`: "stdout" or "stderr"."""

    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """An unfinished picture: a small JPEG in base64."""

    jpeg_base64: str


LiveEvent = Progress | LogLine | Preview
