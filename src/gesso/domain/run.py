"""Runs: what a Worker is told to do for one Attempt, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from gesso.domain.provenance import MadeWith


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file input on local disk, as a Worker is given it."""

    path: Path
    name: str
    content_type: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What a Worker must do for one Attempt.

    `folder`: where the Worker writes Outputs, under the access keys that follow from `stem`: bytes are written where they stay, and
    moving them once they are made waited for the disk once more.
    """

    task_id: int
    attempt: int
    values: Mapping[str, Any]
    files: Mapping[str, tuple[LocalFile, ...]]
    folder: Path
    stem: str


@dataclass(frozen=True, slots=True)
class MadeOutput:
    """A file that a Worker wrote under its access key, flushed to disk unless it is small: then `carried` has its bytes."""

    access_key: str
    extension: str
    size_bytes: int
    sha256: str
    carried: bytes = b""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `failure`: "" for success, else "input", "memory", "engine", "timeout" or "disk", which is full, with its `text` for
    the client.

    `reported`: what the Engine says that it costs, for prices that are reported. `made_with`: what it says of its provenance. `share`: of
    the Worker's time, which the runs of a Batch divide. `waited_s`: until all of them were there.
    """

    outputs: tuple[MadeOutput, ...]
    failure: str
    text: str
    stdout: str
    stderr: str
    reported: Decimal | None = None
    made_with: MadeWith | None = None
    share: float = 1.0
    waited_s: float = 0.0
