"""What FLUX Fill costs on a GPU at its real size, with random weights, against a plain diffusers call: `python bench/flux_gpu.py`.

Time and memory do not depend on what the weights say, so nothing is downloaded; the pictures are noise. One run tells the seconds of an
image (1024 x 1024, 25 and 28 steps) for the plain script, exact, balanced and turbo, with and without compiled blocks, then the peak memory
of each plan. Needs 40 GB of disk in --folder. `--small` runs the same on a CPU with a tiny pipeline, to see that this script works.

How many steps a cache skips does depend on the weights. So its threshold is sought here until it skips a given share of the steps, and the
times say what such a share is worth, not which share real pictures allow.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from gesso.models.contract import Device
from gesso.models.flux_fill.attention import set_attention
from gesso.models.flux_fill.compiling import compile_blocks
from gesso.models.flux_fill.loading import release_memory
from gesso.models.flux_fill.memory import NoRoomError, room_for
from gesso.models.flux_fill.pipeline import Drawing, Filler, Order, Turn
from gesso.models.flux_fill.speed import Speed
from gesso.models.flux_fill.station import Station

sys.path.insert(0, str(Path(__file__).parent))
from tiny_pipeline import build

from flux_random import FULL, pipeline

PROMPT = "a wooden bench under the tree"
SHARES = {Speed.BALANCED: 0.3, Speed.TURBO: 0.5}
PLANS = [("bfloat16", "whole"), ("bfloat16", "aside"), ("int8", "aside"), ("float8", "aside"), ("int4", "aside")]
PLANS += [("bfloat16", "streamed"), ("float8", "streamed")]
# Published, for FLUX.1 [dev] on an H200 at 1024 x 1024 and 28 steps.
MARKS = {"diffusers": 5.58, "diffusers, compiled, FA3": 3.73, "SGLang": 3.50, "SGLang, lossy cache": 2.38}
_SEARCHES = 7


class Silent:
    """An Emit that keeps the lines of the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tiny pipeline on the CPU")
    parser.add_argument("--steps", type=int, nargs="+", default=[25, 28])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the random weights are written and kept; a temporary one otherwise")
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    if arguments.small:
        torch.set_num_threads(1)
    device = Device("cpu", 2**31, 1) if arguments.small else card()
    with TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary) / "weights"
        write_weights(folder, device, arguments.small)
        say(what="machine", device=name_of(device), torch=torch.__version__, gib=round(device.memory_bytes / 2**30, 1))
        rows = Speeds(folder, device, arguments.rounds).measure(arguments.steps, compiles=not (arguments.small or arguments.no_compile))
        plans = [measure_plan(folder, device, precision, placement, arguments.steps[0]) for precision, placement in PLANS]
    print_tables(rows, [plan for plan in plans if plan])


class Speeds:
    """One image at the model's own size: the plain script, and every way of ours."""

    def __init__(self, folder: Path, device: Device, rounds: int) -> None:
        self._device, self._rounds = device, rounds
        self._station = Station(folder, Device(device.name, device.memory_bytes, device.threads, {"attention": "native"}))
        self._pipeline = self._station.filler.pipeline
        self._side = self._pipeline.vae.config.sample_size
        self._rows: list[dict[str, Any]] = []

    def measure(self, steps: list[int], compiles: bool) -> list[dict[str, Any]]:
        for count in steps:
            self._row("diffusers", count, lambda count=count: self._plain(count))
        say(what="attention", sentence=set_attention(self._pipeline.transformer, self._device.name, "auto")[1])
        self._ways(steps, "")
        self._together(steps[0])
        if compiles:
            begun = time.perf_counter()
            compile_blocks(self._pipeline.transformer, "inductor")
            self._draw(Filler(self._pipeline), Speed.EXACT, steps[0])
            say(what="compiling", seconds=time.perf_counter() - begun)
            self._ways(steps, ", compiled")
        return self._rows

    def _ways(self, steps: list[int], suffix: str) -> None:
        for speed in Speed:
            for count in steps:
                threshold, share = self._threshold(speed, count)
                filler = Filler(self._pipeline, {f"{speed}_threshold": threshold})
                # The transformer is shared by all fillers, and each believes that it alone puts caches on it.
                self._row(
                    f"{speed}{suffix}", count, lambda count=count, filler=filler, speed=speed: self._draw(filler, speed, count), share
                )
                self._drop_cache()

    def _together(self, steps: int) -> None:
        """Small pictures, one and several at once: what a Batch gains."""
        picture, mask = (view.resize((self._side // 2, self._side // 2)) for view in views(self._side))
        filler, order = Filler(self._pipeline), Order(PROMPT, steps, 30.0, 0, 1)
        for count in (1, 2, 4):
            drawings = [Drawing(picture, mask, order, Turn(seed, 0, steps), Silent()) for seed in range(count)]
            seconds = measure(lambda drawings=drawings: filler.draw_together(drawings), self._rounds)
            say(what="together", pictures=count, of=self._side // 2, steps=steps, each=min(seconds) / count, **peak())

    def _threshold(self, speed: Speed, steps: int) -> tuple[float | None, float]:
        """Where about the wanted share of the steps is skipped, and which share that is."""
        if speed is Speed.EXACT:
            return None, 0.0
        low, high, found = 0.0, 2.0, (0.0, 0.0)
        for _ in range(_SEARCHES):
            middle = (low + high) / 2
            lines = self._draw(Filler(self._pipeline, {f"{speed}_threshold": middle}), speed, steps)
            self._drop_cache()
            share = int(lines[-1].partition(" ")[0]) / steps
            if abs(share - SHARES[speed]) <= abs(found[1] - SHARES[speed]):
                found = middle, share
            low, high = (middle, high) if share < SHARES[speed] else (low, middle)
        return found

    def _drop_cache(self) -> None:
        if self._pipeline.transformer.is_cache_enabled:
            self._pipeline.transformer.disable_cache()

    def _row(self, name: str, steps: int, call: Callable[[], Any], share: float = 0.0) -> None:
        seconds = measure(call, self._rounds)
        row = {"what": name, "side": self._side, "steps": steps, "seconds": seconds, "skipped": share} | peak()
        self._rows.append(row)
        say(**row)

    def _plain(self, steps: int) -> None:
        picture, mask = views(self._side)
        generator = torch.Generator("cpu").manual_seed(0)
        self._pipeline(
            prompt=PROMPT,
            image=picture,
            mask_image=mask,
            width=self._side,
            height=self._side,
            num_inference_steps=steps,
            generator=generator,
        )

    def _draw(self, filler: Filler, speed: Speed, steps: int) -> list[str]:
        picture, mask = views(self._side)
        emit = Silent()
        list(filler.fill(picture, mask, Order(PROMPT, steps, 30.0, 0, 1, speed=speed), emit))
        return emit.lines


def measure_plan(folder: Path, device: Device, precision: str, placement: str, steps: int) -> dict[str, Any] | None:
    """One image by one plan, from the loading on."""
    release_memory()
    reset_peak()
    options = {"precision": precision, "placement": placement, "attention": "native"}
    if device.name == "cpu":
        # What is not on a card is all in one place.
        options.pop("placement")
    begun = time.perf_counter()
    try:
        station = Station(folder, Device(device.name, device.memory_bytes, device.threads, options))
    except NoRoomError as refusal:
        say(what="plan", precision=precision, placement=placement, left_out=str(refusal))
        return None
    loaded = time.perf_counter() - begun
    picture, mask = views(station.grid.native_side)
    order, emit = Order(PROMPT, steps, 30.0, 0, 1), Silent()

    def draw() -> None:
        station.begin(order, emit)
        station.draw(Drawing(picture, mask, order, Turn(0, 0, steps), emit))

    row = {"what": "plan", "precision": precision, "placement": placement, "loading": loaded, "seconds": measure(draw, 1), "steps": steps}
    row |= peak() | {"estimated_gib": round(station.plan.device_bytes / 2**30, 2), "is_as_asked": station.plan.precision == precision}
    say(**row)
    return row


def measure(call: Callable[[], Any], rounds: int) -> list[float]:
    """Seconds of each round, after one that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        wait()
        begun = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - begun)
    return seconds[1:]


def write_weights(folder: Path, device: Device, is_small: bool) -> None:
    if (folder / "model_index.json").is_file():
        return
    if is_small:
        build(folder)
    else:
        pipeline(FULL, device.name, torch.bfloat16).save_pretrained(folder)
        release_memory()


def views(side: int) -> tuple[Image.Image, Image.Image]:
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(picture), Image.fromarray(np.pad(np.full((side // 2, side // 2), 255, np.uint8), side // 4))


def card() -> Device:
    if not torch.cuda.is_available():
        raise SystemExit("There is no GPU here: --small tries the script on a CPU.")
    return Device("cuda:0", room_for("cuda:0", torch.cuda.mem_get_info("cuda:0")[0]).device_bytes, 8)


def name_of(device: Device) -> str:
    return device.name if device.name == "cpu" else torch.cuda.get_device_name(device.name)


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak() -> dict[str, float]:
    return {"peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)} if torch.cuda.is_available() else {}


def print_tables(rows: list[dict[str, Any]], plans: list[dict[str, Any]]) -> None:
    """For docs/PERFORMANCE.md."""
    print("\n| | steps | seconds | steps skipped |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {row['what']} | {row['steps']} | {min(row['seconds']):.2f} | {row['skipped']:.0%} |")
    print("\nPublished, FLUX.1 [dev] on an H200, 28 steps: " + ", ".join(f"{name} {mark:.2f} s" for name, mark in MARKS.items()))
    print("\n| plan | peak GiB | estimated | loading s | seconds |\n| --- | --- | --- | --- | --- |")
    for plan in plans:
        name = f"{plan['precision']}, {plan['placement']}"
        peak_gib = plan.get("peak_gib", "")
        print(f"| {name} | {peak_gib} | {plan['estimated_gib']} | {plan['loading']:.1f} | {plan['seconds'][0]:.2f} |")


def say(**facts: Any) -> None:
    print(json.dumps({name: [round(x, 4) for x in fact] if isinstance(fact, list) else fact for name, fact in facts.items()}), flush=True)


if __name__ == "__main__":
    main()
