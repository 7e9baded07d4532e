"""What holds over many runs and between ways of running: memory stays flat, remembered prompts and batches change nothing that shows."""

from __future__ import annotations

import gc
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, make_inputs, noise
from PIL import Image

from gesso.models.contract import InputFile

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

RUNS = 200
PICTURES = [Image.fromarray(noise(96, 64, seed)) for seed in (1, 2)]
MASKS = [Image.fromarray(box_mask(96, 64, left, 10, left + 40, 50).astype(np.uint8) * 255) for left in (10, 40)]
PROMPTS = ["a boat", "a red fox"]


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_memory_is_flat_over_two_hundred_runs(engine: FluxFillEngine, tmp_path: Path) -> None:
    """Of other sizes and prompts than the run before, with previews and without."""
    turns = []
    for turn in range(5):
        (tmp_path / str(turn)).mkdir()
        width = 60 + 7 * turn
        mask = box_mask(width, 80, 5, 5, 30, 40)
        turns.append(make_inputs(tmp_path / str(turn), noise(width, 80), mask, steps=1, preview=turn % 2 == 0, prompt=f"prompt {turn}"))
    assert_flat(engine, turns)


def test_memory_is_flat_while_loras_come_and_go(engine: FluxFillEngine, tmp_path: Path) -> None:
    """More of them than are kept, each at two strengths, and every third Task without one. One that stayed would be 0.25 MiB."""
    from safetensors.numpy import save_file

    inputs, turns = make_inputs(tmp_path, noise(60, 80), box_mask(60, 80, 5, 5, 30, 40), steps=1), []
    for number in range(6):
        random, name = np.random.default_rng(number), f"{number}.safetensors"
        layer, rank = "transformer.transformer_blocks.0.attn.to_q", 1024
        shapes = {"A": (rank, 32), "B": (32, rank)}
        save_file(
            {f"{layer}.lora_{half}.weight": random.normal(size=shape).astype(np.float32) for half, shape in shapes.items()},
            tmp_path / name,
        )
        file = InputFile(tmp_path / name, name, "application/vnd.safetensors")
        turns += [inputs | {"lora": file, "loraScale": 0.5}, inputs | {"lora": file}, inputs]
    assert_flat(engine, turns)


def assert_flat(engine: FluxFillEngine, turns: list[dict[str, Any]]) -> None:
    measured = []
    for run in range(RUNS):
        assert list(engine.run(turns[run % len(turns)] | {"seed": run}, Voice()))
        if run % 10 == 9:
            gc.collect()
            measured.append(resident_bytes() / 2**20)
    # The first runs fill what is kept, and the allocator's own stores.
    slope_mib = float(np.polyfit(range(len(measured[4:])), measured[4:], 1)[0]) / 10
    assert slope_mib < 0.03, measured


def test_a_remembered_prompt_gives_the_very_same_picture(engine: FluxFillEngine, tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, noise(90, 70), box_mask(90, 70, 20, 20, 50, 45), prompt="a lighthouse")
    filler = engine._filler.filler
    filler._prompts.forget()
    (fresh,) = engine.run(inputs, Voice())
    (remembered,) = engine.run(inputs, Voice())
    filler._prompts.forget()
    (again,) = engine.run(inputs, Voice())
    assert fresh == remembered == again


def stock(pipeline: Any, numbers: list[int], steps: int = 3) -> np.ndarray:
    """Requests in one call of the stock pipeline, by lists: [requests, height, width, 3]."""
    import torch

    return pipeline(
        prompt=[PROMPTS[number] for number in numbers],
        image=[PICTURES[number] for number in numbers],
        mask_image=[MASKS[number] for number in numbers],
        width=96,
        height=64,
        num_inference_steps=steps,
        guidance_scale=30.0,
        generator=[torch.Generator("cpu").manual_seed(5 + number) for number in numbers],
        output_type="np",
    ).images


def test_a_batch_is_its_single_runs_within_rounding(pipeline: Any) -> None:
    together = stock(pipeline, [0, 1])
    for number in (0, 1):
        assert np.abs(together[number] - stock(pipeline, [number])[0]).max() < 2e-5


def test_what_is_drawn_alone_is_what_the_stock_pipeline_draws_in_a_batch(pipeline: Any) -> None:
    from gesso.models.flux_fill.pipeline import Filler, Order

    together, filler = stock(pipeline, [0, 1]), Filler(pipeline)
    for number in (0, 1):
        (alone,) = filler.fill(PICTURES[number], MASKS[number], Order(PROMPTS[number], 3, 30.0, 5 + number, 1), Voice())
        assert np.abs(together[number] - alone).max() < 2e-5
