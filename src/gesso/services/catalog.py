"""The Models of this server: found by name, with whether they can run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gesso.domain.errors import ModelUnknown
from gesso.domain.limits import GIB
from gesso.domain.model import Model, Readiness, clean

_MEMORY_PER_WEIGHT = 1.5
_MEMORY_OVERHEAD_BYTES = 1 * GIB


class Catalog:
    """`weights`: the folder that holds each Model's weights folder, OWNER/SLUG."""

    def __init__(self, models: Iterable[Model], weights: Path) -> None:
        self._models = tuple(models)
        self._weights = weights
        self._by_name: dict[tuple[str, str], Model] = {}
        for model in self._models:
            for owner in {model.owner.lower(), clean(model.owner)}:
                for slug in {model.slug.lower(), clean(model.slug)}:
                    self._by_name[owner, slug] = model
        self._by_exact_name = {model.name: model for model in self._models}
        self._numbers = {model.name: number for number, model in enumerate(self._models, 1)}

    def find(self, owner: str, slug: str) -> Model:
        """The Model by its raw or clean spelling, in any case. Errors: ModelUnknown."""
        model = self._by_name.get((owner.lower(), slug.lower()))
        if model is None:
            raise ModelUnknown(f"{owner}/{slug}")
        return model

    def named(self, name: str) -> Model | None:
        """The Model of a stored Task; None when this server no longer has it."""
        return self._by_exact_name.get(name)

    def all(self) -> tuple[Model, ...]:
        return self._models

    def number(self, model: Model) -> int:
        """A number for wires that name models by one; stable while the list of Models keeps its order."""
        return self._numbers[model.name]

    def weights_of(self, model: Model) -> Path:
        return self._weights / model.owner / model.slug

    def readiness(self, model: Model) -> Readiness:
        """Whether the Model can run now. It looks at the disk, so it is asked at a submission, not for a list on a hot path."""
        return model.readiness(self.weights_of(model))

    def memory_bytes(self, model: Model) -> int:
        """What one Worker of the Model takes: as declared, or less when its weights here are those of a smaller one."""
        folder = self.weights_of(model)
        if not folder.is_dir():
            return model.needs.memory_bytes
        weights_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return min(model.needs.memory_bytes, int(weights_bytes * _MEMORY_PER_WEIGHT) + _MEMORY_OVERHEAD_BYTES)
