"""A Batch of FLUX Fill through a whole server: tasks of two projects, one of them killed, and the same again, alone."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flux_builders import box_mask, changed, noise, save
from flux_server import gesso, serving
from PIL import Image

from gesso.cli.client import Api, Submitted
from gesso.cli.replay import replay
from gesso.cli.run import connect
from gesso.config import Settings

pytestmark = pytest.mark.flux

NAME = "black-forest-labs/FLUX.1-Fill-dev"
COUNT = 3
PICTURES = [noise(90, 70, number) for number in range(COUNT)]
MASKS = [box_mask(90, 70, 20 + 5 * number, 20, 50 + 5 * number, 45) for number in range(COUNT)]


@pytest.fixture(scope="module")
def data(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the tiny pipeline in the place of the weights, whose operator lets four pictures be drawn together on the CPU."""
    folder = tmp_path_factory.mktemp("batches") / "data"
    (folder / "weights" / NAME).parent.mkdir(parents=True)
    (folder / "weights" / NAME).symlink_to(tiny_folder)
    (folder / "gesso.toml").write_text(f'workers = 1\n[engines."{NAME}"]\nbatch = 4\n')
    for number in range(COUNT):
        save(folder, f"picture-{number}.png", PICTURES[number])
        save(folder, f"mask-{number}.png", MASKS[number])
    return folder


@pytest.fixture(scope="module")
def apis(data: Path) -> Iterator[list[Api]]:
    """Two projects of one server."""
    with serving(data) as environment:
        command = gesso(data, "project", "create", "other", "--auth", "key", "--json")
        made = subprocess.run(command, env=environment, capture_output=True, check=True)
        with (
            connect(Settings(data=data), None, None, None) as one,
            connect(Settings(data=data), None, json.loads(made.stdout)["apikey"], None) as other,
        ):
            yield [one, other]


def submit(api: Api, data: Path, number: int, **fields: str) -> Submitted:
    files = ("inputImage", data / f"picture-{number}.png"), ("inputImageMask", data / f"mask-{number}.png")
    values = {"prompt": f"thing {number}", "seed": str(number), "steps": "30", "speed": "balanced", **fields}
    return api.submit(*NAME.split("/"), list(values.items()), files)


def ended(api: Api, task: Submitted) -> dict[str, Any]:
    assert list(api.follow(task))
    return api.detail(task)


def picture(api: Api, record: dict[str, Any]) -> np.ndarray:
    assert record["pexit"] == "0", record["debugerror"]
    (output,) = record["outputs"]
    return np.asarray(Image.open(io.BytesIO(b"".join(api.fetch(output["url"])))))


def test_two_projects_share_a_batch_and_each_has_its_own_picture(apis: list[Api], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = apis
    owners = [one, other, one]
    before = submit(one, data, 0, speed="exact", steps="500")
    # Its first step: from here on the worker is busy, and the others wait.
    next(frame for frame in one.follow(before) if frame["type"] == "task_output")
    tasks = [submit(owner, data, number) for number, owner in enumerate(owners)]
    killed = submit(other, data, 1, seed="77")
    one.kill(before)
    # Its first step, not a line of its log: those come while the others are still being read.
    next(frame for frame in other.follow(killed) if frame["type"] == "task_output" and isinstance(frame["message"], dict))
    other.kill(killed)
    records = [ended(owner, task) for owner, task in zip(owners, tasks, strict=True)]
    assert other.detail(killed)["status"] == "task_cancel"
    together = [picture(owner, record) for owner, record in zip(owners, records, strict=True)]
    for record in records:
        assert "It is drawn together with others, 4 pictures in all." in record["debugoutput"]
        assert record["debugoutput"].count("The model sees") == 1
    for number, owner in enumerate(owners):
        alone = picture(owner, ended(owner, submit(owner, data, number)))
        assert np.abs(alone.astype(int) - together[number]).max() <= 1
        assert not changed(PICTURES[number], together[number])[~MASKS[number]].any()
    with pytest.raises(SystemExit):
        replay(int(tasks[0].id), True, data)
    verdict = json.loads(capsys.readouterr().out)
    assert {"name": "batch", "before": "4", "after": ""} in verdict["used"]
    assert verdict["environment"] == []
