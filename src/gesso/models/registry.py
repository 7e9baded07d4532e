"""Which Models this server has: those of this package, those of installed packages, and those that the operator names."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from gesso.domain.errors import GessoError
from gesso.domain.model import Model
from gesso.models.echo.model import MODEL as ECHO
from gesso.models.flux_fill.model import MODEL as FLUX_FILL
from gesso.models.heal.model import MODEL as HEAL
from gesso.models.shapes_fill.model import MODEL as SHAPES_FILL

BUILT_IN: tuple[Model, ...] = (FLUX_FILL, HEAL, SHAPES_FILL, ECHO)


class ModelBroken(Exception):
    """A model that the operator named cannot be loaded; the text says which and why."""


def load(named: Sequence[str] = (), folder: Path = Path()) -> tuple[Model, ...]:
    """The built-in Models, then those of installed packages (entry points "gesso.models"), then `named` ones.

    `named`: "package.module:NAME" or "file.py:NAME" relative to `folder`; the name is MODEL when left out. A later one replaces an earlier
    one of the same name. Errors: ModelBroken.
    """
    found = {model.name: model for model in BUILT_IN}
    for entry in entry_points(group="gesso.models"):
        model = _checked(entry.load(), entry.value)
        found[model.name] = model
    for reference in named:
        model = _load_one(reference, folder)
        found[model.name] = model
    return tuple(found.values())


def options(models: Iterable[Model], given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The options of each Model's Engine, by the Model's name: the given ones, checked, and the defaults of the others.

    `given`: by a Model's name, raw or clean, in any case. Errors: ModelBroken for what fits no Model or none of its options.
    """
    wanted = {name.lower(): values for name, values in given.items()}
    found = {}
    for model in models:
        values = wanted.pop(model.name.lower(), None) or wanted.pop(model.clean_name, None) or {}
        strange = sorted(set(values) - {option.id for option in model.options})
        if strange:
            known = ", ".join(option.id for option in model.options) or "none"
            raise ModelBroken(f"The setting engines gives {model.name} an option {strange[0]}. It has: {known}.")
        try:
            found[model.name] = {option.id: option.coerce(values.get(option.id)) for option in model.options}
        except GessoError as error:
            raise ModelBroken(f"The setting engines, for {model.name}: {error}") from error
    if wanted:
        raise ModelBroken(f"The setting engines names {sorted(wanted)[0]}, and there is no such model here.")
    return found


def _load_one(reference: str, folder: Path) -> Model:
    place, _, name = reference.rpartition(":") if ":" in reference else (reference, "", "MODEL")
    try:
        if place.endswith(".py"):
            path = (folder / place).resolve()
            spec = importlib.util.spec_from_file_location(f"gesso_model_{path.stem}", path)
            if spec is None or spec.loader is None:
                raise ModelBroken(f"{reference}: {path} is not a Python file")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
        return _checked(getattr(module, name), reference)
    except ModelBroken:
        raise
    except Exception as error:
        raise ModelBroken(f"{reference}: {type(error).__name__}: {error}") from error


def _checked(model: object, reference: str) -> Model:
    if not isinstance(model, Model):
        raise ModelBroken(f"{reference}: it is a {type(model).__name__}, and a gesso.sdk.Model is needed")
    return model
