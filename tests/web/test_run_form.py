"""How the Run form asks for parameters, what it says a run costs, and what it shows of a readme."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gesso.domain.ledger import Statistics
from gesso.domain.parameter import Kind, Option, Parameter
from gesso.domain.price import Price, PriceMethod, PriceRule
from gesso.models.echo.model import MODEL as ECHO
from gesso.models.flux_fill.model import MODEL as FLUX
from gesso.models.heal.model import MODEL as HEAL
from gesso.web.controls import desk_of, field_of
from gesso.web.run import beginning, costs_words, takes_words


@pytest.mark.parametrize(
    ("parameter", "control"),
    [
        (Parameter("a", Kind.TEXT), "text"),
        (Parameter("a", Kind.TEXTAREA), "textarea"),
        (Parameter("a", Kind.INTEGER, minimum=1, maximum=8), "stepper"),
        (Parameter("a", Kind.INTEGER, minimum=1, maximum=500), "slider"),
        (Parameter("a", Kind.INTEGER, minimum=1, maximum=10_000), "number"),
        (Parameter("a", Kind.INTEGER), "number"),
        (Parameter("a", Kind.NUMBER, minimum=0, maximum=1), "slider"),
        (Parameter("a", Kind.NUMBER, minimum=0, maximum=3600), "number"),
        (Parameter("a", Kind.NUMBER, minimum=2, maximum=2), "number"),
        (Parameter("a", Kind.SEED), "seed"),
        (Parameter("a", Kind.SELECT, options=(Option("png"), Option("webp"))), "segments"),
        (Parameter("a", Kind.SELECT, options=tuple(Option(str(n)) for n in range(5))), "select"),
        (Parameter("a", Kind.MULTISELECT, options=(Option("a"),)), "checks"),
        (Parameter("a", Kind.CHECKBOX), "switch"),
        (Parameter("a", Kind.FILE), "file"),
        (Parameter("a", Kind.FILES), "file"),
    ],
)
def test_each_kind_has_its_control(parameter: Parameter, control: str) -> None:
    assert field_of(parameter).control == control


def test_what_is_painted_is_not_asked_for_in_the_form() -> None:
    desk = desk_of(FLUX)
    assert desk.has_stage
    asked = {field.parameter.id for field in (*desk.primary, *desk.advanced)}
    painted = {"inputImage", "inputImageMask", "extendLeft", "extendTop", "extendRight", "extendBottom"}
    assert asked == set(FLUX.by_id) - painted
    assert desk.extension_most == 2048
    assert not desk_of(HEAL).extension
    assert not desk_of(ECHO).has_stage


def test_who_watches_gets_previews_and_the_size_of_the_picture() -> None:
    fields = {field.parameter.id: field for field in (*desk_of(FLUX).primary, *desk_of(FLUX).advanced)}
    assert fields["preview"].default == "true"
    assert (fields["width"].control, fields["width"].default) == ("size", "")


def test_costs_are_told_from_runs_or_from_the_price() -> None:
    nothing = Statistics()
    ran = Statistics(submitted=5, succeeded=4, billed_us=26_000_000, amount=Decimal("0.014"))
    assert costs_words(Price(), ran) == "Free"
    assert costs_words(Price(Decimal("0.000585")), nothing) == "0.000585 credits a second"
    assert costs_words(Price(Decimal("0.000585")), ran) == "About 0.0035 credits"
    rules = (PriceRule(Decimal("0.04"), PriceMethod.PER_OUTPUT), PriceRule(Decimal("0.02"), PriceMethod.PER_REQUEST))
    assert costs_words(Price(rules=rules), nothing) == "From 0.02 credits a run"
    assert takes_words(nothing) == ""
    assert takes_words(ran) == "About 6.5 s on this server"


def test_a_readme_begins_below_the_title_of_the_page_and_ends_before_a_heading() -> None:
    assert beginning("# Title\n\ntext") == "## Title\n\ntext"
    long = "x" * 1_000
    assert beginning(f"{long}\n\n## More\n\n{long}") == long
    assert beginning("") == ""
