"""`gesso doctor`: looks at the machine and the data folder, and says what is missing and what to do."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gesso import __version__
from gesso.cli.models import open_catalog
from gesso.cli.options import command, read_known_settings, stray_sentence
from gesso.cli.refused import Refused
from gesso.cli.running import find_running
from gesso.cli.screen import output
from gesso.config import ClientSettings, Settings, environment, stray_names
from gesso.domain.limits import GIB
from gesso.domain.model import Model
from gesso.execution.devices import find_accelerators, free_bytes
from gesso.models import registry

_FREE_DISK_MIN_BYTES = 5 * GIB
_FREE_MEMORY_MIN_BYTES = 2 * GIB
_PACKAGES = ("starlette", "uvicorn", "sqlalchemy", "pillow", "opencv-contrib-python-headless", "torch", "diffusers")
_EXTRA = ("torch", "diffusers")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `level`: "ok", "note", "warning" or "problem"; only a problem stops the server."""

    level: str
    what: str
    advice: str = ""


_STYLES = {"ok": "green", "note": "dim", "warning": "yellow", "problem": "red"}


def examine(data: Path | None) -> None:
    """Errors: Refused when a problem was found, after all was told."""
    settings = read_known_settings(data=data)
    console = output()
    problems = 0
    for finding in _findings(settings):
        console.print(f"{finding.level:<8} ", style=_STYLES[finding.level], end="")
        console.print(finding.what)
        if finding.advice:
            console.print(f"{'':<9}{finding.advice}")
        problems += finding.level == "problem"
    if problems:
        raise Refused(f"{problems} problem{'s' if problems > 1 else ''} found.")


def _findings(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", f"gesso {__version__}, Python {sys.version.partition(' ')[0]}, SQLite {sqlite3.sqlite_version}")
    yield _packages()
    yield from _settings(settings)
    yield from _data(settings)
    yield from _machine(settings)
    yield _port(settings)
    yield from _models(settings)


def _packages() -> Finding:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            if name not in _EXTRA:
                return Finding("problem", f"The package {name} is missing.", "Install gesso again: pip install --force-reinstall gesso")
            found.append(f"no {name} (only FLUX.1 Fill needs it: pip install 'gesso[flux]')")
    return Finding("ok", ", ".join(found))


def _settings(settings: Settings) -> Iterator[Finding]:
    """Names that look like settings and are none. Of those in the environment nobody else would say so."""
    known = {*Settings.model_fields, *ClientSettings.model_fields}
    for name in sorted(environment()):
        if name.startswith("GESSO_") and name.removeprefix("GESSO_").lower() not in known:
            yield Finding("warning", f"The environment has {name}, which is no setting.", "docs/settings.md lists them all.")
    for name in stray_names(settings):
        yield Finding("problem", stray_sentence(str(settings.data / "gesso.toml"), name), "No other command starts until it is corrected.")


def _data(settings: Settings) -> Iterator[Finding]:
    data = settings.data.resolve()
    place = next(path for path in (data, *data.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Finding("problem", f"{place} cannot be written: {error.strerror}.", "Choose another folder with --data, or change its owner.")
        return
    free_bytes = shutil.disk_usage(place).free
    words = f"The data folder is {data}{'' if data == place else ', not made yet'}, with {free_bytes / GIB:.0f} GiB free."
    if free_bytes < _FREE_DISK_MIN_BYTES:
        yield Finding("warning", words, "Inputs and outputs are kept there: make room, or choose another disk with --data.")
    else:
        yield Finding("ok", words)
    key = data / "secret.key"
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding("warning", f"{key} can be read by others.", f"It opens all API secrets: chmod 600 {key}")


def _machine(settings: Settings) -> Iterator[Finding]:
    free_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines())
        free_bytes = int(lines["MemAvailable"].split()[0]) * 1024
    words = f"{os.cpu_count()} cores, {free_bytes / GIB:.1f} GiB of memory free; models may take {settings.memory / GIB:.1f} GiB."
    is_short = free_bytes < _FREE_MEMORY_MIN_BYTES
    yield Finding("warning" if is_short else "ok", words, "Close other programs, or lower GESSO_MEMORY." if is_short else "")
    devices = find_accelerators()
    for device in devices:
        yield Finding("ok", f"GPU {device.name} with {device.memory_bytes / GIB:.0f} GiB")
    if not devices:
        yield Finding("note", "No GPU was found. gesso/heal and gesso/echo need none; FLUX.1 Fill at full size is slow without.")


def _port(settings: Settings) -> Finding:
    running = find_running(settings.data)
    if running is not None and running.is_alive:
        return Finding("ok", f"A server runs on this folder, at {running.url}.")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding("warning", f"Port {settings.port} of {settings.host}: {error.strerror}.", "Choose another one with --port.")
    return Finding("ok", f"Port {settings.port} of {settings.host} is free. Nothing runs yet: {command('gesso serve', settings)}")


def _models(settings: Settings) -> Iterator[Finding]:
    try:
        catalog = open_catalog(settings)
    except Refused as error:
        yield Finding("problem", str(error), "Correct it, or take it out of the setting models.")
        return
    try:
        options = registry.options(catalog.all(), settings.engines)
    except registry.ModelBroken as error:
        yield Finding("problem", str(error), "Correct the setting engines; docs/models.md lists what it may say.")
        return
    for model in catalog.all():
        readiness = catalog.readiness(model)
        if readiness.is_ready:
            yield Finding("ok", f"{model.name} is ready.")
        else:
            yield Finding("warning", f"{model.name}: {readiness.state}.", readiness.reason)
        yield from _outlooks(model, catalog.weights_of(model), settings, options[model.name])


def _outlooks(model: Model, weights: Path, settings: Settings, options: Mapping[str, Any]) -> Iterator[Finding]:
    """How a Model that plans would use each device, with what is free there now."""
    if model.outlook is None:
        return
    free = free_bytes() if model.needs.device != "cpu" else {}
    for device, device_bytes in (free or {"cpu": settings.memory}).items():
        try:
            yield Finding("note", f"{model.name} on {device} would use {model.outlook(weights, device, device_bytes, options).sentence}")
        except (ValueError, OSError) as error:
            yield Finding("note", f"{model.name} cannot run on {device}. {error}")
