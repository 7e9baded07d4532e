"""The Models of this server: found by name or by what they are about, with whether they can run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gesso.domain.errors import ModelUnknown
from gesso.domain.limits import GIB
from gesso.domain.model import Model, Readiness, clean
from gesso.services.readme import html_of

_MEMORY_PER_WEIGHT = 1.5
_MEMORY_OVERHEAD_BYTES = 1 * GIB
_WORKFLOW = "workflow"


class Sort(StrEnum):
    """By what Models are listed. Nobody rates or discusses Models here, so by any of the last three they keep their order."""

    ID = "id"
    RELEVANCE = "relevance"
    TIME = "time"
    RATINGS = "ratings"
    COMMENTS = "comments"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Query:
    """Which Models are wanted: those that have every word of `search` somewhere, one of `categories` and one of `tags` where any are
    named, and this `owner`."""

    search: str = ""
    categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    owner: str = ""
    hides_workflows: bool = False
    sort: Sort = Sort.ID
    is_descending: bool = False


class Catalog:
    """`weights`: the folder that holds each Model's weights folder, OWNER/SLUG."""

    def __init__(self, models: Iterable[Model], weights: Path) -> None:
        self._models = tuple(models)
        self._weights_by_name = {model.name: weights / model.owner / model.slug for model in self._models}
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

    def search(self, query: Query) -> list[Model]:
        """All Models that `query` wants, in its order."""
        words = query.search.lower().split()
        found = [(score, model) for model in self._models if _is_wanted(query, model) and (score := _relevance(model, words))]
        if query.sort is Sort.RELEVANCE:
            found.sort(key=lambda each: each[0], reverse=query.is_descending)
        elif query.sort in (Sort.ID, Sort.TIME) and query.is_descending:
            found.reverse()
        return [model for _, model in found]

    def by_category(self) -> dict[str, list[Model]]:
        """The Models of each category; one of several categories is in all of them."""
        shelves: dict[str, list[Model]] = {}
        for model in self._models:
            for category in dict.fromkeys(model.categories):
                shelves.setdefault(category, []).append(model)
        return shelves

    def readme_html(self, model: Model) -> str:
        """The Model's readme as HTML that is safe to show."""
        return html_of(model.readme)

    def number(self, model: Model) -> int:
        """A number for wires that name models by one; stable while the list of Models keeps its order."""
        return self._numbers[model.name]

    def weights_of(self, model: Model) -> Path:
        # Put together once: it is asked for with each submission, and joining paths takes as long as a look at the disk.
        return self._weights_by_name[model.name]

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


def _is_wanted(query: Query, model: Model) -> bool:
    categories = {category.lower() for category in model.categories}
    if query.hides_workflows and _WORKFLOW in categories:
        return False
    if query.owner and query.owner.lower() not in (model.owner.lower(), clean(model.owner)):
        return False
    if query.categories and not query.categories & categories:
        return False
    return not query.tags or bool(query.tags & {tag.lower() for tag in model.tags})


def _relevance(model: Model, words: list[str]) -> int:
    """How well the Model answers to `words`, which are in lower case: 0 when one of them is nowhere in it, 1 when there are none."""
    title = model.title.lower()
    names = f"{model.name.lower()} {model.clean_name}"
    subjects = " ".join((*model.categories, *model.tags)).lower()
    description = model.description.lower()
    score = 1
    for word in words:
        found = 8 * (word in title) + 4 * (word in names) + 2 * (word in subjects) + (word in description)
        if not found:
            return 0
        score += found
    return score
