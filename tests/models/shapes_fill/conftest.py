"""Fixtures that load torch, and only when a test asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gesso.models.contract import Device

if TYPE_CHECKING:
    from gesso.models.shapes_fill.engine import ShapesFillEngine


@pytest.fixture(scope="session")
def engine() -> ShapesFillEngine:
    """One Engine for all tests, as one Worker serves many Tasks."""
    pytest.importorskip("torch", reason="needs the extra gesso[flux]")
    pytest.importorskip("diffusers", reason="needs the extra gesso[flux]")
    from gesso.models.shapes_fill.engine import ShapesFillEngine

    engine = ShapesFillEngine()
    engine.setup(Device("cpu", 2**31, 1), Path("there-is-no-such-folder"))
    return engine


@pytest.fixture(scope="session")
def pipeline(engine: ShapesFillEngine) -> Any:
    """The stock pipeline with the committed weights."""
    from gesso.models.shapes_fill.engine import load
    from gesso.models.shapes_fill.weights import FOLDER

    return load(FOLDER, "cpu")
