"""LoRAs: looked at before they are loaded, put on exactly, taken off exactly, and never on another Task's picture."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, make_inputs, noise
from PIL import Image

from gesso.models.contract import InputError, InputFile, Killed

if TYPE_CHECKING:
    from gesso.models.flux_fill.engine import FluxFillEngine

pytestmark = pytest.mark.flux

WIDTH, HEIGHT = 90, 70
PICTURE = noise(WIDTH, HEIGHT)
MASK = box_mask(WIDTH, HEIGHT, 20, 20, 50, 45)
QUERY = "transformer.transformer_blocks.0.attn.to_q"
INPUT = "transformer.x_embedder"
UNFIT = "The LoRA 'style.safetensors' does not fit this model"


def weights(layer: str = QUERY, rank: int = 4, inside: int = 32, outside: int = 32, seed: int = 0) -> dict[str, np.ndarray]:
    """The two matrices for one layer, by default a query of the tiny transformer's."""
    random = np.random.default_rng(seed)
    shapes = {"A": (rank, inside), "B": (outside, rank)}
    return {f"{layer}.lora_{half}.weight": random.normal(size=shape).astype(np.float32) for half, shape in shapes.items()}


def lora(folder: Path, tensors: dict[str, np.ndarray], name: str = "style.safetensors", **metadata: str) -> InputFile:
    from safetensors.numpy import save_file

    save_file(tensors, folder / name, metadata or None)
    return InputFile(folder / name, name, "application/vnd.safetensors")


def raw(folder: Path, data: bytes, name: str = "style.safetensors") -> InputFile:
    (folder / name).write_bytes(data)
    return InputFile(folder / name, name, "application/octet-stream")


def with_header(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def draw(engine: FluxFillEngine, folder: Path, file: InputFile | None = None, voice: Voice | None = None, **values: Any) -> bytes:
    inputs = make_inputs(folder, PICTURE, MASK, **values) | {"lora": file}
    (output,) = engine.run(inputs, voice or Voice())
    return output.data


def refusal(engine: FluxFillEngine, folder: Path, file: InputFile) -> str:
    before = draw(engine, folder)
    with pytest.raises(InputError) as caught:
        draw(engine, folder, file)
    assert draw(engine, folder) == before
    return str(caught.value)


def test_a_lora_changes_the_picture_and_is_gone_with_its_task(engine: FluxFillEngine, tmp_path: Path) -> None:
    base = draw(engine, tmp_path)
    first, second = lora(tmp_path, weights(seed=1), "a.safetensors"), lora(tmp_path, weights(seed=2), "b.safetensors")
    with_first, with_second = draw(engine, tmp_path, first), draw(engine, tmp_path, second)
    assert len({base, with_first, with_second}) == 3
    assert draw(engine, tmp_path) == base
    for _ in range(2):
        assert draw(engine, tmp_path, first) == with_first
        assert draw(engine, tmp_path, second) == with_second
    assert draw(engine, tmp_path) == base


def test_the_weights_themselves_are_never_written_to(engine: FluxFillEngine, tmp_path: Path) -> None:
    import torch

    transformer = engine._filler.filler.transformer
    before = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    draw(engine, tmp_path, lora(tmp_path, weights() | weights(INPUT, inside=64)))
    draw(engine, tmp_path)
    after = transformer.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_its_strength_counts_and_half_a_matrix_at_double_strength_is_the_same(engine: FluxFillEngine, tmp_path: Path) -> None:
    whole = weights()
    half = {name: tensor / 2 if ".lora_B." in name else tensor for name, tensor in whole.items()}
    strong, weak = lora(tmp_path, whole, "a.safetensors"), lora(tmp_path, half, "b.safetensors")
    assert draw(engine, tmp_path, strong, loraScale=0.5) == draw(engine, tmp_path, weak)
    assert draw(engine, tmp_path, strong, loraScale=0.5) != draw(engine, tmp_path, strong)
    # Form tools send 0 for a field that nobody touched.
    assert draw(engine, tmp_path, strong, loraScale=0) == draw(engine, tmp_path, strong)


def test_alpha_is_a_strength_in_units_of_the_rank(engine: FluxFillEngine, tmp_path: Path) -> None:
    plain = weights(rank=4)
    doubled = {name: tensor * 2 if ".lora_B." in name else tensor for name, tensor in plain.items()}
    expected = draw(engine, tmp_path, lora(tmp_path, doubled, "a.safetensors"))
    in_tensor = lora(tmp_path, {**plain, f"{QUERY}.alpha": np.array(8.0, np.float32)}, "b.safetensors")
    in_metadata = lora(tmp_path, plain, "c.safetensors", lora_adapter_metadata='{"transformer.lora_alpha": 8, "transformer.r": 4}')
    assert draw(engine, tmp_path, in_tensor) == expected
    assert draw(engine, tmp_path, in_metadata) == expected


def test_what_peft_writes_for_the_transformer_is_taken(engine: FluxFillEngine, tmp_path: Path) -> None:
    """As a training script saves it."""
    from diffusers import FluxFillPipeline
    from peft import LoraConfig, get_peft_model_state_dict

    from gesso.models.flux_fill.loading import load
    from gesso.models.flux_fill.memory import Placement, Plan, Precision

    trained = load(engine._filler._folder, "cpu", Plan(Precision.FLOAT32, Placement.WHOLE, 0, 0)).transformer
    trained.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights=False, target_modules=["to_q", "to_k", "proj_mlp", "x_embedder"]))
    FluxFillPipeline.save_lora_weights(tmp_path, get_peft_model_state_dict(trained), weight_name="trained.safetensors")
    file = InputFile(tmp_path / "trained.safetensors", "trained.safetensors", "application/vnd.safetensors")
    voice = Voice()
    assert draw(engine, tmp_path, file, voice) != draw(engine, tmp_path)
    assert not voice.warnings


def test_an_input_layer_of_dev_is_padded_and_told(engine: FluxFillEngine, tmp_path: Path) -> None:
    of_dev = weights(INPUT, inside=64)
    padded = {name: np.pad(tensor, ((0, 0), (0, 320))) if ".lora_A." in name else tensor for name, tensor in of_dev.items()}
    voice = Voice()
    assert draw(engine, tmp_path, lora(tmp_path, of_dev), voice) == draw(engine, tmp_path, lora(tmp_path, padded, "b.safetensors"))
    (warning,) = voice.warnings
    assert warning.startswith("The LoRA 'style.safetensors' was made for FLUX.1 [dev], whose input layer takes less")


def test_a_part_for_a_text_encoder_is_left_aside_and_told(engine: FluxFillEngine, tmp_path: Path) -> None:
    both = weights() | weights("text_encoder.text_model.encoder.layers.0.self_attn.q_proj", seed=3)
    voice = Voice()
    assert draw(engine, tmp_path, lora(tmp_path, both), voice) == draw(engine, tmp_path, lora(tmp_path, weights(), "b.safetensors"))
    assert voice.warnings == [
        "The LoRA 'style.safetensors' changes a text encoder too: that part is left aside, only the transformer is changed."
    ]


def test_a_kill_leaves_no_lora_behind(engine: FluxFillEngine, tmp_path: Path) -> None:
    base = draw(engine, tmp_path)
    with pytest.raises(Killed):
        draw(engine, tmp_path, lora(tmp_path, weights()), Voice(kill_at=2))
    assert draw(engine, tmp_path) == base


def test_a_lora_that_breaks_on_its_way_in_leaves_nothing_behind(
    engine: FluxFillEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, file = draw(engine, tmp_path), lora(tmp_path, weights(seed=7))
    pipeline = engine._filler.filler.pipeline
    whole = type(pipeline).load_lora_weights

    def break_off(*arguments: Any, **options: Any) -> None:
        whole(pipeline, *arguments, **options)
        raise RuntimeError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "load_lora_weights", break_off, raising=False)
        with pytest.raises(RuntimeError, match="broken off"):
            draw(engine, tmp_path, file)
    assert draw(engine, tmp_path) == base
    assert draw(engine, tmp_path, file) != base


@pytest.mark.parametrize(("precision", "placement"), [("float8", "whole"), ("bfloat16", "whole"), ("float32", "streamed")])
def test_a_lora_is_put_on_and_off_exactly_under_other_plans(tmp_path: Path, tiny_folder: Path, precision: str, placement: str) -> None:
    from gesso.models.flux_fill.loading import load
    from gesso.models.flux_fill.lora import Shelf
    from gesso.models.flux_fill.memory import Placement, Plan, Precision
    from gesso.models.flux_fill.pipeline import Filler, Order

    filler = Filler(load(tiny_folder, "cpu", Plan(Precision(precision), Placement(placement), 0, 0)))
    style = Shelf().read(lora(tmp_path, weights() | weights(INPUT, inside=64)), filler.pipeline)
    picture = Image.fromarray(noise(96, 64))
    mask = Image.fromarray(box_mask(96, 64, 20, 10, 70, 50).astype(np.uint8) * 255)

    def answer(worn: Any) -> np.ndarray:
        return next(filler.fill(picture, mask, Order("a boat", 2, 30.0, 5, 1, lora=worn), Voice()))

    base, styled = answer(None), answer(style)
    assert not np.array_equal(base, styled)
    assert np.array_equal(answer(style), styled)
    assert np.array_equal(answer(None), base)


def test_a_file_is_read_once_as_long_as_its_bytes_are_the_same(tmp_path: Path, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from gesso.models.flux_fill import lora as module

    shelf, read = module.Shelf(), []
    monkeypatch.setattr(module, "check_lora", lambda file: read.append(file.name) or {})
    file, copy = lora(tmp_path, weights(), "a.safetensors"), lora(tmp_path, weights(), "copy.safetensors")
    other = lora(tmp_path, weights(seed=9), "other.safetensors")
    for each in (file, copy, other, file):
        shelf.read(each, pipeline)
    assert read == ["a.safetensors", "other.safetensors"]
    for seed in range(10, 14):
        shelf.read(lora(tmp_path, weights(seed=seed), f"{seed}.safetensors"), pipeline)
    shelf.read(file, pipeline)
    assert read[-1] == "a.safetensors"


def test_strength_without_a_lora_is_told(engine: FluxFillEngine, tmp_path: Path) -> None:
    voice = Voice()
    draw(engine, tmp_path, None, voice, loraScale=0.7)
    assert voice.warnings == ["loraScale has no effect without a LoRA."]


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        (
            weights(inside=48),
            f"{UNFIT}: its tensor {QUERY}.lora_A.weight has the shape 4 x 48, and 4 x 32 is needed.",
        ),
        (
            weights(outside=3072),
            f"{UNFIT}: its tensor {QUERY}.lora_B.weight has the shape 3072 x 4, and 32 x 4 is needed.",
        ),
        (
            weights(QUERY.replace(".0.", ".7.")),
            f"{UNFIT}: there is no layer transformer_blocks.7.attn.to_q to change.",
        ),
        (weights("unet.mid"), "The LoRA 'style.safetensors' has a part that this model does not take: unet.mid.lora_A.weight."),
        (
            {f"{QUERY}.lora_A.weight": np.ones((4, 32), np.float32)},
            "The LoRA 'style.safetensors' has one half only of what it adds to the layer transformer_blocks.0.attn.to_q.",
        ),
        (
            weights() | {f"{QUERY}.lora_B.weight": np.full((32, 4), np.nan, np.float32)},
            f"The LoRA 'style.safetensors' holds numbers that are none, in {QUERY}.lora_B.weight: it is damaged, or its training failed.",
        ),
        (weights("text_encoder.layer"), "The LoRA 'style.safetensors' changes nothing of this model."),
        ({"lora_unet_nonsense.lora_down.weight": np.ones((4, 4), np.float32)}, "The LoRA 'style.safetensors' names no layers of FLUX.1"),
    ],
    ids=["in", "out", "no layer", "another model", "half", "nan", "encoder only", "kohya of nothing"],
)
def test_what_does_not_fit_is_refused_by_the_name_of_its_tensor(
    engine: FluxFillEngine, tmp_path: Path, tensors: dict[str, np.ndarray], sentence: str
) -> None:
    assert refusal(engine, tmp_path, lora(tmp_path, tensors)).startswith(sentence)


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (pickle.dumps({"a": 1}), "is a pickled file, and loading one would run the code in it: save it as .safetensors."),
        (b"PK\x03\x04 a zip as torch writes it", "is a pickled file"),
        (b"<!doctype html>", "is no safetensors file."),
        (b"", "is no safetensors file."),
        (with_header({}), "is empty."),
        (with_header({"a": ONE})[:-3], "is cut short: send the whole file."),
        (with_header({"a": ONE}, b"123"), "is cut short: send the whole file."),
        (with_header(b"{not json"), "is damaged: its header does not describe it."),
        (with_header({"a": [1]}, b"1234"), "is damaged"),
        (with_header({"a": {**ONE, "shape": [2]}}, b"1234"), "is damaged"),
        (with_header({"a": {**ONE, "shape": [-1]}}, b"1234"), "is damaged"),
        (with_header({"a": ONE, "b": ONE}, b"1234"), "is damaged"),
        (with_header({"a": {**ONE, "data_offsets": [4, 8]}}, b"12345678"), "is damaged"),
        (with_header({"a": {**ONE, "dtype": "I32"}}, b"1234"), "stores its tensor a as I32: 16 or 32 bits of floating point are taken."),
        (struct.pack("<Q", 2**40) + b"{", "is no safetensors file."),
    ],
)
def test_a_file_is_looked_at_before_anything_of_it_is_loaded(tmp_path: Path, data: bytes, sentence: str) -> None:
    from gesso.models.flux_fill.lora_file import check_lora

    with pytest.raises(InputError) as caught:
        check_lora(raw(tmp_path, data))
    assert sentence in str(caught.value)


def test_a_header_whose_length_looks_like_a_pickle_is_none(tmp_path: Path) -> None:
    from gesso.models.flux_fill.lora_file import check_lora

    header = json.dumps({"a": ONE}).encode().ljust(0x0280)
    assert with_header(header).startswith(b"\x80\x02")
    assert check_lora(raw(tmp_path, with_header(header, b"1234"))) == {}
