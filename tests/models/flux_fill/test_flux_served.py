"""FLUX Fill through a whole server: pictures and a LoRA over HTTP, previews over the socket, and the same task a second time."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from flux_builders import box_mask, changed, noise, save
from flux_server import serving
from PIL import Image

from gesso.cli.client import Api, Refusal, Submitted
from gesso.cli.replay import replay
from gesso.cli.run import connect
from gesso.cli.running import find_key
from gesso.config import Settings

pytestmark = pytest.mark.flux

NAME = "black-forest-labs/FLUX.1-Fill-dev"
PICTURE = noise(90, 70)
MASK = box_mask(90, 70, 20, 20, 50, 45)


@pytest.fixture(scope="module")
def data(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the tiny pipeline in the place of the weights."""
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp("served") / "data"
    (folder / "weights" / NAME).parent.mkdir(parents=True)
    (folder / "weights" / NAME).symlink_to(tiny_folder)
    save(folder, "picture.png", PICTURE)
    save(folder, "mask.png", MASK)
    random, layer = np.random.default_rng(0), "transformer.transformer_blocks.0.attn.to_q"
    shapes = {"A": (4, 32), "B": (32, 4)}
    tensors = {f"{layer}.lora_{half}.weight": random.normal(size=shape).astype(np.float32) for half, shape in shapes.items()}
    save_file(tensors, folder / "style.safetensors")
    return folder


@pytest.fixture(scope="module")
def api(data: Path) -> Iterator[Api]:
    with serving(data), connect(Settings(data=data), None, None, None) as connected:
        yield connected


def submit(api: Api, data: Path, *files: tuple[str, Path], **fields: str) -> Submitted:
    pictures = ("inputImage", data / "picture.png"), ("inputImageMask", data / "mask.png")
    return api.submit(*NAME.split("/"), list({"steps": "2", **fields}.items()), [*pictures, *files])


def followed(api: Api, task: Submitted) -> list[dict[str, Any]]:
    frames = list(api.follow(task))
    assert frames[-1]["type"] == "task_postprocess_end"
    return frames


def made(api: Api, task: Submitted) -> np.ndarray:
    followed(api, task)
    record = api.detail(task)
    assert record["pexit"] == "0", record["debugerror"]
    (output,) = record["outputs"]
    return np.asarray(Image.open(io.BytesIO(b"".join(api.fetch(output["url"])))))


def test_previews_come_over_the_socket_to_who_asks_and_are_kept_nowhere(api: Api, data: Path) -> None:
    task = submit(api, data, steps="6", preview="true")
    frames = followed(api, task)
    kinds = [frame["type"] for frame in frames]
    previews = [frame["message"] for frame in frames if frame["type"] == "task_preview"]
    assert previews
    assert kinds.index("task_start") < kinds.index("task_preview") < kinds.index("task_end")
    for preview in previews:
        assert preview["contenttype"] == "image/jpeg"
        picture = Image.open(io.BytesIO(base64.b64decode(preview["base64"])))
        assert (picture.format, max(picture.size) <= 384) == ("JPEG", True)
    # Who comes later is told what happened, not what it looked like meanwhile.
    assert "task_preview" not in [frame["type"] for frame in followed(api, task)]
    assert "task_preview" not in [frame["type"] for frame in followed(api, submit(api, data, steps="6"))]


def test_a_lora_comes_with_a_task_as_a_file_or_as_an_upload(api: Api, data: Path) -> None:
    plain = made(api, submit(api, data))
    sent = made(api, submit(api, data, ("lora", data / "style.safetensors")))
    assert not changed(plain, sent)[~MASK].any()
    assert changed(plain, sent)[MASK].any()
    with (data / "style.safetensors").open("rb") as file:
        answer = httpx.post(f"{api.url}/v1/File/Upload", files={"file": file}, headers={"x-api-key": find_key(data)}, timeout=60).json()
    assert np.array_equal(made(api, submit(api, data, loraUrl=answer["list"][0]["url"])), sent)
    assert np.array_equal(made(api, submit(api, data)), plain)
    (data / "style.pt").write_bytes(b"PK\x03\x04 weights and code")
    with pytest.raises(Refusal, match="it is application/zip, and a safetensors file is needed"):
        submit(api, data, ("lora", data / "style.pt"))


def test_the_same_comes_of_a_task_again(api: Api, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = submit(api, data, ("lora", data / "style.safetensors"), samples="2", seed=str(2**64 - 1), prompt="a boat, and a fox")
    followed(api, task)
    with pytest.raises(SystemExit) as left:
        replay(int(task.id), True, data)
    assert left.value.code == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["identical"], len(verdict["outputs"])) == (True, 2)
    assert verdict["environment"] == verdict["used"] == []
