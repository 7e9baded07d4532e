"""Whether a weights folder is there and whole, found out without torch."""

from __future__ import annotations

from pathlib import Path

import pytest
from flux_builders import make_hollow_folder, write_json, write_pulled, write_weights

from gesso.cli.download import RECORD
from gesso.models.environment import FolderDigest
from gesso.models.flux_fill.memory import Weights
from gesso.models.flux_fill.weights import PULLED, FolderError, OtherModelError, check_folder, check_hashes, outlook, readiness


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_hollow_folder(tmp_path / "FLUX.1-Fill-dev", shards=3)


def reason(folder: Path) -> str:
    with pytest.raises(FolderError) as caught:
        check_folder(folder)
    return str(caught.value)


def test_a_whole_folder_passes_and_its_parameters_are_counted(folder: Path) -> None:
    assert check_folder(folder) == Weights(transformer=3 * 4, encoders=2 * 4, vae=4, native_side=1024)


@pytest.mark.flux
def test_a_real_folder_is_ready(tiny_folder: Path) -> None:
    assert readiness(tiny_folder).is_ready


def test_an_absent_folder_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    answer = readiness(tmp_path / "weights")
    assert (answer.is_ready, answer.state) == (False, "weights missing")
    assert answer.reason == (
        f"There is no model_index.json in {tmp_path / 'weights'}. Run `gesso models pull black-forest-labs/FLUX.1-Fill-dev`, "
        f"or put a diffusers pipeline folder at {tmp_path / 'weights'}."
    )


def test_an_absent_extra_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("torch", "diffusers") else name)
    answer = readiness(folder)
    assert (answer.is_ready, answer.state) == (False, "extra missing")
    assert answer.reason == "Missing: torch, diffusers. Run `pip install 'gesso[flux]'`."


def test_another_pipeline_is_refused_by_name(folder: Path) -> None:
    write_json(folder / "model_index.json", {"_class_name": "FluxPipeline"})
    assert reason(folder) == f"The folder {folder} holds a FluxPipeline, and a FluxFillPipeline is needed."


def test_an_index_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "model_index.json").write_text("<html>gated</html>")
    assert reason(folder) == f"The file {folder / 'model_index.json'} is no JSON: download it again."


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ("vae/config.json", "has no config.json"),
        ("scheduler/scheduler_config.json", "has no scheduler_config.json"),
        ("tokenizer/tokenizer.json", "has no tokenizer.json or vocab.json + merges.txt"),
        ("tokenizer/tokenizer_config.json", "has no tokenizer_config.json"),
        ("tokenizer_2/tokenizer.json", "has no tokenizer.json or spiece.model"),
        ("tokenizer_2/tokenizer_config.json", "has no tokenizer_config.json"),
        ("vae/diffusion_pytorch_model.safetensors", "has no weights in safetensors files"),
        ("transformer/diffusion_pytorch_model-00002-of-00003.safetensors", "are missing or empty"),
    ],
)
def test_an_absent_file_is_named(folder: Path, absent: str, expected: str) -> None:
    (folder / absent).unlink()
    assert expected in reason(folder)


def test_words_without_their_merges_are_half_a_tokenizer(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer.json").rename(folder / "tokenizer" / "vocab.json")
    assert reason(folder) == f"The folder {folder / 'tokenizer'} has no tokenizer.json or vocab.json + merges.txt."
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    check_folder(folder)


def test_a_shard_without_a_tensor_that_the_index_promises_is_named(folder: Path) -> None:
    path = folder / "transformer" / "diffusion_pytorch_model-00002-of-00003.safetensors"
    write_weights(path, name="another")
    index = "diffusion_pytorch_model.safetensors.index.json"
    assert reason(folder) == f"The weights {path} lack w{path.name}, which {index} says is in them."


def test_a_file_that_is_not_as_long_as_it_was_fetched_is_named(folder: Path) -> None:
    path = folder / "scheduler" / "scheduler_config.json"
    write_pulled(folder)
    check_folder(folder)
    path.write_text("{ }\n")
    assert reason(folder) == f"The file {path} has 4 bytes, and 2 were fetched."
    path.unlink()
    assert reason(folder) == f"The file {path} has 0 bytes, and 2 were fetched."


def test_a_file_with_other_bytes_than_were_fetched_is_named(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    write_pulled(folder)
    check_hashes(folder, FolderDigest(folder).files())
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    check_folder(folder)
    with pytest.raises(FolderError) as caught:
        check_hashes(folder, FolderDigest(folder).files())
    assert str(caught.value) == (
        f"The weights {path} are not what was fetched: they were damaged or replaced since. "
        "Delete that file and run `gesso models pull black-forest-labs/FLUX.1-Fill-dev` again."
    )


def test_the_record_of_what_was_fetched_is_the_one_that_is_written() -> None:
    assert PULLED == RECORD


@pytest.mark.parametrize("kept_bytes", [0, 4, 20, 70])
def test_half_a_download_is_found_by_its_length(folder: Path, kept_bytes: int) -> None:
    path = folder / "transformer" / "diffusion_pytorch_model-00003-of-00003.safetensors"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert str(path) in reason(folder)


@pytest.mark.parametrize("content", [b"\x08\0\0\0\0\0\0\0<html>!!", b"<!doctype html>", b"\x02\0\0\0\0\0\0\0[]"])
def test_a_page_in_place_of_weights_is_refused(folder: Path, content: bytes) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(content)
    assert reason(folder) == f"The weights {path} are no safetensors file."


def test_what_a_download_tool_left_unfinished_is_named(folder: Path) -> None:
    (folder / "text_encoder_2" / "model.safetensors.incomplete").touch()
    assert reason(folder) == f"The download of {folder / 'text_encoder_2'} is unfinished: model.safetensors.incomplete is still there."


def test_weights_that_do_not_fit_are_told_with_both_figures(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"The weights take 3\.3 GiB on cpu at least, where 0\.0 GiB are to be had\."):
        outlook(folder, "cpu", 95, {})


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (64, "takes 64 input channels, and one that fills masks takes 384: these are the weights of another FLUX model"),
        ("many", "does not say its channels"),
        (None, "does not say its channels"),
    ],
)
def test_weights_of_another_model_are_refused(folder: Path, channels: object, expected: str) -> None:
    write_json(folder / "transformer" / "config.json", {"in_channels": channels})
    assert expected in reason(folder)


def test_weights_that_are_not_those_of_their_settings_are_refused(folder: Path) -> None:
    path = folder / "transformer" / "diffusion_pytorch_model-00001-of-00003.safetensors"
    write_weights(path, name="x_embedder.weight")
    write_json(path.with_name("diffusion_pytorch_model.safetensors.index.json"), {"weight_map": {"x_embedder.weight": path.name}})
    with pytest.raises(OtherModelError, match=r"has weights for 2 input channels, and its config\.json says 384"):
        check_folder(folder)


def test_half_a_download_is_to_be_gone_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    (folder / "model_index.json").rename(folder / "model_index.json.part")
    answer = readiness(folder)
    assert (answer.is_ready, answer.state) == (False, "weights incomplete")
    assert answer.reason == (
        f"The download into {folder} is unfinished. Run `gesso models pull black-forest-labs/FLUX.1-Fill-dev` again: "
        "it goes on where it stopped."
    )
    write_json(folder / "model_index.json", {"_class_name": "FluxPipeline"})
    assert readiness(folder).state == "other weights"
