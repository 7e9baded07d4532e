"""`gesso replay`: the same comes of a task again, or what differs is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cli_terminal import Server, Terminal, serving

from gesso.cli.client import Api
from gesso.cli.refused import Refused
from gesso.cli.replay import replay
from gesso.cli.run import connect
from gesso.config import Settings
from gesso.models.comparison import difference

# Paints all in the shade that stands in a file, and tells it: an Engine whose surroundings a test can change.
TINTED = """
import cv2
import numpy as np
from pathlib import Path
from gesso.sdk import Group, Kind, MadeWith, Model, Output, Parameter

MODEL = Model("home", "tinted", "Tinted", "One shade.", "tinted:Tinted", (Group("All", (Parameter("side", Kind.INTEGER, default=8),)),))


class Tinted:
    def setup(self, device, weights):
        self.file = Path(__file__).with_name("shade")

    def run(self, inputs, emit):
        self.shade, self.side = self.file.read_text(), inputs["side"]
        picture = np.full((self.side, self.side, 3), 100, np.uint8)
        picture[0] = int(self.shade)
        yield Output(cv2.imencode(".png", picture)[1].tobytes())

    def provenance(self):
        return MadeWith({"shade": self.shade, "lamp": "on"}, {"side": self.side})
"""


@dataclass(frozen=True)
class Studio:
    """A server with a model whose shade stands in `folder`, and a client of it."""

    folder: Path
    server: Server
    api: Api

    def run(self, model: str, *fields: tuple[str, str], files: tuple[str, ...] = (), expected: str = "0") -> int:
        """The id of a task that has ended."""
        task = self.api.submit(*model.split("/"), fields, [(name, self.folder / f"{name}.png") for name in files])
        assert list(self.api.follow(task))[-1]["type"] == "task_postprocess_end"
        record = self.api.detail(task)
        assert record["pexit"] == expected, record["debugerror"]
        return int(task.id)

    def heal(self) -> int:
        return self.run("gesso/heal", files=("inputImage", "inputImageMask"))

    def replay(self, task: int, as_json: bool = False) -> int:
        """Its exit code. The command itself, in this process: starting one for each call would take most of the time."""
        with pytest.raises(SystemExit) as left:
            replay(task, as_json, self.server.data)
        return int(str(left.value.code))

    def change(self, statement: str, *values: object) -> Any:
        with sqlite3.connect(self.server.data / "gesso.db") as database:
            found = database.execute(statement, values).fetchone()
        database.close()
        return found


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    data = folder / "data"
    data.mkdir()
    (folder / "tinted.py").write_text(TINTED)
    (folder / "shade").write_text("100")
    (data / "gesso.toml").write_text('models = ["tinted:MODEL"]\n')
    random = np.random.default_rng(0)
    cv2.imwrite(str(folder / "inputImage.png"), random.integers(0, 256, (30, 40, 3), np.uint8))
    mask = np.zeros((30, 40), np.uint8)
    mask[10:20, 10:25] = 255
    cv2.imwrite(str(folder / "inputImageMask.png"), mask)
    with serving(Terminal(folder), data, PYTHONPATH=str(folder)) as server, connect(Settings(data=data), None, None, None) as api:
        yield Studio(folder, server, api)


def test_a_healed_photograph_comes_out_identical(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    task = studio.heal()
    assert studio.replay(task) == 0
    said = capsys.readouterr().out
    assert said.startswith("identical: task ")
    assert said.rstrip().endswith(f"made the same 1 output as task {task}.")


def test_a_changed_environment_is_named_even_when_the_same_comes_of_it(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    task = studio.heal()
    (document,) = studio.change("SELECT document FROM provenances WHERE task_id = ?", task)
    changed = json.loads(document)
    now = changed["made_with"]["environment"]["numpy"]
    changed["made_with"]["environment"]["numpy"] = "1.25.0"
    studio.change("UPDATE provenances SET document = ? WHERE task_id = ?", json.dumps(changed), task)
    assert studio.replay(task, as_json=True) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["task"], verdict["identical"], verdict["used"]) == (str(task), True, [])
    assert verdict["environment"] == [{"name": "numpy", "before": "1.25.0", "after": now}]


def test_what_differs_is_named_and_measured(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    task = studio.run("home/tinted", ("side", "16"))
    (studio.folder / "shade").write_text("151")
    assert studio.replay(task) == 1
    said = capsys.readouterr().out
    assert studio.replay(task, as_json=True) == 1
    (studio.folder / "shade").write_text("100")
    assert said.startswith("differs: task ")
    words = [line.split() for line in said.splitlines()]
    assert ["0", "6.25%", "1.2500%", "20.00%"] in words
    assert ["shade", "100", "151"] in words
    assert not any(line[:1] == ["lamp"] for line in words)
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["identical"], verdict["environment"]) == (False, [{"name": "shade", "before": "100", "after": "151"}])
    assert verdict["outputs"] == [{"identical": False, "pixels": {"share": 1 / 16, "mean": pytest.approx(0.0125), "most": 0.2}}]


def test_a_model_that_tells_nothing_is_compared_all_the_same(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    fields = ("text", "Hello\nthere"), ("outputs", "2"), ("seed", str(2**64 - 1)), ("delay", "0.01")
    task = studio.run("gesso/echo", *fields)
    assert studio.replay(task) == 0
    said = capsys.readouterr()
    assert "made the same 2 outputs" in said.out
    assert "What one of them was made with is not known: its engine did not tell." in said.err


def refusal(studio: Studio, task: int) -> str:
    with pytest.raises(Refused) as caught:
        replay(task, False, studio.server.data)
    return str(caught.value)


def test_what_cannot_be_replayed_is_refused_with_the_reason(studio: Studio) -> None:
    assert "There is no task 999999 here." in refusal(studio, 999999)
    failed = studio.run("gesso/echo", ("fail", "error"), expected="1")
    assert "is failed: only a task that succeeded can be compared" in refusal(studio, failed)
    task = studio.heal()
    studio.change("DELETE FROM files WHERE name LIKE 'inputImageMask%'")
    assert f"Files of task {task} were deleted (inputImageMask)" in refusal(studio, task)


def test_where_nothing_is_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"There is nothing in .* yet\. Start with `gesso serve"):
        replay(1, False, tmp_path)


def test_pictures_that_cannot_be_compared(tmp_path: Path) -> None:
    for name, pixels in (
        ("small", np.zeros((2, 2), np.uint8)),
        ("large", np.zeros((3, 2), np.uint8)),
        ("deep", np.zeros((2, 2), np.uint16)),
    ):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels)
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "empty").touch()
    for other in ("large.png", "deep.png", "text.txt", "empty", "absent"):
        assert difference(tmp_path / "small.png", tmp_path / other) is None
    found = difference(tmp_path / "small.png", tmp_path / "small.png")
    assert found is not None
    assert found.is_none
