"""Documents that are behind the code are found here: every setting, command, option, error, model and word, and every link."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from gesso.api.wiro.errors import ROWS
from gesso.cli.app import app
from gesso.config import ClientSettings, Settings
from gesso.domain import errors
from gesso.domain.errors import GessoError, leaves
from gesso.domain.event import Event
from gesso.domain.model import Model
from gesso.domain.task import TaskState
from gesso.models.registry import BUILT_IN

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
WORDS = (
    *("Model", "Parameter", "Engine", "Task", "Attempt", "Event", "Output", "Project", "Key", "File", "Folder", "Price", "Charge"),
    *("Worker", "Device", "Executor", "Scheduler", "Placement", "Dialect", "Subscriber", "Webhook"),
)
VERBS = ("submit", "place", "run", "cancel", "kill", "settle", "deliver")


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_settings_are_written_from_the_code() -> None:
    written = runpy.run_path(str(DOCS / "write_settings.py"))["render"]()
    assert read("docs/settings.md") == written, "run python docs/write_settings.py"


@pytest.mark.parametrize("name", [*Settings.model_fields, *ClientSettings.model_fields])
def test_every_setting_has_a_sentence(name: str) -> None:
    field = {**Settings.model_fields, **ClientSettings.model_fields}[name]
    assert field.description
    assert field.description.endswith(".")


def test_trusted_proxies_is_said_of_the_one_header_that_it_governs() -> None:
    """Which headers count from whom is proved by auth.proxy and by the origins of file URLs."""
    governed, _, believed = (Settings.model_fields["trusted_proxies"].description or "").partition(". ")
    assert re.findall(r"X-Forwarded-[\w*]+", governed) == ["X-Forwarded-For"]
    assert re.findall(r"X-Forwarded-[\w*]+", believed) == ["X-Forwarded-Host", "X-Forwarded-Proto"]
    assert "from anybody" in believed


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words."""
    waiting: list[tuple[str, Any]] = [("gesso", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        children = getattr(command, "commands", {})
        waiting += [(f"{name} {word}", child) for word, child in children.items()]
        if name != "gesso" and (not children or command.invoke_without_command):
            yield name, command


def section(name: str) -> str:
    """What docs/commands.md says of a command."""
    return next((part for part in re.split(r"^## ", read("docs/commands.md"), flags=re.M) if part.startswith(f"{name}\n")), "")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=lambda each: each if isinstance(each, str) else "")
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    said = section(name)
    assert said, f"docs/commands.md has no section {name}"
    assert f"`{name}" in read("README.md")
    options = [word for parameter in command.params for word in parameter.opts if word.startswith("-") and word != "--help"]
    missing = [word for word in options if f"`{word}" not in said]
    assert not missing, missing
    told = set(re.findall(r"^\| `(--[a-z-]+)", said, flags=re.M))
    assert told <= set(options), f"{told - set(options)}: no option of {name}"


@pytest.mark.parametrize("slug", sorted({leaf.slug for leaf in leaves()}))
def test_every_error_is_documented_with_what_it_is_on_the_wire(slug: str) -> None:
    row = re.search(rf"^\| `{slug}` \| (.*?) \|", read("docs/errors.md"), flags=re.M)
    assert row, f"docs/errors.md has no row for {slug}"
    wire = ROWS[slug]
    # A file is fetched with GET, where its absence is a status and not a body.
    status = 404 if slug == "file-unknown" else wire.status
    assert row[1].startswith("not on the wire" if wire.status == 500 else f"{status}, {wire.code}")


def test_no_error_is_documented_that_is_not_there() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)`", read("docs/errors.md"), flags=re.M))
    assert told == {leaf.slug for leaf in leaves()}


def drawn(root: type[GessoError], before: str = "") -> Iterator[str]:
    """The lines of a tree of classes, without what is said of each."""
    children = root.__subclasses__()
    for child in children:
        is_last = child is children[-1]
        yield f"{before}{'└' if is_last else '├'}── {child.__name__}"
        yield from drawn(child, f"{before}{' ' if is_last else '│'}   ")


def test_the_tree_of_errors_is_drawn_as_the_classes_are() -> None:
    told = re.findall(r"^([│ ]*[├└]── \w+)  +\w", errors.__doc__ or "", flags=re.M)
    assert told == list(drawn(GessoError))


@pytest.mark.parametrize("page", ["README.md", "docs/models.md"])
def test_every_model_is_documented(page: str) -> None:
    missing = [model.name for model in BUILT_IN if f"| `{model.name}` |" not in read(page)]
    assert not missing, missing


@pytest.mark.parametrize("model", [model for model in BUILT_IN if model.options], ids=lambda model: model.slug)
def test_every_option_of_an_engine_is_documented_with_its_values(model: Model) -> None:
    for option in model.options:
        row = re.search(rf"^\| `{option.id}` \| (.*?) \|", read("docs/models.md"), flags=re.M)
        assert row, option.id
        values = [choice.value for choice in option.options] or [f"{option.default:g}"]
        assert not [value for value in values if value not in re.split(r"[ ,]+", row[1])]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_has_one_meaning(word: str) -> None:
    assert len(re.findall(rf"^\| \*\*{word}\*\* \|", read("docs/GLOSSARY.md"), flags=re.M)) == 1


def test_every_verb_and_state_is_told() -> None:
    glossary, architecture = read("docs/GLOSSARY.md"), read("docs/ARCHITECTURE.md")
    assert not [verb for verb in VERBS if f"**{verb}**" not in glossary]
    assert not [state for state in TaskState if state is not TaskState.NEW and state.value not in architecture]


def test_the_architecture_names_modules_and_events_that_exist() -> None:
    text = read("docs/ARCHITECTURE.md")
    named = set(re.findall(r"\b((?:api|services|store|scheduling|execution|models|delivery|domain)/[a-z_/]+\.py)", text))
    assert len(named) > 12
    assert not [name for name in named if not (ROOT / "src" / "gesso" / name).is_file()]
    events = {kind.__name__ for kind in Event.__args__}
    assert {"Queued", "Accepted", "Assigned", "Started", "Ended", "PostprocessStarted", "Succeeded"} <= events
    assert not [name for name in re.findall(r"\b(?:Post|Pre)[a-z]+(?:Started|Ended)\b", text) if name not in events]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert not broken, broken


def test_decisions_are_numbered_once_and_decide() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == sorted(set(numbers))
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {page.name[:4]}: ")
        assert "## The decision" in text


def test_pictures_are_small() -> None:
    assert not [path.name for path in (DOCS / "pictures").iterdir() if path.stat().st_size > 200_000]
