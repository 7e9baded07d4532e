"""A Worker whose pipeline could not be loaded again after memory ran out: the next Task loads it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from flux_builders import Voice, box_mask, make_inputs, noise, pixels_of

from gesso.models.contract import Device

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.station import Station

pytestmark = pytest.mark.flux


def make_engine(folder: Path, **options: str) -> FluxFillEngine:
    from gesso.models.flux_fill.engine import FluxFillEngine

    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1, options), folder)
    return engine


def run_out_of_memory(station: Station) -> None:
    """At the next drawing, in the transformer that is there now."""
    import torch

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    station.filler.transformer.register_forward_pre_hook(fail)


def test_a_task_after_a_failed_loading_loads_again(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "weights"))
    engine = make_engine(folder)
    inputs = make_inputs(tmp_path, noise(90, 70), box_mask(90, 70, 20, 20, 50, 45))
    run_out_of_memory(engine._filler)
    vae, aside = folder / "vae", folder / "aside"
    # A disk that does not answer just now.
    vae.rename(aside)
    try:
        for _ in range(2):
            with pytest.raises(OSError, match=r"config\.json"):
                list(engine.run(inputs, Voice()))
    finally:
        aside.rename(vae)
    voice = Voice()
    (drawn,) = engine.run(inputs, voice)
    assert voice.logs[2].startswith("Memory plan, loaded again: bfloat16 weights, all on cpu")
    (expected,) = make_engine(tiny_folder, precision="bfloat16").run(inputs, Voice())
    assert np.array_equal(pixels_of(drawn), pixels_of(expected))
