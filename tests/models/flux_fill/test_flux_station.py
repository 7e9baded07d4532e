"""The station on a tiny real pipeline: plans that load, memory that runs out, kernels that do not run, blocks that are compiled."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, make_inputs, noise, write_json
from PIL import Image

from gesso.models.contract import Device

if TYPE_CHECKING:
    from gesso.models.flux_fill.station import Station

pytestmark = pytest.mark.flux

WEIGHTS = "diffusion_pytorch_model.safetensors"
PICTURE, OTHER_PICTURE = (Image.fromarray(noise(96, 64, seed)) for seed in range(2))
MASK = Image.fromarray(box_mask(96, 64, 20, 10, 70, 50).astype(np.uint8) * 255)


def make_station(folder: Path, **options: Any) -> Station:
    from gesso.models.flux_fill.station import Station

    return Station(folder, Device("cpu", 2**30, 1, options))


def draw(
    station: Station, voice: Voice | None = None, prompt: str = "a boat", picture: Image.Image = PICTURE, speed: str = "exact"
) -> np.ndarray:
    from gesso.models.flux_fill.pipeline import Drawing, Order, Turn
    from gesso.models.flux_fill.speed import Speed

    order, voice = Order(prompt, 2, 30.0, 5, 1, speed=Speed(speed)), voice or Voice()
    station.begin(order, voice)
    return station.draw(Drawing(picture, MASK, order, Turn(5, 0, 2), voice))


def far(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def others(folder: Path) -> list[np.ndarray]:
    """What is drawn, exactly, for another prompt and into another picture: whatever is drawn for one's own must not come near to these."""
    station = make_station(folder)
    return [draw(station, prompt="a red bicycle"), draw(station, picture=OTHER_PICTURE)]


def fill_up(station: Station, layer: Callable[[Any], Any], times: int = 1) -> list[object]:
    """Have a part of the present pipeline find no memory; what came of it so far is in the list returned."""
    import torch

    failures: list[object] = []

    def fail(*arguments: object) -> None:
        if len(failures) < times:
            failures.append(arguments)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    layer(station.filler._pipeline).register_forward_pre_hook(fail)
    return failures


@pytest.mark.parametrize(("precision", "error"), [("float32", 0.0), ("bfloat16", 0.01), ("float8", 0.02)])
def test_every_precision_draws_about_the_same(tiny_folder: Path, precision: str, error: float) -> None:
    exact = draw(make_station(tiny_folder))
    voice = Voice()
    drawn = draw(make_station(tiny_folder, precision=precision), voice)
    assert far(drawn, exact) <= error
    assert all(far(drawn, exact) < far(drawn, other) / 2 for other in others(tiny_folder))
    assert voice.logs[0].startswith(f"Memory plan: {precision} weights")
    assert "precision as the settings fix" in voice.logs[0]


@pytest.mark.parametrize(("placement", "visits", "tiles"), [("aside", False, False), ("aside", True, False), ("streamed", False, True)])
def test_every_placement_draws_the_same(tiny_folder: Path, placement: str, visits: bool, tiles: bool) -> None:
    from gesso.models.flux_fill.loading import load, reading
    from gesso.models.flux_fill.memory import Placement, Plan, Precision
    from gesso.models.flux_fill.pipeline import Filler, Order

    plan = Plan(Precision.FLOAT32, Placement(placement), 0, 0, visits, tiles)
    pipeline = load(tiny_folder, "cpu", plan)
    filler = Filler(pipeline, {}, lambda: reading(pipeline, "cpu", plan))
    (drawn,) = filler.fill(PICTURE, MASK, Order("a boat", 2, 30.0, 5, 1), Voice())
    exact = draw(make_station(tiny_folder))
    # Tiles are blended where they meet; what is drawn from noise by a VAE of noise differs there.
    assert far(drawn, exact) <= (0.04 if tiles else 0)
    assert all(far(drawn, exact) < far(drawn, other) for other in others(tiny_folder))


@pytest.mark.parametrize(
    "layer", [lambda pipeline: pipeline.transformer, lambda pipeline: pipeline.vae.decoder, lambda p: p.text_encoder_2]
)
def test_out_of_memory_goes_one_plan_down_and_draws_again(tiny_folder: Path, layer: Callable[[Any], Any]) -> None:
    station = make_station(tiny_folder)
    failures = fill_up(station, layer)
    voice = Voice()
    drawn = draw(station, voice)
    assert len(failures) == 1
    assert station.plan.precision == "bfloat16"
    assert voice.warnings[0].startswith("cpu ran out of memory. From here on: bfloat16 weights, all on cpu: ")
    assert np.array_equal(drawn, draw(make_station(tiny_folder, precision="bfloat16")))
    again = Voice()
    assert np.array_equal(draw(station, again), drawn)
    assert again.logs[0].startswith("Memory plan, after cpu ran out of memory: bfloat16 weights")
    assert not again.warnings


def test_at_the_last_plan_out_of_memory_is_the_tasks_failure(tiny_folder: Path) -> None:
    import torch

    station = make_station(tiny_folder, precision="bfloat16")
    failures = fill_up(station, lambda pipeline: pipeline.transformer, times=2)
    with pytest.raises(torch.OutOfMemoryError):
        draw(station)
    assert len(failures) == 1
    assert station.plan.precision == "bfloat16"


def test_another_error_is_not_tried_again(tiny_folder: Path) -> None:
    station = make_station(tiny_folder)

    def fail(*arguments: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    station.filler.transformer.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="mat1"):
        draw(station)
    assert station.plan.precision == "float32"


def test_steps_are_not_skipped_while_the_transformer_is_streamed(tiny_folder: Path) -> None:
    from gesso.models.flux_fill.memory import Placement, Plan, Precision

    station = make_station(tiny_folder, balanced_threshold=1.0)
    exact, whole = draw(station), Voice()
    assert not np.array_equal(draw(station, whole, speed="balanced"), exact)
    assert whole.logs[-1] == "1 of 2 steps changed so little that most of their work was skipped (speed balanced)."
    assert not whole.warnings
    # As it comes when memory runs out.
    station._step_down(Plan(Precision.FLOAT32, Placement.STREAMED, 0, 0), Voice().warn)
    streamed = Voice()
    assert np.array_equal(draw(station, streamed, speed="balanced"), exact)
    assert streamed.logs[-1] == "0 of 2 steps changed so little that most of their work was skipped (speed balanced)."
    assert streamed.warnings == [
        "Every step was computed in full: steps are not skipped while the transformer is streamed from main memory."
    ]


def test_an_attention_kernel_that_does_not_run_gives_way_to_the_native_one(tiny_folder: Path, pipeline: Any) -> None:
    from gesso.models.flux_fill.attention import set_attention

    name, missing = set_attention(pipeline.transformer, "cpu", "flash")
    assert name == "native"
    assert missing.startswith("Attention by native: flash, which the settings ask for, does not run here (RuntimeError: ")
    assert set_attention(pipeline.transformer, "cpu", "auto") == ("native", "Attention by native.")
    voice = Voice()
    draw(make_station(tiny_folder, attention="_native_cudnn"), voice)
    assert "Attention by native: _native_cudnn, which the settings ask for, does not run here" in voice.logs[0]


def test_an_attention_kernel_that_runs_is_taken(pipeline: Any) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    from gesso.models.flux_fill.attention import set_attention

    try:
        name, sentence = set_attention(pipeline.transformer, "cpu", "_native_math")
        assert name == "_native_math"
        assert sentence.startswith("Attention by _native_math (native ")
        assert _AttentionBackendRegistry.get_active_backend()[0] == "_native_math"
    finally:
        pipeline.transformer.set_attention_backend("native")


@pytest.mark.parametrize("wanted", ["auto", "off"])
def test_nothing_is_compiled_on_a_cpu_unless_asked(tiny_folder: Path, wanted: str) -> None:
    station = make_station(tiny_folder, compile=wanted)
    for _ in range(6):
        voice = Voice()
        draw(station, voice)
        assert not any("compiled" in line for line in voice.logs)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (
            lambda folder: (folder / "transformer" / WEIGHTS).write_bytes((folder / "transformer" / WEIGHTS).read_bytes()[:-1]),
            "bytes: download",
        ),
        (lambda folder: (folder / "vae" / WEIGHTS).rename(folder / "vae" / f"{WEIGHTS}.part"), "unfinished"),
        (lambda folder: write_json(folder / "model_index.json", {"_class_name": "FluxPipeline"}), "holds a FluxPipeline"),
    ],
)
def test_half_of_the_weights_or_others_are_refused_before_anything_is_loaded(
    tiny_folder: Path, tmp_path: Path, harm: Callable[[Path], None], sentence: str
) -> None:
    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.weights import FolderError

    folder = Path(shutil.copytree(tiny_folder, tmp_path / "weights"))
    harm(folder)
    with pytest.raises(FolderError, match=sentence):
        FluxFillEngine().setup(Device("cpu", 2**30, 1), folder)


def test_weights_that_fit_by_no_plan_are_refused_with_both_figures(tiny_folder: Path) -> None:
    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.memory import NoRoomError

    with pytest.raises(NoRoomError, match=r"take 0\.\d GiB on cpu at least, where 0\.0 GiB are to be had"):
        FluxFillEngine().setup(Device("cpu", 95, 1), tiny_folder)


def test_numbers_that_overflow_fail_the_task_and_give_no_picture(tiny_folder: Path, tmp_path: Path) -> None:
    import torch

    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.pipeline import NotFiniteError

    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1), tiny_folder)
    with torch.no_grad():
        engine._filler.filler.transformer.proj_out.weight.fill_(float("nan"))
    outputs = engine.run(make_inputs(tmp_path, noise(90, 70), box_mask(90, 70, 20, 20, 50, 45)), Voice())
    with pytest.raises(NotFiniteError, match="The model's numbers overflowed in step 1 of 2, so there is no picture"):
        next(outputs)


def test_the_engine_does_all_of_it_from_its_options(tiny_folder: Path, tmp_path: Path) -> None:
    from gesso.models.flux_fill.engine import FluxFillEngine

    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1, {"precision": "bfloat16", "turbo_threshold": 1.0}), tiny_folder)
    voice = Voice()
    inputs = make_inputs(tmp_path, noise(90, 70), box_mask(90, 70, 20, 20, 50, 45), steps=3, speed="turbo")
    assert len(list(engine.run(inputs, voice))) == 1
    assert any(line.startswith("Memory plan: bfloat16 weights, all on cpu") for line in voice.logs)
    assert "2 of 3 steps changed so little that most of their work was skipped (speed turbo)." in voice.logs
