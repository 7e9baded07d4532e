"""`make demo` without its installation: the whole way from pictures to pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli_terminal import TIMEOUT_S, clean_environment

from gesso.models.shapes_fill.model import MODEL

ROOT = Path(__file__).parents[2]


def test_the_demo_makes_its_pictures_and_stops_its_server(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "demo"), "--out", "out"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made >= {"before.png", "mask.png", "after.png", "before-after.jpg", "wall.png"}
    has_torch = MODEL.readiness(Path()).is_ready
    assert ("wall-before-after.jpg" in made) == has_torch
    assert done.stdout.count("Pixels that changed outside the mask: 0.") == (4 if has_torch else 1)
    assert "100 %" in done.stdout
