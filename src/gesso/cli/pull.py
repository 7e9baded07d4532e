"""`gesso models pull`: a model's weights, from the Hugging Face hub or from a folder."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import typer

from gesso.cli.models import open_catalog
from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import notices, output
from gesso.config import Settings
from gesso.domain.errors import ModelUnknown
from gesso.domain.model import Model, always_ready
from gesso.services.catalog import Catalog

# A pipeline's components are folders. Single files in the root of a repository hold the same weights in other layouts.
_WANTED = ["model_index.json", "*/*", "LICENSE*", "README*"]


def pull(name: str, source: Path | None, yes: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    catalog = open_catalog(settings)
    model = _find(catalog, name)
    if model.readiness is always_ready:
        raise Refused(f"{model.name} needs no weights: it can run as it is.")
    target = catalog.weights_of(model)
    if catalog.readiness(model).is_ready:
        output().print(f"{model.name} is ready. Its weights are in {target}.")
        return
    _tell_licence(model, yes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source is not None:
            _take(source.resolve(), target)
        else:
            _download(model, target, settings)
    except OSError as error:
        raise Refused(f"{error.filename or target}: {error.strerror or error}.") from error
    readiness = catalog.readiness(model)
    if not readiness.is_ready:
        raise Refused(f"The weights are in {target}, but {model.name} cannot run yet ({readiness.state}). {readiness.reason}")
    output().print(f"{model.name} is ready. Its weights are in {target}.")


def _find(catalog: Catalog, name: str) -> Model:
    owner, _, slug = name.partition("/")
    try:
        return catalog.find(owner, slug)
    except ModelUnknown:
        known = ", ".join(model.name for model in catalog.all())
        raise Refused(f"There is no model {name} here. There are: {known}.") from None


def _tell_licence(model: Model, yes: bool) -> None:
    if not model.licence:
        return
    notices().print(f"The weights of {model.name} come under the {model.licence}. Who downloads or uses them accepts it.")
    if not yes and sys.stdin.isatty() and not typer.confirm("Go on?", err=True):
        raise Refused("Nothing was fetched.")


def _take(source: Path, target: Path) -> None:
    """Link the files of `source` into place, or copy them from another disk. A folder that is there is replaced when all is well."""
    if not source.is_dir():
        raise Refused(f"{source} is no folder.")
    if not any(source.iterdir()):
        raise Refused(f"{source} is empty.")
    incoming = target.with_name(f".{target.name}.incoming")
    shutil.rmtree(incoming, ignore_errors=True)
    shutil.copytree(source, incoming, copy_function=_link_or_copy)
    shutil.rmtree(target, ignore_errors=True)
    incoming.rename(target)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)


def _download(model: Model, target: Path, settings: Settings) -> None:
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError:
        raise Refused(
            "The package huggingface_hub is not installed: run `pip install 'gesso[flux]'`, or take the weights from a folder with --from."
        ) from None
    page = f"https://huggingface.co/{model.name}"
    notices().print(f"Fetching {page} into {target}. If it is interrupted, the same command goes on where it stopped.")
    try:
        huggingface_hub.snapshot_download(model.name, local_dir=target, allow_patterns=_WANTED)
    except errors.GatedRepoError as error:
        raise Refused(f"The hub wants to know who you are. Accept the licence at {page}, run `hf auth login`, and try again.") from error
    except errors.RepositoryNotFoundError as error:
        raise Refused(f"The hub has no {page}, or shows it only to who is signed in: `hf auth login`.") from error
    except KeyboardInterrupt:
        again = command(f"gesso models pull {model.name}", settings)
        raise Refused(f"Interrupted. What was fetched stays; go on with `{again}`.") from None
    except Exception as error:
        # The hub's client lets through the errors of whichever HTTP library it was built on.
        first_line = str(error).strip().partition("\n")[0]
        raise Refused(
            f"The hub could not be reached ({type(error).__name__}: {first_line}). What was fetched stays; try again, "
            "or copy the folder from another machine and use --from."
        ) from error
