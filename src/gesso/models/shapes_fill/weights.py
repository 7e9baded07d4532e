"""Where the weights of shapes-fill are: in the package, with the record of their training. Nothing heavy is imported here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from gesso.domain.model import READY, Readiness

FOLDER = Path(__file__).parent / "weights"
# What is needed to run them, and what installs it.
_PACKAGES = ("torch", "diffusers", "transformers")


def readiness(weights: Path) -> Readiness:
    """Whether the Model can run; its folder in the data folder plays no part."""
    missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        return Readiness(False, "extra missing", f"Missing: {', '.join(missing)}. Run `pip install 'gesso[flux]'`.")
    return READY
