"""What both parts of the demo stand on: a server of its own, a project with a key, tasks that are watched, and pictures to compare."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy
from PIL import Image
from rich.console import Console

from gesso.cli.client import Api
from gesso.cli.watching import Watching

GESSO = [sys.executable, "-W", "error", "-m", "gesso"]
STOP_S = 30
console = Console(highlight=False, markup=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Work:
    """One task of the demo. `fields`: what is sent besides the picture and the mask; `after`: where its picture goes."""

    model: str
    before: Path
    mask: Path
    after: Path
    fields: tuple[tuple[str, str], ...] = ()


@contextmanager
def serve(data: Path) -> Iterator[str]:
    """A server on a free port; its address once it accepts tasks. It is stopped at the end."""
    words = ["serve", "--port", "0", "--data", str(data), "--log-level", "warning"]
    console.print(f"$ gesso {shlex.join(words)}", style="dim")
    with subprocess.Popen([*GESSO, *words], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            for line in server.stdout:
                if line.startswith("Ctrl-C"):
                    break
            else:
                raise SystemExit(f"The server did not start: exit code {server.wait()}.")
            yield json.loads((data / "server.json").read_text("utf-8"))["url"]
        finally:
            server.terminate()
            server.stdout.read()
            server.wait(STOP_S)


def create_project(data: Path) -> dict[str, str]:
    words = ["project", "create", "demo", "--json", "--data", str(data)]
    console.print(f"$ gesso {shlex.join(words)}", style="dim")
    return json.loads(subprocess.run([*GESSO, *words], check=True, stdout=subprocess.PIPE, text=True).stdout)


def carry_out(api: Api, work: Work) -> int:
    """Run the task, show how it goes, save its picture; how many pixels changed outside the mask. gesso promises none."""
    owner, _, slug = work.model.partition("/")
    files = [("inputImage", work.before), ("inputImageMask", work.mask)]
    words = [*(f"{name}={value}" for name, value in work.fields), *(f"{name}=@{path}" for name, path in files)]
    console.print(f"$ gesso run {work.model} {shlex.join(words)}\n", style="dim")
    started = time.monotonic()
    task = api.submit(owner, slug, work.fields, files)
    with Watching(console, work.model) as watching:
        for frame in api.follow(task):
            watching.show(frame)
    record = api.detail(task)
    if record["pexit"] != "0":
        raise SystemExit(f"Task {task.id} failed: {record['debugerror']}")
    work.after.write_bytes(b"".join(api.fetch(record["outputs"][0]["url"])))
    changed = _count_changed_outside(work)
    waited_s = time.monotonic() - started
    console.print(f"Task {record['id']} took {float(record['elapsedseconds']):.1f} s of work, {waited_s:.1f} s from request to picture.")
    console.print(f"Pixels that changed outside the mask: {changed}.\n")
    return changed


def compare(work: Work, path: Path) -> Path:
    """Before, mask and after beside each other, for people to look at."""
    with Image.open(work.before) as before, Image.open(work.mask) as white, Image.open(work.after) as after:
        marked = before.copy()
        marked.paste((255, 64, 160), mask=white.point(lambda value: value * 3 // 4))
        gap = 6
        sheet = Image.new("RGB", (3 * before.width + 2 * gap, before.height), "white")
        for index, picture in enumerate((before, marked, after.convert("RGB"))):
            sheet.paste(picture, (index * (before.width + gap), 0))
        sheet.save(path, quality=86, optimize=True)
    return path


def _count_changed_outside(work: Work) -> int:
    with Image.open(work.before) as before, Image.open(work.mask) as white, Image.open(work.after) as after:
        has_changed = (numpy.asarray(before) != numpy.asarray(after.convert("RGB"))).any(axis=2)
        return int((has_changed & (numpy.asarray(white) < 128)).sum())
