"""Each way in which a value is read, and each sentence with which one is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.errors import FileMissing, InputRefused, ParameterMissing, ParameterNotNumber, ParameterOutOfRange
from gesso.domain.parameter import Kind, Option, Parameter
from gesso.testing import make_model

COLOURS = (Option("red", "Red"), Option("blue", "Blue"))
LEAST, MOST = "-1.7976931348623157e+308", "1.7976931348623157e+308"
WIDTH = Parameter("width", Kind.INTEGER, minimum=64, maximum=2048, default=512)

READ: list[tuple[Parameter, Any, Any]] = [
    (Parameter("a", Kind.TEXT), "words", "words"),
    (Parameter("a", Kind.TEXT), 5, "5"),
    (Parameter("a", Kind.TEXT, default="x"), None, "x"),
    (Parameter("a", Kind.TEXT, default="x"), "  ", "x"),
    (Parameter("a", Kind.TEXTAREA, default="x"), [], "x"),
    (Parameter("a", Kind.NUMBER), "2.5", 2.5),
    (Parameter("a", Kind.NUMBER), 3, 3.0),
    (Parameter("a", Kind.NUMBER, default=1.0), "", 1.0),
    (Parameter("a", Kind.NUMBER, minimum=0, default=1.0), 0, 0.0),
    (Parameter("a", Kind.NUMBER), "1e-400", 0.0),
    (Parameter("a", Kind.NUMBER), "1" * 65, float("1" * 65)),
    (Parameter("a", Kind.INTEGER), "-0", 0),
    (WIDTH, "640", 640),
    (WIDTH, 640.0, 640),
    (WIDTH, "640.0", 640),
    (WIDTH, 0, 512),
    (WIDTH, "0", 512),
    (WIDTH, " 0.0 ", 512),
    (WIDTH, "", 512),
    (Parameter("a", Kind.INTEGER), 2**53 + 1, 2**53 + 1),
    (Parameter("a", Kind.INTEGER), str(2**53 + 1), 2**53 + 1),
    (Parameter("a", Kind.INTEGER), -(2**63), -(2**63)),
    (Parameter("a", Kind.SEED), str(2**64 - 1), 2**64 - 1),
    (Parameter("a", Kind.SEED), 7, 7),
    (Parameter("a", Kind.SEED), 7.0, 7),
    (Parameter("a", Kind.SEED), " +7 ", 7),
    (Parameter("a", Kind.SEED), "7.0", 7),
    (Parameter("a", Kind.SEED), "1e3", 1000),
    (Parameter("a", Kind.SEED), -0.0, 0),
    (Parameter("a", Kind.SEED), "-0", 0),
    (Parameter("a", Kind.SEED, default=0), "", 0),
    (Parameter("a", Kind.CHECKBOX), "on", True),
    (Parameter("a", Kind.CHECKBOX), "TRUE", True),
    (Parameter("a", Kind.CHECKBOX), 1, True),
    (Parameter("a", Kind.CHECKBOX), "no", False),
    (Parameter("a", Kind.CHECKBOX), 0, False),
    (Parameter("a", Kind.CHECKBOX, default=True), None, True),
    (Parameter("a", Kind.SELECT, options=COLOURS), "red", "red"),
    (Parameter("a", Kind.MULTISELECT, options=COLOURS), "red, blue", ["red", "blue"]),
    (Parameter("a", Kind.MULTISELECT, options=COLOURS), ["blue"], ["blue"]),
]

REFUSED: list[tuple[Parameter, Any, str]] = [
    (Parameter("a", Kind.TEXT, required=True), None, "The parameter a is required."),
    (Parameter("a", Kind.TEXT, required=True), "", "The parameter a is required."),
    (Parameter("a", Kind.TEXT), True, "The parameter a cannot be used as sent: a text was expected."),
    (Parameter("a", Kind.TEXT), {"b": 1}, "The parameter a cannot be used as sent: a text was expected."),
    (Parameter("a", Kind.TEXT), ["b"], "The parameter a cannot be used as sent: a text was expected."),
    (Parameter("a", Kind.TEXT), "b\x00", "The parameter a cannot be used as sent: it contains a NUL character."),
    (Parameter("a", Kind.TEXT, max_length=3), "four", "The parameter a cannot be used as sent: it has 4 characters, and 3 are the most."),
    (Parameter("a", Kind.NUMBER), "many", "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), True, "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), "1_000", "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), "nan", "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), "inf", "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), "-Infinity", "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), float("nan"), "The parameter a must be a number."),
    (Parameter("a", Kind.NUMBER), 10**400, f"The parameter a must be between {LEAST} and {MOST}."),
    (Parameter("a", Kind.NUMBER), "-1e400", f"The parameter a must be between {LEAST} and {MOST}."),
    (Parameter("a", Kind.NUMBER, minimum=0, maximum=3600), "1e400", "The parameter a must be between 0 and 3600."),
    (Parameter("a", Kind.NUMBER, minimum=0, maximum=3600), "1" * 400, "The parameter a must be between 0 and 3600."),
    (Parameter("a", Kind.NUMBER), [1], "The parameter a must be a number."),
    (WIDTH, 10**400, "The parameter width must be between 64 and 2048."),
    (WIDTH, "1" * 40, "The parameter width must be between 64 and 2048."),
    (WIDTH, "NaN", "The parameter width must be a number."),
    (
        Parameter("a", Kind.INTEGER, minimum=1),
        "1e400",
        "The parameter a must be between 1 and 9223372036854775807.",
    ),
    (WIDTH, 63, "The parameter width must be between 64 and 2048."),
    (WIDTH, 2049, "The parameter width must be between 64 and 2048."),
    (WIDTH, 64.5, "The parameter width cannot be used as sent: a whole number was expected."),
    (Parameter("a", Kind.NUMBER, minimum=0.5), 0.25, "The parameter a must be between 0.5 and ∞."),
    (Parameter("a", Kind.NUMBER, maximum=0), 1, "The parameter a must be between -∞ and 0."),
    (
        Parameter("a", Kind.INTEGER, required=True, minimum=1),
        0,
        "The parameter a must be between 1 and ∞.",
    ),
    (
        Parameter("a", Kind.INTEGER),
        str(2**63),
        "The parameter a must be between -9223372036854775808 and 9223372036854775807.",
    ),
    (Parameter("a", Kind.SEED), -1, "The parameter a must be between 0 and 18446744073709551615."),
    (Parameter("a", Kind.SEED), float("1" * 40), "The parameter a must be between 0 and 18446744073709551615."),
    (Parameter("a", Kind.SEED), "1" * 40, "The parameter a must be between 0 and 18446744073709551615."),
    (Parameter("a", Kind.SEED), "9" * 10_000, "The parameter a must be between 0 and 18446744073709551615."),
    (Parameter("a", Kind.SEED), "1e999999999", "The parameter a must be between 0 and 18446744073709551615."),
    (Parameter("a", Kind.SEED), "Infinity", "The parameter a must be a number."),
    (Parameter("a", Kind.SEED), "NaN", "The parameter a must be a number."),
    (Parameter("a", Kind.SEED), 1.5, "The parameter a cannot be used as sent: a whole number was expected."),
    (Parameter("a", Kind.SEED), "1e-999999999", "The parameter a cannot be used as sent: a whole number was expected."),
    (Parameter("a", Kind.SEED), True, "The parameter a must be a number."),
    (Parameter("a", Kind.SEED), "٣", "The parameter a must be a number."),
    (Parameter("a", Kind.SEED), 2**64, "The parameter a must be between 0 and 18446744073709551615."),
    (Parameter("a", Kind.CHECKBOX), "maybe", "The parameter a cannot be used as sent: true or false was expected."),
    (Parameter("a", Kind.SELECT, options=COLOURS), "green", "The parameter a cannot be used as sent: choose one of red, blue."),
    (Parameter("a", Kind.MULTISELECT, options=COLOURS), "red,green", "The parameter a cannot be used as sent: choose one of red, blue."),
]


@pytest.mark.parametrize(("parameter", "sent", "read"), READ)
def test_a_value_is_read_in_its_own_type(parameter: Parameter, sent: Any, read: Any) -> None:
    value = parameter.coerce(sent)
    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(("parameter", "sent", "sentence"), REFUSED)
def test_a_value_that_cannot_be_used_is_refused_with_a_sentence(parameter: Parameter, sent: Any, sentence: str) -> None:
    with pytest.raises(InputRefused) as refused:
        parameter.coerce(sent)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("sent", [-0.0, "-0", "-0.0"])
def test_a_zero_has_no_sign(sent: Any) -> None:
    assert str(Parameter("a", Kind.NUMBER).coerce(sent)) == "0.0"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([kind for kind in Kind if not kind.is_file]), JSON)
def test_whatever_is_sent_is_read_or_refused_and_stays_as_read(kind: Kind, sent: Any) -> None:
    parameter = Parameter("a", kind, options=COLOURS)
    try:
        value = parameter.coerce(sent)
    except InputRefused:
        return
    assert parameter.coerce(value) == value


def test_a_model_checks_in_the_order_declared_and_fills_in_defaults() -> None:
    model = make_model(parameters=(Parameter("text", Kind.TEXT, required=True), WIDTH, Parameter("picture", Kind.FILE, required=True)))
    assert model.check({"text": "a", "unknown": 1}, {"picture": 1}) == {"text": "a", "width": 512}
    with pytest.raises(ParameterMissing):
        model.check({"width": "x"}, {})
    with pytest.raises(ParameterNotNumber):
        model.check({"text": "a", "width": "x"}, {})
    with pytest.raises(ParameterOutOfRange):
        model.check({"text": "a", "width": 1}, {})
    with pytest.raises(FileMissing):
        model.check({"text": "a"}, {"picture": 0})
