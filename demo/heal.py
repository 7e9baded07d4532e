"""The demo: starts a server of its own, takes two masts out of a photograph through the API, and writes the pictures into out/.

The photograph is that of a rocket on its pad, which ships with scikit-image (SpaceX, CC0).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
from PIL import Image, ImageDraw
from rich.console import Console

from gesso.cli.client import Api, Refusal, Unreachable
from gesso.cli.watching import Watching

GESSO = [sys.executable, "-W", "error", "-m", "gesso"]
MODEL = ("gesso", "heal")
# The outlines of the two lightning masts beside the rocket, a little wider than they are.
MASTS = (
    ((184, 108), (209, 108), (219, 416), (163, 416)),
    ((430, 108), (463, 108), (482, 414), (422, 416)),
)
STOP_S = 30
console = Console(highlight=False, markup=False, soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")
    out: Path = parser.parse_args().out
    began = time.monotonic()
    photo, mask = draw_inputs(out)
    with tempfile.TemporaryDirectory(prefix="gesso-demo-") as data, serve(Path(data)) as url:
        console.print(f"A server runs at {url}, with its data in a temporary folder.")
        project = create_project(Path(data))
        with Api(url, project["apikey"], project["apisecret"]) as api:
            started = time.monotonic()
            record = heal(api, photo, mask)
            waited_s = time.monotonic() - started
            healed = out / "after.png"
            healed.write_bytes(b"".join(api.fetch(record["outputs"][0]["url"])))
    compared = compare(photo, mask, healed, out / "before-after.jpg")
    kept = count_changed_outside(photo, mask, healed)
    console.print(f"\nTask {record['id']} took {float(record['elapsedseconds']):.1f} s of work, {waited_s:.1f} s from request to picture.")
    console.print(f"Pixels that changed outside the mask: {kept}.")
    console.print(f"The demo took {time.monotonic() - began:.1f} s in all. Its pictures:\n")
    for path, words in ((photo, "the photograph"), (mask, "what to repaint, in white"), (healed, "the result"), (compared, "all three")):
        console.print(f"  {path!s:<22} {words}")
    console.print("\nNext: `make run` serves for real, and in another terminal:\n")
    console.print(f"  .venv/bin/gesso run gesso/heal inputImage=@{photo} inputImageMask=@{mask} --out {out}")
    return 0 if kept == 0 else 1


def draw_inputs(out: Path) -> tuple[Path, Path]:
    """The photograph as PNG, and its mask: white is repainted."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("The photographs of scikit-image are missing: pip install 'gesso[demo]'")
    out.mkdir(parents=True, exist_ok=True)
    photo, mask = out / "before.png", out / "mask.png"
    with Image.open(Path(spec.origin).parent / "data" / "rocket.jpg") as source:
        source.convert("RGB").save(photo)
        drawn = Image.new("L", source.size, 0)
    for outline in MASTS:
        ImageDraw.Draw(drawn).polygon(outline, fill=255)
    drawn.save(mask)
    return photo, mask


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


def heal(api: Api, photo: Path, mask: Path) -> dict:
    """Run the task and show how it goes; its record."""
    owner, slug = MODEL
    console.print(f"$ gesso run {owner}/{slug} inputImage=@{photo} inputImageMask=@{mask}\n", style="dim")
    task = api.submit(owner, slug, [], [("inputImage", photo), ("inputImageMask", mask)])
    with Watching(console, f"{owner}/{slug}") as watching:
        for frame in api.follow(task):
            watching.show(frame)
    record = api.detail(task)
    if record["pexit"] != "0":
        raise SystemExit(f"Task {task.id} failed: {record['debugerror']}")
    return record


def compare(photo: Path, mask: Path, healed: Path, path: Path) -> Path:
    """Before, mask and after beside each other, for people to look at."""
    with Image.open(photo) as before, Image.open(mask) as white, Image.open(healed) as after:
        marked = before.copy()
        marked.paste((255, 64, 160), mask=white.point(lambda value: value * 3 // 4))
        gap = 6
        sheet = Image.new("RGB", (3 * before.width + 2 * gap, before.height), "white")
        for index, picture in enumerate((before, marked, after.convert("RGB"))):
            sheet.paste(picture, (index * (before.width + gap), 0))
        sheet.save(path, quality=86, optimize=True)
    return path


def count_changed_outside(photo: Path, mask: Path, healed: Path) -> int:
    """How many pixels differ where the mask is black. gesso promises none."""
    with Image.open(photo) as before, Image.open(mask) as white, Image.open(healed) as after:
        has_changed = (numpy.asarray(before) != numpy.asarray(after.convert("RGB"))).any(axis=2)
        return int((has_changed & (numpy.asarray(white) < 128)).sum())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refusal, Unreachable) as error:
        sys.exit(f"demo: {error}")
