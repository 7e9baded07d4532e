"""The declaration: light to import, and true to what the Engine does."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from gesso.domain.errors import FileMissing, ParameterOutOfRange
from gesso.domain.parameter import Role
from gesso.models.flux_fill.model import MODEL

FILES = {"inputImage": 1, "inputImageMask": 1}


def test_importing_the_declaration_brings_nothing_heavy() -> None:
    code = (
        "import sys, gesso.models.flux_fill.model; "
        "print(sorted({'torch', 'diffusers', 'transformers', 'numpy', 'PIL', 'cv2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_defaults_are_those_of_a_form_that_nobody_touched() -> None:
    untouched = {"prompt": "", "steps": 0, "scale": 0, "samples": 0, "seed": "", "width": 0, "height": 0, "crop": ""}
    assert MODEL.check(untouched, FILES) == MODEL.check({}, FILES) | {"scale": 0}
    assert MODEL.check({}, FILES) == {
        "prompt": "",
        "steps": 25,
        "scale": 30,
        "samples": 1,
        "speed": "exact",
        "seed": 2415100471,
        "width": 0,
        "height": 0,
        "preview": False,
        "loraScale": 1.0,
        "feather": 4,
        "grow": 0,
        "crop": "auto",
        "extendLeft": 0,
        "extendTop": 0,
        "extendRight": 0,
        "extendBottom": 0,
    }


def test_the_request_of_the_hosted_page_is_taken() -> None:
    sent = {"steps": "25", "scale": "3.5", "samples": "1", "seed": "2415100471", "width": "1024", "height": "1024", "prompt": "a cat"}
    checked = MODEL.check(sent | {"callbackUrl": ""}, FILES)
    assert (checked["steps"], checked["scale"], checked["width"], checked["seed"]) == (25, 3.5, 1024, 2415100471)


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 501), ("samples", 9), ("scale", 101), ("width", 2049), ("grow", 257), ("extendTop", -1)]
)
def test_what_is_out_of_bounds_is_refused(name: str, value: int) -> None:
    with pytest.raises(ParameterOutOfRange):
        MODEL.check({name: value}, FILES)


@pytest.mark.parametrize("name", ["inputImage", "inputImageMask"])
def test_both_files_are_required(name: str) -> None:
    with pytest.raises(FileMissing, match=name):
        MODEL.check({}, FILES | {name: 0})


def test_a_picture_editor_finds_the_picture_and_the_mask() -> None:
    assert {parameter.role: parameter.id for parameter in MODEL.parameters if parameter.role} == {
        Role.PICTURE: "inputImage",
        Role.MASK: "inputImageMask",
    }


def test_a_second_costs_its_price() -> None:
    assert MODEL.price.charge(1_000_000) == Decimal("0.000585")
