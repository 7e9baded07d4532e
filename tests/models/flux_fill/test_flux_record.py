"""What a Task was made with: told after each run, the same for the same run, another where something else was used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flux_builders import Voice, box_mask, make_inputs, noise

from gesso.models.contract import MadeWith
from gesso.models.environment import folder_digest

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

PICTURE = noise(90, 70)
MASK = box_mask(90, 70, 20, 20, 50, 45)


def told(engine: FluxFillEngine, folder: Path, **values: Any) -> MadeWith:
    list(engine.run(make_inputs(folder, PICTURE, MASK, **values), Voice()))
    return engine.provenance()


def test_whatever_may_show_in_a_picture_is_named(engine: FluxFillEngine, tiny_folder: Path, tmp_path: Path) -> None:
    found = told(engine, tmp_path).environment
    named = {"gesso", "code", "python", "processor", "torch", "diffusers", "transformers", "device", "precision", "placement", "weights"}
    assert named <= found.keys()
    assert all(isinstance(value, str) and value for value in found.values())
    assert "unknown" not in found.values()
    assert (found["device"], found["precision"], found["attention"], found["compiled"]) == ("cpu", "float32", "native", "no")
    assert found["weights"] == folder_digest(tiny_folder)


def test_equal_runs_are_told_equally(engine: FluxFillEngine, tmp_path: Path) -> None:
    assert told(engine, tmp_path) == told(engine, tmp_path)


def test_values_are_told_as_they_were_used(engine: FluxFillEngine, tmp_path: Path) -> None:
    used = told(engine, tmp_path, scale=0, samples=2, seed=2**64 - 1, feather=7).used
    assert used == {
        "steps": 2,
        "guidance": 30.0,
        "seeds": [2**64 - 1, 0],
        "speed": "exact",
        "feather": 7,
        "crops": [[3, 0, 67, 64, 128, 128]],
        "lora": None,
    }
