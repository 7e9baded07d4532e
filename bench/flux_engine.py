"""What the engine costs over a bare FluxFillPipeline call that does the same denoising: `python bench/flux_engine.py`. No GPU, one thread.

A random pipeline of 71 million weights. Four comparisons, each in turns so that a busy machine disturbs both sides alike; the medians of
CPU time count. The whole task is meant: files read and checked, drawn, pasted, encoded.

- 512: a picture of 512 x 512, all of it shown to the model, against the bare call at that size.
- crop: a photograph of 12 megapixels with a mask of 300 pixels, against the bare call at the size of the crop that the model is shown.
  `outside_cpu_s` is what the task took before and after the pipeline's own call: reading, checking, framing, pasting, encoding.
- together: the first picture in Batches of one, two and four tasks with speed=balanced, no step skipped, for each picture.
- full: the same photograph against the bare call on all of it. That takes hours here, so the bare call is measured at a size that can be
  waited for, and what it would take at 12 megapixels is set to that times the ratio of pixels. Attention grows faster: it is a lower bound.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from flux_random import MID, pipeline
from gesso.models.contract import Device, InputFile, Part
from gesso.models.flux_fill.engine import FluxFillEngine
from gesso.models.flux_fill.model import MODEL

PROMPT = "a wooden bench under the tree"
PHOTOGRAPH = 4000, 3000
BATCHES = 1, 2, 4


class Silent:
    """An Emit that nobody listens to."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full-side", type=int, default=1536, help="of the square that stands for the whole photograph; 0 leaves it out")
    parser.add_argument("--full-steps", type=int, default=2)
    parser.add_argument("--tiny", action="store_true", help="the tests' tiny pipeline, to see that this script works")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights"
        if arguments.tiny:
            from tiny_pipeline import build

            build(weights)
        else:
            pipeline(MID).save_pretrained(weights)
        Bench(weights, Path(folder), arguments.steps, arguments.rounds).all(arguments.full_side, arguments.full_steps)


class Bench:
    """One loaded engine and the bare calls of its own pipeline."""

    def __init__(self, weights: Path, folder: Path, steps: int, rounds: int) -> None:
        self._folder, self._steps, self._rounds = folder, steps, rounds
        self._engine = FluxFillEngine()
        self._engine.setup(Device("cpu", 2**34, 1, {"compile": "off", "batch": max(BATCHES)}), weights)
        self._bare = self._engine._filler.filler._pipeline
        self._native = self._bare.vae.config.sample_size
        self._inside: list[float] = []
        self._time_calls()
        with torch.no_grad():
            self._words, self._summary, _ = self._bare.encode_prompt(prompt=[PROMPT], prompt_2=None, max_sequence_length=512)

    def all(self, full_side: int, full_steps: int) -> None:
        side, (width, height) = self._native, PHOTOGRAPH
        small = self._inputs("small", side, side, side // 4, side // 2, crop="off")
        say("512", load=os.getloadavg()[0], side=side, steps=self._steps, **self._compare(small, side, self._steps))
        self._together(small | {"speed": "balanced"})
        # A crop of the mask with its surroundings, shown at the model's own size.
        photograph = self._inputs("photograph", width, height, 1500, 300, crop="auto")
        crop = self._compare(photograph, side, self._steps)
        say("crop", load=os.getloadavg()[0], side=side, steps=self._steps, **crop)
        if not full_side:
            return
        bare = measured([lambda: self._call(full_side, full_side, full_steps)], 1)[0][0]
        ours = measured([lambda: self._task(photograph | {"steps": full_steps})], self._rounds)[0]
        ratio = width * height / full_side**2
        full = {"cpu_s": bare[0] * ratio, "wall_s": bare[1] * ratio}
        times = full["cpu_s"] / statistics.median(cpu for cpu, _ in ours)
        say(
            "full", measured_side=full_side, steps=full_steps, bare_at_least=full, ours_cpu_s=[cpu for cpu, _ in ours], times_at_least=times
        )

    def _time_calls(self) -> None:
        """Have each call of the pipeline, the engine's too, note the CPU time it took."""
        stock, inside = type(self._bare), self._inside

        def timed(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return stock.__call__(*arguments, **named)
            finally:
                inside.append(time.process_time() - begun)

        self._bare.__class__ = type(stock.__name__, (stock,), {"__call__": timed})

    def _compare(self, inputs: dict[str, Any], side: int, steps: int) -> dict[str, Any]:
        bare, ours = measured([lambda: self._call(side, side, steps), lambda: self._task(inputs)], self._rounds)
        median = {
            name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in (("bare", bare), ("ours", ours))
        }
        (bare_cpu, bare_wall), (ours_cpu, ours_wall) = median["bare"], median["ours"]
        inside = self._inside[-2 * self._rounds + 1 :: 2]
        return {
            "bare_cpu_s": bare_cpu,
            "ours_cpu_s": ours_cpu,
            "over_cpu_s": ours_cpu - bare_cpu,
            "outside_cpu_s": statistics.median(task[0] - call for task, call in zip(ours, inside, strict=True)),
            "ratio_cpu": ours_cpu / bare_cpu,
            "ratio_wall": ours_wall / bare_wall,
            "ratio_of_each_round": [our[0] / other[0] for our, other in zip(ours, bare, strict=True)],
        }

    def _together(self, inputs: dict[str, Any]) -> None:
        def batch(count: int) -> None:
            parts = [Part(inputs | {"seed": number}, Silent()) for number in range(count)]
            assert len(list(self._engine.run_batch(parts))) == count

        rounds = measured([lambda count=count: batch(count) for count in BATCHES], self._rounds)
        for count, rows in zip(BATCHES, rounds, strict=True):
            cpu, wall = (statistics.median(column) / count for column in zip(*rows, strict=True))
            say("together", load=os.getloadavg()[0], tasks=count, steps=self._steps, cpu_s_each=cpu, wall_s_each=wall)

    def _task(self, inputs: dict[str, Any]) -> None:
        (_,) = self._engine.run(inputs, Silent())

    def _call(self, width: int, height: int, steps: int) -> None:
        """As somebody would who knows the pipeline well: the prompt is encoded already."""
        picture, mask = noise(width, height), np.zeros((height, width), np.uint8)
        mask[height // 4 : height // 2, width // 4 : width // 2] = 255
        self._bare(
            prompt_embeds=self._words,
            pooled_prompt_embeds=self._summary,
            image=Image.fromarray(picture),
            mask_image=Image.fromarray(mask),
            width=width,
            height=height,
            num_inference_steps=steps,
            guidance_scale=30.0,
            generator=torch.Generator("cpu").manual_seed(0),
        )

    def _inputs(self, name: str, width: int, height: int, corner: int, hole: int, crop: str) -> dict[str, Any]:
        mask = np.zeros((height, width), np.uint8)
        mask[corner : corner + hole, corner : corner + hole] = 255
        files = {"inputImage": self._saved(f"{name}.jpg", noise(width, height)), "inputImageMask": self._saved(f"{name}-mask.png", mask)}
        values = {"prompt": PROMPT, "steps": self._steps, "crop": crop}
        return dict.fromkeys((each.id for each in MODEL.parameters), None) | MODEL.check(values, dict.fromkeys(files, 1)) | files

    def _saved(self, name: str, pixels: np.ndarray) -> InputFile:
        path = self._folder / name
        Image.fromarray(pixels).save(path, quality=92)
        return InputFile(path, name, "image/jpeg" if path.suffix == ".jpg" else "image/png")


def measured(calls: list[Callable[[], None]], rounds: int) -> list[list[tuple[float, float]]]:
    """CPU and wall seconds of each call in each round, in turns, after one round that is not counted."""
    seconds: list[list[tuple[float, float]]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, column in zip(calls, seconds, strict=True):
            cpu, wall = time.process_time(), time.perf_counter()
            call()
            if number or rounds == 1:
                column.append((time.process_time() - cpu, time.perf_counter() - wall))
        if rounds == 1:
            break
    return seconds


def noise(width: int, height: int) -> np.ndarray:
    """With the detail of a photograph rather than of noise, which no encoder of pictures is made for."""
    rng = np.random.default_rng(0)
    picture = np.zeros((height, width, 3), np.float32)
    for scale, weight in ((64, 90), (16, 50), (4, 25), (1, 6)):
        grid = rng.standard_normal((-(-height // scale), -(-width // scale), 3), np.float32)
        picture += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 128, 0, 255).astype(np.uint8)


def say(what: str, **facts: Any) -> None:
    print(json.dumps({"what": what} | {name: rounded(fact) for name, fact in facts.items()}), flush=True)


def rounded(fact: Any) -> Any:
    if isinstance(fact, dict):
        return {name: rounded(each) for name, each in fact.items()}
    if isinstance(fact, list):
        return [rounded(each) for each in fact]
    return round(fact, 4) if isinstance(fact, float) else fact


if __name__ == "__main__":
    main()
