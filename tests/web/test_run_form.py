"""How the Run form asks for parameters, what it says a run costs, and what it shows of a readme."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from gesso.domain.errors import FileRefused, InputRefused, ParameterNotAllowed, Unavailable
from gesso.domain.file import Received
from gesso.domain.ledger import Statistics
from gesso.domain.model import Group
from gesso.domain.parameter import Kind, Option, Parameter
from gesso.domain.price import Price, PriceMethod, PriceRule
from gesso.models.echo.model import MODEL as ECHO
from gesso.models.flux_fill.model import MODEL as FLUX
from gesso.models.heal.model import MODEL as HEAL
from gesso.web.apps import APPS, app_named
from gesso.web.controls import desk_of, field_of
from gesso.web.forms import Form
from gesso.web.run import beginning, costs_words, takes_words
from gesso.web.run_form import CALLBACK, named, read, sentence


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


ORIGIN = "https://gesso.example"
NOTE = Received("k" * 30, "note.txt", "text/plain", 6, "0" * 64)
NOTHING = Received("n" * 30, "", "application/octet-stream", 0, "0" * 64)


def form(**fields: str | list[str]) -> Form:
    return Form({name: value if isinstance(value, list) else [value] for name, value in fields.items()})


def test_an_untouched_form_asks_for_the_defaults() -> None:
    sent = form(**{one.parameter.id: one.default for one in (*desk_of(ECHO).primary, *desk_of(ECHO).advanced)})
    asked = read(ECHO, sent, [("inputFile", NOTHING)], ORIGIN)
    assert not asked.problems
    assert not asked.files
    assert {**asked.values, "seed": None} == {**ECHO.check({}, {}), "seed": None}
    assert asked.values["seed"] != read(ECHO, sent, [], ORIGIN).values["seed"]


def test_a_box_that_is_not_ticked_is_off_even_where_it_is_on_by_default() -> None:
    box = Parameter("a", Kind.CHECKBOX, default=True)
    model = dataclasses.replace(ECHO, groups=(Group("all", (box,)),))
    assert read(model, form(), [], ORIGIN).values == {"a": False}
    assert read(model, form(a="true"), [], ORIGIN).values == {"a": True}
    assert read(model, form(a="False"), [], ORIGIN).values == {"a": False}


def test_files_come_as_they_are_or_by_their_address() -> None:
    own = f"/v1/File/{'a' * 30}/clouds.png"
    asked = read(ECHO, form(inputFileUrl=f"{ORIGIN}{own}"), [], ORIGIN)
    assert [(one.name, one.access_key) for one in asked.files["inputFile"]] == [("clouds.png", "a" * 30)]
    asked = read(ECHO, form(inputFileUrl="https://elsewhere.example/a/b.png?c"), [("inputFile", NOTHING)], ORIGIN)
    [given] = asked.files["inputFile"]
    assert (given.url, given.name.endswith(".png")) == ("https://elsewhere.example/a/b.png?c", True)
    asked = read(ECHO, form(), [("inputFile", NOTE)], ORIGIN)
    [given] = asked.files["inputFile"]
    assert (given.access_key, given.name.startswith("inputFile-"), given.name.endswith(".txt")) == (NOTE.access_key, True, True)


@pytest.mark.parametrize(
    "address", ["ftp://a.example/b", "javascript:alert(1)", "https://", "http://user:word@a.example/", "https://[", "/v1/File/x"]
)
def test_what_is_no_address_is_told_at_its_field_and_shown_again(address: str) -> None:
    asked = read(ECHO, form(inputFileUrl=address, callbackUrl=address), [], ORIGIN)
    assert asked.problems.keys() == {"inputFile", CALLBACK}
    assert (asked.typed["inputFile"], asked.typed[CALLBACK]) == (address, address)


def test_all_that_is_wrong_is_told_at_once() -> None:
    asked = read(
        FLUX, form(numInferenceSteps="a lot", guidanceScale="-5", **{CALLBACK: "x"}), [("inputImage", NOTE), ("inputImage", NOTE)], ORIGIN
    )
    assert asked.problems["inputImage"] == "One file or one address, not both."
    assert len(asked.problems) >= 3
    assert all(told.endswith(".") or "https://" in told for told in asked.problems.values())


def test_a_refusal_names_its_field_where_it_has_one() -> None:
    assert named(FileRefused("inputImage", "it is text/plain, and a picture is needed")) == "inputImage"
    assert sentence(FileRefused("inputImage", "it is text/plain, and a picture is needed")) == "It is text/plain, and a picture is needed."
    assert sentence(ParameterNotAllowed("method", "choose one of a, b")) == "Choose one of a, b."
    unavailable: InputRefused | Unavailable = Unavailable("the server is stopping")
    assert (named(unavailable), sentence(unavailable)) == ("", str(unavailable))


def test_values_and_problems_stand_at_their_controls() -> None:
    desk = desk_of(ECHO).filled({"text": "mine", "fail": "error"}, {"steps": "It must be between 1 and 10000."})
    fields = {field.parameter.id: field for field in (*desk.primary, *desk.advanced)}
    assert (fields["text"].value, fields["text"].default) == ("mine", "")
    assert fields["steps"].problem == "It must be between 1 and 10000."
    assert fields["outputs"].value == fields["outputs"].default
    assert desk.has_news
    assert not desk_of(ECHO).has_news


def test_an_app_shows_what_its_job_needs_and_keeps_the_rest() -> None:
    app = app_named("replace-object")
    assert app is not None
    whole, desk = desk_of(FLUX), desk_of(FLUX).for_job(app.controls)
    assert [field.parameter.id for field in desk.primary] == ["prompt"]
    assert {field.parameter.id for field in (*desk.primary, *desk.advanced)} == {
        field.parameter.id for field in (*whole.primary, *whole.advanced)
    }
    assert [one.slug for one in APPS if one.tool] == ["extend-picture"]
