"""`gesso models pull`: a model's weights, from the Hugging Face hub, a mirror of it, or a folder."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from gesso.cli.download import Order, fetch
from gesso.cli.hub import ORIGIN, Hub, HubFile, Listing, token_of
from gesso.cli.models import open_catalog
from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import notices, output
from gesso.config import Settings, environment
from gesso.domain.errors import ModelUnknown
from gesso.domain.model import Model, always_ready
from gesso.services.catalog import Catalog
from gesso.store.private import make_data_folder

_INDEX = "model_index.json"


def pull(name: str, source: str, yes: bool, data: Path | None) -> None:
    """`source`: a folder or the URL of a mirror; empty for the hub. Errors: Refused."""
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
        make_data_folder(settings.data.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        if source and not source.startswith(("http://", "https://")):
            _take(model, Path(source).resolve(), target)
        else:
            _download(model, target, settings, source)
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
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("Nothing was fetched. Read the licence, and accept it with --yes.")
    if not typer.confirm("Do you accept it?", err=True):
        raise Refused("Nothing was fetched.")


def _take(model: Model, source: Path, target: Path) -> None:
    """Link the files of `source` into place, or copy them from another disk. A folder that is there is replaced when all is well: half a
    download is worth more than a whole folder of something else."""
    if not source.is_dir():
        raise Refused(f"{source} is no folder.")
    if not any(source.iterdir()):
        raise Refused(f"{source} is empty.")
    if target.is_dir() and any(target.iterdir()):
        found = model.readiness(source)
        if not found.is_ready:
            raise Refused(f"Nothing was taken: with {source} {model.name} could not run ({found.state}). {found.reason}")
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


def _download(model: Model, target: Path, settings: Settings, origin: str) -> None:
    """From the hub that the environment names, or from `origin`, which is nobody's to be told who asks. Errors: Refused, OSError."""
    variables = environment()
    home = variables.get("HF_ENDPOINT") or ORIGIN
    hub = Hub(origin or home, "" if origin else token_of(variables))
    again = command(f"gesso models pull {model.name}{f' --from {origin}' if origin else ''}", settings)
    try:
        listing = hub.listing(model.name)
        files = _wanted(listing)
        size = sum(file.size_bytes for file in files)
        notices().print(
            f"Fetching {hub.page(model.name)} into {target}: {len(files)} files, {size / 1e9:.1f} GB. "
            f"If it is interrupted, the same command goes on where it stopped."
        )
        with _bar(size) as on_bytes:
            fetch(Order(hub, model.name, listing, target, on_bytes), files)
    except httpx.HTTPError as error:
        raise Refused(
            f"The hub could not be reached ({type(error).__name__}: {str(error).partition(chr(10))[0]}). What was fetched stays; "
            f"go on with `{again}`, or copy the folder from another machine and use --from."
        ) from error
    except KeyboardInterrupt:
        raise Refused(f"Interrupted. What was fetched stays; go on with `{again}`.") from None
    finally:
        hub.close()


def _wanted(listing: Listing) -> list[HubFile]:
    """Of a pipeline its components, which are folders: single files in the root of its repository hold the same weights once more."""
    names = {file.path for file in listing.files}
    if _INDEX not in names:
        return [file for file in listing.files if not file.path.startswith(".git")]
    return [file for file in listing.files if "/" in file.path or file.path == _INDEX or file.path.startswith(("LICENSE", "README"))]


@contextmanager
def _bar(total_bytes: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.percentage:>3.0f}%"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = notices()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        row = progress.add_task("", total=total_bytes)
        yield lambda count: progress.advance(row, count)
