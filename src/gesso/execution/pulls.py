"""Weights fetched by the command line in a process of its own: a server that dies takes nothing with it, and the same command goes on."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gesso.domain.errors import Unavailable
from gesso.domain.machine import Pull

_SIZE = re.compile(r"(\d+) files, ([\d.]+) GB")
_GB = 10**9
_STOP_S = 10.0
_LINE_MAX_CHARACTERS = 400


@dataclass(slots=True)
class _Fetching:
    process: asyncio.subprocess.Process
    reading: asyncio.Task[None]
    text: str = ""
    total_bytes: int = 0


class CommandPuller:
    """`environment`: for the commands; `data`: the folder that holds everything."""

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        self._data = data
        self._environment = dict(environment)
        self._fetchings: dict[str, _Fetching] = {}

    async def start(self, model: str) -> None:
        """Does nothing where it is under way already. Errors: Unavailable."""
        fetching = self._fetchings.get(model)
        if fetching is not None and fetching.process.returncode is None:
            return
        # Its owner has accepted the licence on the page that led here.
        command = (sys.executable, "-m", "gesso", "models", "pull", model, "--yes", "--data", str(self._data))
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment | {"COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb"},
            )
        except OSError as error:
            raise Unavailable(f"the command could not be started: {error.strerror}") from error
        fetching = _Fetching(process, asyncio.ensure_future(self._read(model, process)))
        self._fetchings[model] = fetching

    def pull(self, model: str, folder: Path) -> Pull | None:
        fetching = self._fetchings.get(model)
        if fetching is None:
            return None
        return Pull(model, _size_bytes(folder), fetching.total_bytes, fetching.text, fetching.process.returncode)

    async def stop(self, model: str) -> None:
        """What was fetched stays, and is gone on with."""
        fetching = self._fetchings.get(model)
        if fetching is None or fetching.process.returncode is not None:
            return
        fetching.process.terminate()
        try:
            await asyncio.wait_for(fetching.process.wait(), _STOP_S)
        except TimeoutError:
            fetching.process.kill()
            await fetching.process.wait()

    async def close(self) -> None:
        for model, fetching in self._fetchings.items():
            await self.stop(model)
            await fetching.reading

    async def _read(self, model: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            text = line.decode("utf-8", "replace").strip()
            if text and model in self._fetchings:
                fetching = self._fetchings[model]
                fetching.text = text[:_LINE_MAX_CHARACTERS]
                size = _SIZE.search(text)
                if size is not None:
                    fetching.total_bytes = int(float(size[2]) * _GB)
        await process.wait()


def _size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total
