"""Weights: whether a diffusers pipeline folder of FLUX Fill is there and whole, and its loading onto a device.

`check_folder` and `readiness` import nothing heavy and read only names, sizes and small JSON files, so the server may call them. `load`
imports torch and diffusers and belongs in the Worker.
"""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.domain.model import READY, Readiness
from gesso.models.contract import Device

if TYPE_CHECKING:
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline

NAME = "black-forest-labs/FLUX.1-Fill-dev"
PIPELINE_CLASS = "FluxFillPipeline"

_INDEX = "model_index.json"
_PACKAGES = ("torch", "diffusers", "transformers")
_WITH_WEIGHTS = ("transformer", "vae", "text_encoder", "text_encoder_2")
# By component: a file of its settings, and for tokenizers any one of the spellings that the libraries read.
_SETTINGS = {
    "scheduler": ("scheduler_config.json",),
    "tokenizer": ("tokenizer.json", "vocab.json"),
    "tokenizer_2": ("tokenizer.json", "spiece.model"),
} | dict.fromkeys(_WITH_WEIGHTS, ("config.json",))
# The format's own bound.
_MOST_HEADER_BYTES = 100_000_000
# The endings under which common download tools leave an unfinished file.
_UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2", ".tmp")


class FolderError(Exception):
    """The folder cannot be loaded; the text is a sentence that says why."""


def readiness(weights: Path) -> Readiness:
    """Whether the Model can run from this folder; if not, what to do."""
    missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        return Readiness(False, "extra missing", f"Missing: {', '.join(missing)}. Run `pip install 'gesso[flux]'`.")
    try:
        check_folder(weights)
    except (FolderError, OSError) as refusal:
        advice = f"Run `gesso models pull {NAME}`, or put a diffusers pipeline folder at {weights}."
        return Readiness(False, "weights missing", f"{refusal} {advice}")
    return READY


def check_folder(folder: Path) -> int:
    """The number of parameters of a FLUX Fill pipeline whose files are all there and as long as they say. Errors: FolderError, OSError."""
    if not (folder / _INDEX).is_file():
        raise FolderError(f"There is no {_INDEX} in {folder}.")
    found = _json(folder / _INDEX).get("_class_name")
    if found != PIPELINE_CLASS:
        raise FolderError(f"The folder {folder} holds a {found or 'pipeline without a class name'}, and a {PIPELINE_CLASS} is needed.")
    for component, settings in _SETTINGS.items():
        if not any(_size_bytes(folder / component / name) for name in settings):
            raise FolderError(f"The folder {folder / component} has no {' or '.join(settings)}.")
        unfinished = [path.name for path in (folder / component).iterdir() if path.suffix in _UNFINISHED]
        if unfinished:
            raise FolderError(f"The download of {folder / component} is unfinished: {sorted(unfinished)[0]} is still there.")
    return sum(_checked_weights(path) for component in _WITH_WEIGHTS for path in _weight_files(folder / component))


def load(folder: Path, device: Device) -> FluxFillPipeline:
    """The pipeline on the device, all components in one dtype: bfloat16 on a GPU, float32 on a CPU.

    One dtype, because a transformer and text encoders of different ones fail in the middle of a run. Errors: FolderError, also for weights
    that do not fit into the device's memory, which would otherwise end the process or the machine.
    """
    on_cpu = device.name == "cpu"
    needed_bytes = check_folder(folder) * (4 if on_cpu else 2)
    if needed_bytes > device.memory_bytes:
        raise FolderError(
            f"The weights in {folder} take {needed_bytes / 2**30:.1f} GiB on {device.name}, "
            f"where {device.memory_bytes / 2**30:.1f} GiB are to be had."
        )
    import torch
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    # Their warnings quote the client's prompt and repeat what Filler says itself; their bars are noise in a log.
    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    # By its own class: AutoPipelineForInpainting does not know FLUX Fill.
    pipeline = FluxFillPipeline.from_pretrained(folder, dtype=torch.float32 if on_cpu else torch.bfloat16, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device.name)


def _weight_files(component: Path) -> list[Path]:
    """The files that hold a component's weights: those that its index of shards names, or the only one there is."""
    indexes = sorted(component.glob("*.safetensors.index.json"))
    if indexes:
        return sorted({component / name for name in _json(indexes[0]).get("weight_map", {}).values()})
    singles = [component / "diffusion_pytorch_model.safetensors", component / "model.safetensors"]
    present = [path for path in singles if path.is_file()]
    if not present:
        raise FolderError(f"The folder {component} has no weights in safetensors files.")
    return present


def _checked_weights(path: Path) -> int:
    """The number of parameters in a safetensors file whose length is what its header promises: half a download is found without reading it.

    Source: safetensors format: 8 bytes length of the header (little endian), the header in JSON, then the tensors' bytes.
    """
    size_bytes = _size_bytes(path)
    if not size_bytes:
        raise FolderError(f"The weights {path} are missing or empty.")
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > _MOST_HEADER_BYTES:
            raise FolderError(f"The weights {path} are no safetensors file.")
        if header_bytes > size_bytes - 8:
            raise FolderError(f"The weights {path} are cut short: download them again.")
        try:
            header = json.loads(file.read(header_bytes))
            header.pop("__metadata__", None)
            ends = [entry["data_offsets"][1] for entry in header.values()]
            parameters = sum(math.prod(entry["shape"]) for entry in header.values())
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise FolderError(f"The weights {path} are no safetensors file.") from error
    promised_bytes = 8 + header_bytes + max(ends, default=0)
    if size_bytes != promised_bytes:
        raise FolderError(f"The weights {path} have {size_bytes} of {promised_bytes} bytes: download them again.")
    return parameters


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _json(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FolderError(f"The file {path} is no JSON: download it again.") from error
    if not isinstance(body, dict):
        raise FolderError(f"The file {path} is not what its name says: download it again.")
    return body
