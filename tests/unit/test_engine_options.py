"""What an operator fixes for an Engine in the settings: found by the Model's name, checked, refused where it fits nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gesso.config import load_settings
from gesso.domain.parameter import Kind, Option, Parameter
from gesso.models.registry import ModelBroken, options
from gesso.testing.builders import make_model

PLAIN = make_model("lab/plain")
TUNED = replace(
    make_model("lab/Tuned.1"),
    options=(
        Parameter("precision", Kind.SELECT, default="auto", options=(Option("auto"), Option("int8"))),
        Parameter("threshold", Kind.NUMBER, default=0.1, minimum=0, maximum=1),
    ),
)


@pytest.mark.parametrize("name", ["lab/Tuned.1", "LAB/tuned.1", "lab/tuned-1"])
def test_given_options_are_checked_and_the_others_have_their_defaults(name: str) -> None:
    found = options((PLAIN, TUNED), {name: {"precision": "int8"}})
    assert found == {"lab/plain": {}, "lab/Tuned.1": {"precision": "int8", "threshold": 0.1}}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"lab/other": {}}, "The setting engines names lab/other, and there is no such model here."),
        ({"lab/plain": {"speed": 1}}, "The setting engines gives lab/plain an option speed. It has: none."),
        ({"lab/Tuned.1": {"speed": 1}}, "The setting engines gives lab/Tuned.1 an option speed. It has: precision, threshold."),
        ({"lab/Tuned.1": {"precision": "int3"}}, "for lab/Tuned.1: The parameter precision cannot be used as sent"),
        ({"lab/Tuned.1": {"threshold": 2}}, "The parameter threshold must be between 0 and 1."),
    ],
)
def test_what_fits_nothing_is_refused_by_name(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ModelBroken) as refusal:
        options((PLAIN, TUNED), given)
    assert sentence in str(refusal.value)


def test_they_are_a_table_of_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "gesso.toml").write_text('[engines."lab/Tuned.1"]\nprecision = "int8"\n')
    assert load_settings(data=tmp_path).engines == {"lab/Tuned.1": {"precision": "int8"}}
