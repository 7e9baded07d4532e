"""Builders and a double for the tests of shapes-fill: input files from arrays, checked inputs, and a voice that remembers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gesso.models.contract import InputFile, Killed, Output
from gesso.models.shapes_fill.model import MODEL


class Voice:
    """An Emit that remembers what was said. `kill_at`: the count of progress calls at which it raises Killed."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.previews: list[bytes] = []
        self.logs: list[str] = []
        self.warnings: list[str] = []
        self._kill_at = kill_at

    def progress(self, step: int, total: int) -> None:
        self.steps.append((step, total))
        if len(self.steps) == self._kill_at:
            raise Killed

    def preview(self, jpeg: bytes) -> None:
        self.previews.append(jpeg)

    def log(self, text: str) -> None:
        self.logs.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def check(self) -> None:
        pass


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def box(width: int, height: int, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return mask


def make_inputs(folder: Path, picture: np.ndarray, mask: np.ndarray, **values: Any) -> dict[str, Any]:
    """Inputs as the platform gives them: `values` through the Model's own checks, files on disk."""
    checked = MODEL.check(values, {"inputImage": 1, "inputImageMask": 1})
    shown = mask.astype(np.uint8) * 255
    return checked | {"inputImage": _save(folder / "picture.png", picture), "inputImageMask": _save(folder / "mask.png", shown)}


def pixels_of(output: Output) -> np.ndarray:
    assert output.extension == "png"
    return np.asarray(Image.open(io.BytesIO(output.data)))


def _save(path: Path, pixels: np.ndarray) -> InputFile:
    Image.fromarray(pixels).save(path)
    return InputFile(path, path.name, "image/png")
