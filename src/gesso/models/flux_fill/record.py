"""What a picture of FLUX Fill depends on, for the provenance of Tasks: code, libraries, device, weights, plan, and what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gesso.models.contract import Device, MadeWith
from gesso.models.environment import FolderDigest, environment
from gesso.models.flux_fill.crops import SEEDS
from gesso.models.flux_fill.job import Job
from gesso.models.flux_fill.station import Station
from gesso.models.flux_fill.weights import check_hashes

_PACKAGES = (
    *("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors"),
    *("numpy", "opencv-contrib-python-headless", "pillow", "isal"),
)


class Record:
    """Of one Worker, with what its last run decided."""

    def __init__(self, weights: Path, device: Device) -> None:
        # Weights are hashed while they are loaded; only the first Task after they came may have to wait for it.
        self._weights = FolderDigest(weights)
        self._folder = weights
        self._device = device
        self._environment = environment(__file__, _PACKAGES)
        self._used: dict[str, Any] = {}

    def check(self) -> None:
        """That the weights are those that were fetched, where there is a record of it. To be asked before a picture is given away.

        Errors: FolderError.
        """
        check_hashes(self._folder, self._weights.files())

    def note(self, job: Job, batch: int = 1) -> None:
        """What a run uses: the values after defaults and decisions. `batch`: how many pictures are drawn together."""
        order = job.order
        self._used = {
            "steps": order.steps,
            "guidance": order.guidance,
            "seeds": [(order.seed + sample) % SEEDS for sample in range(order.samples)],
            "speed": str(order.speed),
            "feather": job.feather,
            "crops": [
                [frame.left, frame.top, frame.right, frame.bottom, frame.model_width, frame.model_height]
                for frame in (crop.frame for crop in job.crops)
            ],
            "lora": {"sha256": order.lora.digest, "strength": order.strength} if order.lora else None,
        }
        if batch > 1:
            self._used["batch"] = batch

    def told(self, station: Station) -> MadeWith:
        """Of the run that `note` was last told of."""
        on_card = self._device.name != "cpu"
        where = {
            "device": torch.cuda.get_device_name(self._device.name) if on_card else "cpu",
            # Libraries choose their code by these, and it rounds differently.
            "cuda": str(torch.version.cuda) if on_card else "none",
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "threads": str(torch.get_num_threads()),
        }
        return MadeWith({**self._environment, **where, **station.facts(), "weights": self._weights.text()}, self._used)
