"""Weights: whether a diffusers pipeline folder of FLUX Fill is there, whole, and that of no other model; and how it would be used.

Nothing heavy is imported, and only names, sizes, headers and small JSON files are read, so the server may call all of it.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gesso.domain.model import READY, Outlook, Readiness
from gesso.models.flux_fill.memory import FLUX_1, Weights, choose, room_for

NAME = "black-forest-labs/FLUX.1-Fill-dev"
PIPELINE_CLASS = "FluxFillPipeline"

_INDEX = "model_index.json"
_PACKAGES = ("torch", "diffusers", "transformers")
_WITH_WEIGHTS = ("transformer", "vae", "text_encoder", "text_encoder_2")
# By component: what must be there beside weights, each in any one of the spellings that the libraries read, which may be several files.
# Without tokenizer_config.json a tokenizer would not know where to cut, and fail in the middle of a run.
_TOKENIZER = (("tokenizer_config.json",),)
_SETTINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "scheduler": (("scheduler_config.json",),),
    "tokenizer": (("tokenizer.json", "vocab.json + merges.txt"), *_TOKENIZER),
    "tokenizer_2": (("tokenizer.json", "spiece.model"), *_TOKENIZER),
} | dict.fromkeys(_WITH_WEIGHTS, (("config.json",),))
# What `gesso models pull` writes into the folder: the sizes and hashes of all that it brought.
PULLED = ".pulled.json"
# By its second dimension a FLUX transformer tells what it is fed.
_INPUT_LAYER = "x_embedder.weight"
# The format's own bound.
_MOST_HEADER_BYTES = 100_000_000
# The endings under which common download tools leave an unfinished file.
_UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2", ".tmp")


class FolderError(ValueError):
    """The folder cannot be loaded; the text is a sentence that says why. `state`: the same in two or three words."""

    state = "weights missing"


class FolderIncompleteError(FolderError):
    """What is there is a part of what is needed."""

    state = "weights incomplete"


class OtherModelError(FolderError):
    """The folder holds something else."""

    state = "other weights"


def readiness(weights: Path) -> Readiness:
    """Whether the Model can run from this folder; if not, what to do."""
    missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        return Readiness(False, "extra missing", f"Missing: {', '.join(missing)}. Run `pip install 'gesso[flux]'`.")
    try:
        check_folder(weights)
    except FolderIncompleteError as refusal:
        return Readiness(False, refusal.state, f"{refusal} Run `gesso models pull {NAME}` again: it goes on where it stopped.")
    except (FolderError, OSError) as refusal:
        advice = f"Run `gesso models pull {NAME}`, or put a diffusers pipeline folder at {weights}."
        return Readiness(False, getattr(refusal, "state", "weights missing"), f"{refusal} {advice}")
    return READY


def outlook(weights: Path, device: str, free_bytes: int, options: Mapping[str, Any]) -> Outlook:
    """How a Worker would use a device with so many free bytes; for FLUX.1's own weights where none are here.

    Errors: ValueError (FolderError, NoRoomError), OSError.
    """
    counted = check_folder(weights) if (weights / _INDEX).is_file() else FLUX_1
    plan, sentence = choose(counted, room_for(device, free_bytes), options)
    return Outlook(plan.device_bytes, sentence)


def check_folder(folder: Path) -> Weights:
    """What a FLUX Fill pipeline has, whose files are all there and as long as they say. Errors: FolderError, OSError."""
    if not (folder / _INDEX).is_file():
        if folder.is_dir() and any(path.suffix in _UNFINISHED for path in folder.rglob("*")):
            raise FolderIncompleteError(f"The download into {folder} is unfinished.")
        raise FolderError(f"There is no {_INDEX} in {folder}.")
    found = _json(folder / _INDEX).get("_class_name")
    if found != PIPELINE_CLASS:
        raise OtherModelError(f"The folder {folder} holds a {found or 'pipeline without a class name'}, and a {PIPELINE_CLASS} is needed.")
    _check_pulled(folder)
    for component, settings in _SETTINGS.items():
        unfinished = [path.name for path in (folder / component).glob("*") if path.suffix in _UNFINISHED]
        if unfinished:
            raise FolderIncompleteError(f"The download of {folder / component} is unfinished: {sorted(unfinished)[0]} is still there.")
        for spellings in settings:
            if not any(all(_size_bytes(folder / component / name) for name in spelling.split(" + ")) for spelling in spellings):
                raise FolderIncompleteError(f"The folder {folder / component} has no {' or '.join(spellings)}.")
    channels, native_side = _check_channels(folder)
    headers = {component: _headers(folder / component) for component in _WITH_WEIGHTS}
    for shape in (header[_INPUT_LAYER]["shape"] for header in headers["transformer"] if _INPUT_LAYER in header):
        if shape[1] != channels:
            raise OtherModelError(
                f"The transformer in {folder} has weights for {shape[1]} input channels, and its config.json says {channels}."
            )
    counts = {component: sum(_parameters(header) for header in found) for component, found in headers.items()}
    return Weights(counts["transformer"], counts["text_encoder"] + counts["text_encoder_2"], counts["vae"], native_side)


def _check_channels(folder: Path) -> tuple[int, int]:
    """The input channels of a transformer that takes a picture and its mask, and the VAE's native side in pixels. Errors: FolderError.

    The noise, the masked picture (each `latent` channels of the VAE) and the mask (a channel for each of `factor` x `factor` pixels), all
    folded 2 x 2. Other FLUX transformers have other counts and fail in the middle of a run. Source: FluxFillPipeline.
    """
    transformer, vae = (_json(folder / component / "config.json") for component in ("transformer", "vae"))
    try:
        latent, factor = int(vae["latent_channels"]), 2 ** (len(vae["block_out_channels"]) - 1)
        found, native_side = int(transformer["in_channels"]), int(vae["sample_size"])
    except (KeyError, TypeError, ValueError) as error:
        raise FolderError(f"The config.json of the transformer or the VAE in {folder} does not say its channels: {error}.") from error
    wanted = 4 * (2 * latent + factor**2)
    if found != wanted:
        raise OtherModelError(
            f"The transformer in {folder} takes {found} input channels, and one that fills masks takes {wanted}: these are the weights of "
            "another FLUX model."
        )
    return found, native_side


def pulled(folder: Path) -> dict[str, Mapping[str, Any]]:
    """What `gesso models pull` recorded of each file, by its path: "bytes", and "sha256" of large ones. Errors: FolderError."""
    path = folder / PULLED
    files = _json(path).get("files") if path.is_file() else None
    return {name: entry for name, entry in files.items() if isinstance(entry, dict)} if isinstance(files, dict) else {}


def check_hashes(folder: Path, found: Mapping[str, str]) -> None:
    """Compare the SHA-256 of files, by their paths in the folder, with what was fetched. Errors: FolderError."""
    for name, entry in pulled(folder).items():
        promised = entry.get("sha256")
        if promised and found.get(name, promised) != promised:
            # A file that is as long as it should be is not fetched again.
            raise FolderIncompleteError(
                f"The weights {folder / name} are not what was fetched: they were damaged or replaced since. "
                f"Delete that file and run `gesso models pull {NAME}` again."
            )


def _check_pulled(folder: Path) -> None:
    for name, entry in pulled(folder).items():
        promised_bytes, size_bytes = entry.get("bytes"), _size_bytes(folder / name)
        if promised_bytes != size_bytes:
            raise FolderIncompleteError(f"The file {folder / name} has {size_bytes} bytes, and {promised_bytes} were fetched.")


def _headers(component: Path) -> list[dict[str, Any]]:
    """Of the files that hold a component's weights: those that its index of shards names, or the only one there is. Errors: FolderError."""
    indexes = sorted(component.glob("*.safetensors.index.json"))
    if not indexes:
        singles = [component / "diffusion_pytorch_model.safetensors", component / "model.safetensors"]
        present = [path for path in singles if path.is_file()]
        if not present:
            raise FolderIncompleteError(f"The folder {component} has no weights in safetensors files.")
        return [_checked_header(path) for path in present]
    places = _json(indexes[0]).get("weight_map", {})
    headers = {name: _checked_header(component / name) for name in sorted(set(places.values()))}
    for tensor, name in places.items():
        if tensor not in headers[name]:
            raise FolderIncompleteError(f"The weights {component / name} lack {tensor}, which {indexes[0].name} says is in them.")
    return list(headers.values())


def _checked_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file whose length is what it promises: half a download is found without reading it.

    Source: safetensors format: 8 bytes length of the header (little endian), the header in JSON, then the tensors' bytes.
    """
    size_bytes = _size_bytes(path)
    if not size_bytes:
        raise FolderIncompleteError(f"The weights {path} are missing or empty.")
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > _MOST_HEADER_BYTES:
            raise FolderError(f"The weights {path} are no safetensors file.")
        if header_bytes > size_bytes - 8:
            raise FolderIncompleteError(f"The weights {path} are cut short: download them again.")
        try:
            header = json.loads(file.read(header_bytes))
            header.pop("__metadata__", None)
            ends = [entry["data_offsets"][1] for entry in header.values()]
            promised_bytes = 8 + header_bytes + max(ends, default=0)
            _parameters(header)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise FolderError(f"The weights {path} are no safetensors file.") from error
    if size_bytes != promised_bytes:
        raise FolderIncompleteError(f"The weights {path} have {size_bytes} of {promised_bytes} bytes: download them again.")
    return header


def _parameters(header: Mapping[str, Any]) -> int:
    return sum(math.prod(entry["shape"]) for entry in header.values())


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
