"""The declaration of shapes-fill, and whether it says honestly that it can run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from gesso.domain.errors import FileMissing, ParameterOutOfRange
from gesso.domain.parameter import Role
from gesso.models.registry import BUILT_IN
from gesso.models.shapes_fill.model import MODEL

FILES = {"inputImage": 1, "inputImageMask": 1}


def test_it_is_one_of_the_models() -> None:
    assert MODEL.name == "gesso/shapes-fill"
    assert MODEL in BUILT_IN


def test_importing_the_declaration_brings_nothing_heavy() -> None:
    code = (
        "import sys, gesso.models.shapes_fill.model; "
        "print(sorted({'torch', 'diffusers', 'transformers', 'numpy', 'PIL', 'cv2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_defaults_continue_the_background_and_a_red_circle_is_suggested() -> None:
    assert MODEL.check({}, FILES) == {
        "prompt": "",
        "steps": 20,
        "samples": 1,
        "seed": 2415100471,
        "preview": False,
        "feather": 2,
        "grow": 0,
    }
    assert MODEL.by_id["prompt"].placeholder == "a red circle"


@pytest.mark.parametrize("prompt", [None, "", "  \n"])
def test_an_empty_prompt_is_no_other_prompt(prompt: str | None) -> None:
    assert MODEL.check({"prompt": prompt}, FILES)["prompt"] == ""


def test_what_is_sent_to_flux_fill_is_taken() -> None:
    sent = {"steps": "25", "scale": "30", "samples": "2", "seed": "1", "width": "1024", "height": "1024", "prompt": "a blue star"}
    checked = MODEL.check(sent, FILES)
    assert (checked["steps"], checked["samples"], checked["seed"], checked["prompt"]) == (25, 2, 1, "a blue star")


@pytest.mark.parametrize(("name", "value"), [("steps", 501), ("samples", 9), ("grow", 257), ("feather", -1)])
def test_what_is_out_of_bounds_is_refused(name: str, value: int) -> None:
    with pytest.raises(ParameterOutOfRange):
        MODEL.check({name: value}, FILES)


@pytest.mark.parametrize("name", ["inputImage", "inputImageMask"])
def test_both_files_are_required(name: str) -> None:
    with pytest.raises(FileMissing, match=name):
        MODEL.check({}, FILES | {name: 0})


def test_a_picture_editor_finds_the_picture_and_the_mask() -> None:
    roles = {parameter.role: parameter.id for parameter in MODEL.parameters if parameter.role}
    assert roles == {Role.PICTURE: "inputImage", Role.MASK: "inputImageMask"}


def test_it_is_ready_where_torch_and_diffusers_are() -> None:
    has_all = all(importlib.util.find_spec(package) for package in ("torch", "diffusers", "transformers"))
    readiness = MODEL.readiness(Path("there-is-no-such-folder"))
    assert readiness.is_ready == has_all
    if not has_all:
        assert readiness.reason.endswith("Run `pip install 'gesso[flux]'`.")


def test_without_torch_it_says_what_to_install() -> None:
    # A Python of its own that finds no packages but the standard library's and ours.
    code = (
        "import sys; from pathlib import Path; "
        f"sys.path = [each for each in sys.path if 'site-packages' not in each] + [{str(Path(MODEL_SOURCE))!r}]; "
        "from gesso.models.shapes_fill.weights import readiness; print(readiness(Path()).reason)"
    )
    said = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "Missing: torch, diffusers, transformers. Run `pip install 'gesso[flux]'`.\n"


MODEL_SOURCE = Path(__file__).parents[3] / "src"
