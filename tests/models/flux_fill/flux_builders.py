"""Builders and a double for the tests of FLUX Fill: input files from arrays, checked inputs, and a voice that remembers."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gesso.models.contract import InputFile, Killed, Output
from gesso.models.flux_fill.model import MODEL
from gesso.models.flux_fill.weights import PIPELINE_CLASS, PULLED


class Voice:
    """An Emit that remembers what was said. `kill_at`: the count of progress calls at which it raises Killed."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.logs: list[str] = []
        self.warnings: list[str] = []
        self.previews: list[bytes] = []
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


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def box_mask(width: int, height: int, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return mask


def save(folder: Path, name: str, pixels: np.ndarray) -> InputFile:
    """A PNG of uint8 pixels; booleans become black and white."""
    pixels = pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels
    Image.fromarray(pixels).save(folder / name)
    return InputFile(folder / name, name, "image/png")


def make_inputs(folder: Path, picture: np.ndarray, mask: np.ndarray, **values: Any) -> dict[str, Any]:
    """Inputs as the platform gives them: `values` through the Model's own checks, files on disk. Two steps, to be quick."""
    checked = MODEL.check({"steps": 2, **values}, {"inputImage": 1, "inputImageMask": 1})
    return checked | {"inputImage": save(folder, "picture.png", picture), "inputImageMask": save(folder, "mask.png", mask)}


def pixels_of(output: Output) -> np.ndarray:
    assert output.extension == "png"
    return np.asarray(Image.open(io.BytesIO(output.data)))


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where two pictures differ, [height, width] bool."""
    assert before.shape == after.shape
    return (before != after).any(axis=-1)


def make_hollow_folder(folder: Path, shards: int = 1) -> Path:
    """A folder that has the form of a FLUX Fill pipeline, made without torch: each weights file holds one tensor of four zeros."""
    write_json(folder / "model_index.json", {"_class_name": PIPELINE_CLASS})
    write_json(folder / "scheduler" / "scheduler_config.json", {})
    for tokenizer in ("tokenizer", "tokenizer_2"):
        write_json(folder / tokenizer / "tokenizer.json", {})
        write_json(folder / tokenizer / "tokenizer_config.json", {})
    configs = {"transformer": {"in_channels": 384}, "vae": {"latent_channels": 16, "block_out_channels": [8] * 4, "sample_size": 1024}}
    for component in ("transformer", "vae", "text_encoder", "text_encoder_2"):
        write_json(folder / component / "config.json", configs.get(component, {}))
        stem = "model" if component.startswith("text") else "diffusion_pytorch_model"
        if component == "transformer" and shards > 1:
            names = [f"{stem}-{shard:05}-of-{shards:05}.safetensors" for shard in range(1, shards + 1)]
            write_json(folder / component / f"{stem}.safetensors.index.json", {"weight_map": {f"w{name}": name for name in names}})
        else:
            names = [f"{stem}.safetensors"]
        for name in names:
            write_weights(folder / component / name, f"w{name}")
    return folder


def write_weights(path: Path, name: str = "w") -> None:
    header = json.dumps({name: {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))


def write_pulled(folder: Path) -> None:
    """The record that `gesso models pull` leaves of a folder."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in paths
    }
    write_json(folder / PULLED, {"files": files})


def write_json(path: Path, body: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body), "utf-8")
