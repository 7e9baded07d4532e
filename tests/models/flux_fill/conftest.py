"""Fixtures that load torch, and only when a test asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_pipeline import build

from gesso.models.contract import Device

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

CPU = Device("cpu", 2**30, 1)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real pipeline of a fifth of a million parameters, built once."""
    torch = pytest.importorskip("torch", reason="needs the extra gesso[flux]")
    pytest.importorskip("diffusers", reason="needs the extra gesso[flux]")
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    build(folder)
    return folder


@pytest.fixture(scope="session")
def engine(tiny_folder: Path) -> FluxFillEngine:
    """One Engine for all tests, as one Worker serves many Tasks: none of them may leave a trace in it."""
    from gesso.models.flux_fill.engine import FluxFillEngine

    engine = FluxFillEngine()
    engine.setup(CPU, tiny_folder)
    return engine


@pytest.fixture
def pipeline(tiny_folder: Path) -> Any:
    """A pipeline of the test's own, to be tampered with."""
    from gesso.models.flux_fill.loading import load
    from gesso.models.flux_fill.memory import Placement, Plan, Precision

    return load(tiny_folder, "cpu", Plan(Precision.FLOAT32, Placement.WHOLE, 0, 0))
