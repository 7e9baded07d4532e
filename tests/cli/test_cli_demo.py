"""`make demo` without its installation: the whole way from a photograph to a picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli_terminal import TIMEOUT_S, clean_environment

ROOT = Path(__file__).parents[2]


def test_the_demo_heals_its_photograph_and_stops_its_server(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "demo" / "heal.py"), "--out", "out"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"before.png", "mask.png", "after.png", "before-after.jpg"}
    assert "Pixels that changed outside the mask: 0." in done.stdout
    assert "100 %" in done.stdout
