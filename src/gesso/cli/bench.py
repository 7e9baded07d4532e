"""`gesso bench`: runs the measurements of a checkout."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from gesso.cli.refused import Refused

_SCRIPT = Path(__file__).parents[3] / "bench" / "cycle.py"


def bench(arguments: list[str]) -> None:
    """Errors: Refused when gesso was installed without its repository."""
    if not _SCRIPT.is_file():
        raise Refused("The measurements are part of the repository: clone it, and run `make bench` there.")
    sys.argv = [str(_SCRIPT), *arguments]
    # As `python bench/cycle.py` would: the script imports its neighbours.
    sys.path.insert(0, str(_SCRIPT.parent))
    runpy.run_path(str(_SCRIPT), run_name="__main__")
