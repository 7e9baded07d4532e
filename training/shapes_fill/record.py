"""The record of a training: what it was asked to do, how it went, what came of it, and the hashes of the files that it made."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

NAME = "training.json"
_PACKAGES = ("torch", "diffusers", "transformers", "tokenizers", "safetensors", "numpy", "opencv-contrib-python-headless")


@dataclass(slots=True)
class Course:
    """How a training went. `losses`: the mean of each fifty steps; `scores`: by step, as `scoring.shares` tells them, of the cases by
    which the course was watched; `fresh`: at the end, as `scoring.fresh` tells them; `before`: the record of the weights that it went on
    from.
    """

    steps: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    scores: dict[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None


def write(folder: Path, plan: dict[str, Any], course: Course) -> None:
    """Put the record beside the weights of a folder."""
    body = {
        "plan": plan,
        "course": asdict(course),
        "machine": {"python": platform.python_version(), "system": platform.system(), "architecture": platform.machine()},
        "packages": {package: version(package) for package in _PACKAGES},
        "files": hashes(folder),
    }
    (folder / NAME).write_text(json.dumps(body, indent=2) + "\n", "utf-8")


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the record, by its path in the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
