"""Input files and a listening Emit for the tests of gesso/heal."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from gesso.models.contract import Device, InputFile, Killed
from gesso.models.heal.engine import HealEngine

CPU = Device("cpu", 2**30, 1)


class Recorder:
    """An Emit that remembers what it was told, and kills at the call with number `dies_at`, counted from 1."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.logs: list[str] = []
        self.warnings: list[str] = []
        self.calls = 0
        self._dies_at = dies_at

    def progress(self, step: int, total: int) -> None:
        self.check()
        self.steps.append((step, total))

    def preview(self, jpeg: bytes) -> None:
        self.check()

    def log(self, text: str) -> None:
        self.check()
        self.logs.append(text)

    def warn(self, text: str) -> None:
        self.check()
        self.warnings.append(text)

    def check(self) -> None:
        self.calls += 1
        if self.calls == self._dies_at:
            raise Killed


def stored(folder: Path, name: str, data: bytes) -> InputFile:
    path = folder / name
    path.write_bytes(data)
    return InputFile(path, name, "application/octet-stream")


def image_file(folder: Path, name: str, image: Image.Image, **options: object) -> InputFile:
    buffer = io.BytesIO()
    image.save(buffer, **{"format": "PNG", **options})
    return stored(folder, name, buffer.getvalue())


def mask_file(folder: Path, white: np.ndarray, name: str = "mask.png") -> InputFile:
    return image_file(folder, name, Image.fromarray(white.astype(np.uint8) * 255))


def healed(picture: InputFile, mask: InputFile, emit: Recorder | None = None, method: str = "auto") -> bytes:
    """The bytes of the one PNG that the Engine yields."""
    engine = HealEngine()
    engine.setup(CPU, Path("absent"))
    (output,) = engine.run({"inputImage": picture, "inputImageMask": mask, "method": method}, emit or Recorder())
    assert output.extension == "png"
    return output.data
