"""Settings with the options of the command line, and commands written so that they can be pasted."""

from __future__ import annotations

import difflib
import shlex
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gesso.cli.refused import Refused
from gesso.config import DEFAULT_DATA, Settings, load_settings, stray_names


def read_settings(**given: Any) -> Settings:
    """Errors: Refused, with a sentence for each setting that cannot be used, and for each name in gesso.toml that is none."""
    settings = read_known_settings(**given)
    strays = stray_names(settings)
    if strays:
        raise Refused("\n".join(stray_sentence("The file gesso.toml in the data folder", name) for name in strays))
    return settings


def stray_sentence(file: str, name: str) -> str:
    near = difflib.get_close_matches(name, Settings.model_fields, 1)
    hint = f"Did you mean {near[0]}?" if near and near[0] != name else "docs/settings.md lists them all."
    return f"{file} sets {name}, which is no setting of it. {hint}"


def read_known_settings(**given: Any) -> Settings:
    """As `read_settings`, for who tells of other names otherwise."""
    try:
        return load_settings(**given)
    except ValidationError as error:
        raise Refused("\n".join(_sentence(each) for each in error.errors())) from error
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"The file gesso.toml in the data folder cannot be read: {error}.") from error
    except OSError as error:
        raise Refused(f"The settings cannot be read: {error}.") from error


def _sentence(error: Any) -> str:
    """Source: pydantic's ErrorDetails."""
    name = str(error["loc"][0])
    reason = error["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return f"The setting {name} (GESSO_{name.upper()}) cannot be {error['input']!r}: {reason}."


def command(words: str, settings: Settings) -> str:
    """A command to paste: with --data where the folder is not the usual one."""
    data: Path = settings.data
    return words if data == DEFAULT_DATA else f"{words} --data {shlex.quote(str(data))}"
