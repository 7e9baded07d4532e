"""A model for pictures of pages: it paints the mask in one colour, always the same, and stops half-way when it is told to."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gesso.sdk import Device, Emit, Group, Kind, Model, Option, Output, Parameter, Role

_PICTURE = ("image/",)
_HALF_WAY = 14
_SAY_INTERVAL_S = 0.2
_FAILS, _STOPS = "breaks", "slowly"

MODEL = Model(
    owner="studio",
    slug="paintbox",
    title="Paintbox",
    description="Paints the masked part of a picture in one colour.",
    engine="looks_model:Paintbox",
    categories=("tool", "inpainting"),
    groups=(
        Group(
            "All",
            (
                Parameter("inputImage", Kind.FILE, "Photograph", required=True, role=Role.PICTURE, accepts=_PICTURE),
                Parameter("inputImageMask", Kind.FILE, "Mask", required=True, role=Role.MASK, accepts=_PICTURE),
                Parameter(
                    "prompt", Kind.TEXTAREA, "Prompt", "Describe only what should appear inside the mask.", required=True, max_length=512
                ),
                Parameter("steps", Kind.INTEGER, "Steps", "More takes longer.", default=25, minimum=1, maximum=50),
                Parameter("scale", Kind.NUMBER, "Guidance", default=30, minimum=0, maximum=60, step=0.5),
                Parameter("samples", Kind.INTEGER, "Samples", default=1, minimum=1, maximum=8),
                Parameter("seed", Kind.SEED, "Seed", default=1),
                Parameter("width", Kind.INTEGER, "Width", default=0, minimum=0, maximum=4096, step=16),
                Parameter("height", Kind.INTEGER, "Height", default=0, minimum=0, maximum=4096, step=16),
                Parameter(
                    "format", Kind.SELECT, "Format", default="png", options=(Option("png", "PNG"), Option("webp", "WebP")), advanced=True
                ),
                Parameter("keep", Kind.CHECKBOX, "Keep outside pixels", default=True, advanced=True),
            ),
        ),
    ),
)


class Paintbox:
    def setup(self, device: Device, weights: Path) -> None:
        from PIL import Image

        self._image = Image

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        if _FAILS in inputs["prompt"]:
            raise RuntimeError("Mask is empty: nothing to fill")
        picture = self._image.open(inputs["inputImage"].path).convert("RGB")
        mask = self._image.open(inputs["inputImageMask"].path).convert("L")
        shade = int(inputs["seed"]) % 200
        picture.paste((40, 60 + shade // 2, shade), (0, 0), mask)
        for step in range(1, inputs["steps"] + 1):
            emit.progress(step, inputs["steps"])
            if step == _HALF_WAY and _STOPS in inputs["prompt"]:
                emit.preview(_written(picture, "JPEG"))
                while True:
                    # Said again for pages that come later; it raises when the task is killed.
                    emit.progress(step, inputs["steps"])
                    time.sleep(_SAY_INTERVAL_S)
        for _ in range(inputs["samples"]):
            yield Output(_written(picture, "PNG"), "png")


def _written(picture: Any, kind: str) -> bytes:
    told = io.BytesIO()
    picture.save(told, kind)
    return told.getvalue()
