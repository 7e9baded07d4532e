"""Models: the catalogued things that a client may ask for, declared without any heavy import."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gesso.domain.errors import FileMissing
from gesso.domain.parameter import Parameter
from gesso.domain.price import Price

_TRAINING = "train"
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")


def clean(slug: str) -> str:
    """The clean spelling of a slug: lower case, every run of other characters than letters and digits a hyphen."""
    return _NOT_ALPHANUMERIC.sub("-", slug.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Needs:
    """What one Worker of the Model takes: its device, its memory in bytes, and its CPU threads."""

    device: str = "cpu"
    memory_bytes: int = 256 * 2**20
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a Model can run here; if not, `reason` says what is missing and what to do, in one sentence or two."""

    is_ready: bool
    state: str = "ready"
    reason: str = ""


READY = Readiness(True)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a Worker of a Model would use a device: the bytes that it takes there, and a sentence that says which way and why."""

    memory_bytes: int
    sentence: str


# From the weights folder, a device's name and bytes, and the options: what a Worker would do. Errors: ValueError with a sentence.
OutlookOf = Callable[[Path, str, int, Mapping[str, Any]], Outlook]


def always_ready(weights: Path) -> Readiness:
    return READY


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that a form shows together."""

    title: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A declaration: identity, Parameters, Price, needs, and where its Engine is.

    `engine`: "package.module:Class", imported only in the Worker. `readiness`: called with the Model's weights folder; it must not
    import the Engine, nor may `outlook`. `options`: what an operator may fix for the Engine in the settings.
    """

    owner: str
    slug: str
    title: str
    description: str
    engine: str
    groups: tuple[Group, ...]
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    price: Price = Price()
    needs: Needs = Needs()
    readme: str = ""
    licence: str = ""
    samples: tuple[str, ...] = ()
    inspires: tuple[Mapping[str, str], ...] = ()
    readiness: Callable[[Path], Readiness] = always_ready
    options: tuple[Parameter, ...] = ()
    outlook: OutlookOf | None = None
    by_id: Mapping[str, Parameter] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parameters = {parameter.id: parameter for group in self.groups for parameter in group.parameters}
        assert len(parameters) == sum(len(group.parameters) for group in self.groups), "parameter ids repeat"
        object.__setattr__(self, "by_id", parameters)

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.slug}"

    @property
    def clean_name(self) -> str:
        return f"{clean(self.owner)}/{clean(self.slug)}"

    @property
    def is_trainer(self) -> bool:
        """Whether its Tasks make Models, and no pictures."""
        return _TRAINING in self.categories

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(self.by_id.values())

    def check(self, values: Mapping[str, Any], files: Mapping[str, int]) -> dict[str, Any]:
        """The checked values of all parameters that are no files, defaults included, in the order declared.

        `values`: as sent, unknown names allowed and ignored. `files`: for each file parameter, how many files or addresses came.
        Errors: those of `Parameter.coerce` and FileMissing, for the first failing parameter in the order declared.
        """
        checked: dict[str, Any] = {}
        for parameter in self.by_id.values():
            if parameter.kind.is_file:
                if parameter.required and not files.get(parameter.id):
                    raise FileMissing(parameter.id)
            else:
                checked[parameter.id] = parameter.coerce(values.get(parameter.id))
        return checked
