"""The same seed, the same picture, in every Worker and Task: no race of kernels and no compiler changes how exact Tasks are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flux_builders import Voice, box_mask, noise
from PIL import Image

pytestmark = pytest.mark.flux

PICTURE = Image.fromarray(noise(96, 64))
MASK = Image.fromarray(box_mask(96, 64, 20, 10, 70, 50).astype(np.uint8) * 255)
OTHER = "_native_math"


@pytest.fixture(autouse=True)
def usual_attention(pipeline: Any) -> Iterator[None]:
    """The choice is one for the process."""
    yield
    pipeline.transformer.set_attention_backend("native")


def chosen(pipeline: Any, kept: Path, *candidates: str) -> tuple[str, str]:
    from gesso.models.flux_fill.attention import set_attention

    return set_attention(pipeline.transformer, "cpu", "auto", kept, candidates)


def write_choice(kept: Path, name: str) -> None:
    (file,) = kept.glob(".attention-*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"chosen": name}))


def test_what_won_once_is_taken_by_every_later_worker(pipeline: Any, tmp_path: Path) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    first, measured = chosen(pipeline, tmp_path, OTHER)
    assert measured.startswith(f"Attention by {first} (native ")
    (file,) = tmp_path.glob(".attention-*.json")
    kept = json.loads(file.read_text())
    assert (kept["chosen"], kept["device"], kept["heads"]) == (first, "cpu", "2 x 16")
    for name in (OTHER, "native", OTHER):
        write_choice(tmp_path, name)
        assert chosen(pipeline, tmp_path, OTHER) == (name, f"Attention by {name}, as chosen before.")
        if name != "native":
            assert _AttentionBackendRegistry.get_active_backend()[0] == name


def test_other_versions_or_another_shape_choose_for_themselves(pipeline: Any, tmp_path: Path) -> None:
    chosen(pipeline, tmp_path, OTHER)
    pipeline.transformer.register_to_config(num_attention_heads=4)
    chosen(pipeline, tmp_path, OTHER)
    assert len(list(tmp_path.glob(".attention-*.json"))) == 2


def test_of_two_workers_that_choose_at_once_one_gives_way(pipeline: Any, tmp_path: Path) -> None:
    from gesso.models.flux_fill.attention import _Choice

    one, other = _Choice(tmp_path, pipeline.transformer, "cpu"), _Choice(tmp_path, pipeline.transformer, "cpu")
    assert one.read() == other.read() == ""
    assert one.keep(OTHER) == OTHER
    assert other.keep("native") == OTHER
    assert len(list(tmp_path.iterdir())) == 1


def test_where_nothing_can_be_kept_nothing_is_chosen(pipeline: Any, tmp_path: Path) -> None:
    name, sentence = chosen(pipeline, tmp_path / "absent", OTHER)
    assert name == "native"
    assert sentence == "Attention by native: a choice of another one cannot be kept beside the weights, and each worker would choose anew."


def test_what_was_chosen_and_does_not_run_now_gives_way_for_now(pipeline: Any, tmp_path: Path) -> None:
    chosen(pipeline, tmp_path, OTHER)
    write_choice(tmp_path, "flash")
    name, sentence = chosen(pipeline, tmp_path, OTHER)
    assert name == "native"
    assert sentence.startswith("Attention by native: flash, which was chosen here before, does not run now (RuntimeError: ")


class Tasks:
    """Tasks of one Worker whose compiler is replaced by one that only looks; of each, whether it ran what was compiled."""

    def __init__(self, pipeline: Any, wanted: str) -> None:
        import torch

        from gesso.models.flux_fill.compiling import Compiler
        from gesso.models.flux_fill.memory import Placement, Plan, Precision
        from gesso.models.flux_fill.pipeline import Filler

        self.graphs = 0
        self._calls = 0

        def backend(graph: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
            self.graphs += 1

            def forward(*arguments: Any) -> Any:
                self._calls += 1
                return graph.forward(*arguments)

            return forward

        torch._dynamo.reset()
        # "cuda:0" by name only: what is not asked of it needs none.
        self._compiler = Compiler(wanted, "cuda:0", backend)
        self._filler = Filler(pipeline, {"turbo_threshold": 1.0})
        self._plan = Plan(Precision.FLOAT32, Placement.WHOLE, 0, 0)
        self.logs: list[int] = []

    def run(self, speed: str, picture: Image.Image = PICTURE, mask: Image.Image = MASK) -> tuple[bool, np.ndarray]:
        from gesso.models.flux_fill.pipeline import Order
        from gesso.models.flux_fill.speed import Speed

        voice, order, before = Voice(), Order("a boat", 4, 30.0, 5, 1, speed=Speed(speed)), self._calls
        self._compiler.task_begins(self._filler, self._plan, order.speed, voice)
        self.logs.append(len(voice.logs))
        (drawn,) = self._filler.fill(picture, mask, order, voice)
        assert self._compiler.is_compiled == (self._calls > before)
        return self._calls > before, drawn


def test_exact_tasks_never_run_what_a_worker_compiles_late(pipeline: Any) -> None:
    tasks, pictures = Tasks(pipeline, "auto"), {}
    for number, speed in enumerate(["exact", "turbo", "exact", "turbo", "exact", "turbo", "exact", "turbo", "exact"], 1):
        was_compiled, drawn = tasks.run(speed)
        assert was_compiled == (number >= 5 and speed == "turbo")
        first = pictures.setdefault(speed, drawn)
        assert np.array_equal(first, drawn) if speed == "exact" else np.abs(first - drawn).max() < 1e-5
    assert tasks.logs == [0, 0, 0, 0, 0, 1, 0, 0, 0]


def test_where_it_is_asked_for_every_task_runs_compiled_from_the_first_one(pipeline: Any) -> None:
    tasks, pictures = Tasks(pipeline, "on"), {}
    for speed in ["exact", "turbo", "exact", "turbo"]:
        was_compiled, drawn = tasks.run(speed)
        assert was_compiled
        assert np.array_equal(pictures.setdefault(speed, drawn), drawn)
    assert tasks.logs == [1, 0, 0, 0]
    kinds = tasks.graphs
    assert kinds >= 2
    tasks.run("exact", Image.fromarray(noise(128, 96)), Image.fromarray(box_mask(128, 96, 20, 10, 70, 50).astype(np.uint8) * 255))
    assert tasks.graphs == kinds


def test_another_transformer_is_compiled_anew(pipeline: Any, tiny_folder: Path) -> None:
    from gesso.models.flux_fill.loading import load
    from gesso.models.flux_fill.pipeline import Filler

    tasks = Tasks(pipeline, "on")
    tasks.run("exact")
    tasks._compiler.forget()
    tasks._filler = Filler(load(tiny_folder, "cpu", tasks._plan))
    assert tasks.run("exact")[0]
    assert tasks.logs == [1, 1]
