"""Weights that are not whole draw no picture: what the libraries would fill with random numbers is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flux_builders import Voice, box_mask, make_inputs, noise, write_json, write_pulled

from gesso.models.contract import Device

pytestmark = pytest.mark.flux


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "weights"))


def without(name: str) -> Callable[[Path], None]:
    def drop(component: Path) -> None:
        from safetensors.torch import load_file, save_file

        (path,) = component.glob("*.safetensors")
        tensors = load_file(path)
        del tensors[name]
        save_file(tensors, path, {"format": "pt"})

    return drop


def with_one_more(count: str) -> Callable[[Path], None]:
    def add(component: Path) -> None:
        config = json.loads((component / "config.json").read_text())
        write_json(component / "config.json", config | {count: config[count] + 1})

    return add


@pytest.mark.parametrize(
    ("component", "harm", "named"),
    [
        ("transformer", without("proj_out.weight"), "1 are missing, proj_out.weight for one"),
        ("transformer", with_one_more("num_single_layers"), r"\d+ are missing, single_transformer_blocks\.2\."),
        ("vae", without("decoder.conv_out.bias"), "1 are missing, decoder.conv_out.bias for one"),
        ("text_encoder", with_one_more("num_hidden_layers"), r"16 are missing, .*encoder\.layers\.2\."),
        ("text_encoder_2", with_one_more("num_layers"), r"\d+ are missing, encoder\.block\.2\."),
        ("text_encoder_2", without("encoder.final_layer_norm.weight"), "1 are missing, encoder.final_layer_norm.weight for one"),
    ],
)
def test_what_the_files_lack_is_named_and_nothing_is_loaded(folder: Path, component: str, harm: Callable[[Path], None], named: str) -> None:
    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.weights import FolderIncompleteError

    harm(folder / component)
    with pytest.raises(FolderIncompleteError, match=named) as caught:
        FluxFillEngine().setup(Device("cpu", 2**30, 1), folder)
    assert str(caught.value).startswith(f"The weights in {folder / component} are not all that its config.json promises: ")
    assert str(caught.value).endswith("Delete that folder and run `gesso models pull black-forest-labs/FLUX.1-Fill-dev` again.")


def test_weights_that_are_not_what_was_fetched_give_no_picture(folder: Path, tmp_path: Path) -> None:
    from gesso.models.flux_fill.engine import FluxFillEngine
    from gesso.models.flux_fill.weights import FolderIncompleteError

    write_pulled(folder)
    inputs = make_inputs(tmp_path, noise(90, 70), box_mask(90, 70, 20, 20, 50, 45))
    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1), folder)
    assert len(list(engine.run(inputs, Voice()))) == 1
    (path,) = (folder / "text_encoder_2").glob("*.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    engine = FluxFillEngine()
    engine.setup(Device("cpu", 2**30, 1), folder)
    for _ in range(2):
        with pytest.raises(FolderIncompleteError, match="are not what was fetched"):
            next(engine.run(inputs, Voice()))
