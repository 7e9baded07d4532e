"""The measurement on a GPU is tried small on a CPU: nobody would look at a script that breaks where it is needed."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.flux
BENCH = Path(__file__).parents[3] / "bench"


def test_the_measurement_runs_small_and_tells_all_it_should(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--small", "--steps", "2", "--rounds", "1", "--folder", str(tiny_folder))
    monkeypatch.setattr(sys, "argv", ["flux_gpu.py", *arguments])
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    runpy.run_path(str(BENCH / "flux_gpu.py"), run_name="__main__")
    said = capsys.readouterr().out
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [row["what"] for row in rows if "side" in row] == ["diffusers", "exact", "balanced", "turbo"]
    assert {(row["precision"], row["placement"]) for row in rows if row["what"] == "plan" and "seconds" in row} >= {("bfloat16", "whole")}
    assert [row["pictures"] for row in rows if row["what"] == "together"] == [1, 2, 4]
    assert "| exact | 2 | " in said
    assert "| float8, streamed | " in said
