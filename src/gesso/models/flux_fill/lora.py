"""LoRAs: small additions to the transformer's weights that come with a Task, and leave with it.

The weights themselves are never written to: an addition lies beside them and is taken away whole, so that the next Task finds the model
bit for bit as it was. What fits is decided here, tensor by tensor, because diffusers would pad what is too small and grow the model for
what is too large, both without a word.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file

from gesso.models.contract import InputError, InputFile
from gesso.models.flux_fill.lora_file import check_lora

_ADAPTER = "task"
_MOST_RANK = 1024
_MOST_KEPT = 4
_MOST_KEPT_BYTES = 2**30
_PART = re.compile(r"transformer\.(.+)\.lora_(A|B)\.weight")
_ALPHA = re.compile(r"transformer\.(.+)\.alpha")
_ENCODERS = ("text_encoder.", "text_encoder_2.", "lora_te", "lora_te1_", "lora_te2_")
# The layer that takes the noise; FLUX.1 [dev] knows neither a masked picture nor a mask, so its own takes less.
_INPUT_LAYER = "x_embedder"


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA that fits the model. `digest`: SHA-256 of its file. `tensors`: by their names in diffusers, strength included.

    `notes`: what was not taken over as it was, as sentences for `emit.warn`.
    """

    digest: str
    name: str
    tensors: Mapping[str, torch.Tensor]
    notes: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors.values())


class Shelf:
    """LoRAs that were read and found to fit, the latest few, by what is in their files."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Lora] = OrderedDict()

    def read(self, file: InputFile, pipeline: Any) -> Lora:
        """Errors: InputError."""
        with file.path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        found = self._kept.pop(digest, None)
        if found is None:
            found = _read(file, digest, pipeline)
        self._kept[digest] = found
        while len(self._kept) > 1 and (
            len(self._kept) > _MOST_KEPT or sum(each.size_bytes for each in self._kept.values()) > _MOST_KEPT_BYTES
        ):
            self._kept.popitem(last=False)
        return found


class Wardrobe:
    """What one pipeline wears: one LoRA or none."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._worn = ""

    def wear(self, lora: Lora | None, strength: float) -> None:
        """Put it on in place of the one that is on. With none, or at no strength, the model is as it was loaded."""
        if lora is None or strength == 0:
            self._take_off()
            return
        if self._worn != lora.digest:
            self._take_off()
            self._worn = lora.digest
            try:
                self._pipeline.load_lora_weights(dict(lora.tensors), adapter_name=_ADAPTER)
                self._keep_precise(lora)
            except BaseException:
                # What is there of it must neither stay nor count as the whole.
                self._take_off()
                raise
        self._pipeline.transformer.set_adapters([_ADAPTER], [float(strength)])

    def _keep_precise(self, lora: Lora) -> None:
        """Beside weights that are stored in 8 bits PEFT stores its own so too, and then cannot compute with them."""
        for name, tensor in lora.tensors.items():
            layer, half, _ = name.removeprefix("transformer.").rsplit(".", 2)
            weight = getattr(self._pipeline.transformer.get_submodule(layer), half)[_ADAPTER].weight
            if weight.dtype.itemsize == 1:
                weight.data = tensor.to(weight.device, self._pipeline.vae.dtype)

    def _take_off(self) -> None:
        if self._worn:
            self._pipeline.unload_lora_weights()
            self._worn = ""


def _read(file: InputFile, digest: str, pipeline: Any) -> Lora:
    metadata = check_lora(file)
    try:
        tensors = load_file(file.path)
    except Exception as error:
        raise InputError(f"The LoRA {file.name!r} cannot be read: {error}.") from error
    notes = []
    of_encoders = [name for name in tensors if name.startswith(_ENCODERS)]
    if of_encoders:
        notes.append(f"The LoRA {file.name!r} changes a text encoder too: that part is left aside, only the transformer is changed.")
        for name in of_encoders:
            del tensors[name]
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"The LoRA {file.name!r} holds numbers that are none, in {name[:200]}: it is damaged, or its training failed.")
    parts, alphas = _sorted_out(file, _converted(file, tensors, pipeline), metadata)
    layers = {name: layer for name, layer in pipeline.transformer.named_modules() if hasattr(layer, "in_features")}
    fitting: dict[str, torch.Tensor] = {}
    for layer, (down, up) in parts.items():
        down, is_padded = _fitted(file, layer, down, up, layers, pipeline.transformer.config)
        if is_padded:
            notes.append(
                f"The LoRA {file.name!r} was made for FLUX.1 [dev], whose input layer takes less than this model's: what is missing of it "
                "was taken for zero. How well it suits filling is not known."
            )
        fitting[f"transformer.{layer}.lora_A.weight"] = down
        fitting[f"transformer.{layer}.lora_B.weight"] = up * (alphas[layer] / down.shape[0]) if layer in alphas else up
    return Lora(digest, file.name, fitting, tuple(notes))


def _converted(file: InputFile, tensors: dict[str, torch.Tensor], pipeline: Any) -> dict[str, torch.Tensor]:
    """The tensors by diffusers' names, whichever tool wrote them."""
    if not tensors:
        raise InputError(f"The LoRA {file.name!r} changes nothing of this model.")
    try:
        converted, alphas = pipeline.lora_state_dict(dict(tensors), return_alphas=True)
    except Exception as error:
        # The converters of foreign formats end in errors of any kind.
        raise InputError(
            f"The LoRA {file.name!r} names no layers of FLUX.1, as the first of its tensors shows: {_first(tensors)}."
        ) from error
    renamed = {name.replace(".lora.down.", ".lora_A.").replace(".lora.up.", ".lora_B."): tensor for name, tensor in converted.items()}
    return {**renamed, **(alphas or {})}


def _sorted_out(
    file: InputFile, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> tuple[dict[str, tuple[torch.Tensor, torch.Tensor]], dict[str, float]]:
    """By layer: its two matrices, and its alpha where one is given, which is a strength in units of the rank."""
    halves: dict[str, dict[str, torch.Tensor]] = {}
    alphas: dict[str, float] = {}
    for name, tensor in tensors.items():
        if (part := _PART.fullmatch(name)) and tensor.ndim == 2:
            halves.setdefault(part[1], {})[part[2]] = tensor
        elif (alpha := _ALPHA.fullmatch(name)) and tensor.numel() == 1:
            alphas[alpha[1]] = float(tensor)
        else:
            raise InputError(f"The LoRA {file.name!r} has a part that this model does not take: {name[:200]}.")
    for layer, found in halves.items():
        if len(found) < 2:
            raise InputError(f"The LoRA {file.name!r} has one half only of what it adds to the layer {layer[:200]}.")
    usual = _usual_alpha(metadata)
    if usual is not None:
        alphas = dict.fromkeys(halves, usual) | alphas
    return {layer: (found["A"], found["B"]) for layer, found in halves.items()}, alphas


def _usual_alpha(metadata: Mapping[str, str]) -> float | None:
    """The alpha of all layers that diffusers writes beside the tensors. Nothing else of what stands there is used."""
    try:
        alpha = json.loads(metadata.get("lora_adapter_metadata", "{}")).get("transformer.lora_alpha")
        return float(alpha) if alpha is not None and math.isfinite(float(alpha)) else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _fitted(
    file: InputFile, layer: str, down: torch.Tensor, up: torch.Tensor, layers: Mapping[str, Any], config: Any
) -> tuple[torch.Tensor, bool]:
    """The first matrix in the layer's own shape, and whether it had to be padded. Errors: InputError that names the first wrong tensor."""
    found = layers.get(layer) or layers.get(f"{layer}.base_layer")
    if found is None:
        raise InputError(f"The LoRA {file.name!r} does not fit this model: there is no layer {layer[:200]} to change.")
    rank = down.shape[0]
    if not 1 <= rank <= _MOST_RANK:
        raise InputError(f"The LoRA {file.name!r} has the rank {rank} in {layer[:200]}: 1 to {_MOST_RANK} are taken.")
    is_of_dev = layer == _INPUT_LAYER and down.shape[1] == config.out_channels < found.in_features
    if is_of_dev:
        down = torch.nn.functional.pad(down, (0, found.in_features - down.shape[1]))
    for half, tensor, shape in (("A", down, (rank, found.in_features)), ("B", up, (found.out_features, rank))):
        if tuple(tensor.shape) != shape:
            raise InputError(
                f"The LoRA {file.name!r} does not fit this model: its tensor transformer.{layer}.lora_{half}.weight has the shape "
                f"{' x '.join(map(str, tensor.shape))}, and {' x '.join(map(str, shape))} is needed."
            )
    return down, is_of_dev


def _first(tensors: Mapping[str, torch.Tensor]) -> str:
    return next(iter(tensors))[:200]
