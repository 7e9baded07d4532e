"""Addresses of task lists, rows under their days, and what a panel tells: without a server."""

from __future__ import annotations

import shlex
from decimal import Decimal
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.event import Ended, FileInput
from gesso.domain.project import AuthMethod
from gesso.domain.task import Task, TaskState, apply
from gesso.services.waiting import Place
from gesso.testing import make_model, make_project, make_task
from gesso.testing.builders import steps_to
from gesso.web import task_query
from gesso.web.task_curl import curl
from gesso.web.task_panel import lines, spans
from gesso.web.task_rows import Row, Rows, days, title, zone

_DAY_US = 86_400_000_000
_NOON_US = 1_800_000_000 * 1_000_000 // _DAY_US * _DAY_US + _DAY_US // 2
_WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


class NoModels:
    def named(self, name: str) -> None:
        return None


ROWS = Rows(NoModels())  # type: ignore[arg-type]


def row(at: int, number: int = 1, state: TaskState = TaskState.SUCCEEDED, **fields: object) -> Row:
    return ROWS.row(make_task(state, at, id=number, **fields), _NOON_US, {}, {})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "tab": st.sampled_from(["running", "models", "trains", "elsewhere"]),
            "status": st.sampled_from(["done", "failed", "cancelled", "odd"]),
            "model": _WORDS,
            "since": st.sampled_from(["7", "30", "8", "x", "-1"]),
            "q": _WORDS,
            "project": _WORDS,
            "task": st.sampled_from(["12", "", "1e5", "9" * 40]),
        },
    )
)
def test_an_address_means_again_what_it_was_made_of(given: dict[str, str]) -> None:
    query = task_query.read(given)
    address = query.at(query.task)
    assert task_query.read(dict(_pairs(address))) == query


def _pairs(address: str) -> list[tuple[str, str]]:
    return parse_qsl(address.partition("?")[2], keep_blank_values=True)


def test_rows_stand_under_the_days_of_the_readers_clock() -> None:
    rows = [row(_NOON_US - hours * 3_600_000_000, number) for number, hours in enumerate((1, 11, 13, 40, 24 * 400), 1)]
    titles = [(day.title, len(day.rows), day.is_whole) for day in days(rows, _NOON_US, 0, False)]
    assert titles[0] == ("Today", 2, True)
    assert titles[1][0] == "Yesterday"
    assert titles[-1][2] is False
    assert titles[-1][0][-4:].isdigit(), "another year is named"
    # Two hours further east the evening is the next day already.
    assert [len(day.rows) for day in days(rows[:3], _NOON_US, 120, True)] == [3]


@pytest.mark.parametrize(("cookie", "minutes"), [("", 0), ("60", 60), ("-480", -480), ("9999", 0), ("1e3", 0), ("--5", 0), ("٣", 0)])
def test_only_clocks_that_can_be_are_believed(cookie: str, minutes: int) -> None:
    assert zone(cookie) == minutes


def test_a_row_says_how_its_task_stands() -> None:
    waiting = make_task(TaskState.QUEUED, _NOON_US - 5_000_000)
    told = ROWS.row(waiting, _NOON_US, {waiting.id: Place(2, 9.0)}, {})
    assert (told.word, told.note, told.kind, told.took_us, told.cost) == ("Waiting, 2nd", "starts in about 9 s", "waiting", 5_000_000, None)
    assert ROWS.row(waiting, _NOON_US, {waiting.id: Place(1, None)}, {}).word == "Waiting, next"
    assert row(_NOON_US, state=TaskState.CANCELLED).note == "before it ran"
    assert row(_NOON_US, state=TaskState.FAILED).note == "It failed."
    assert row(_NOON_US).cost == Decimal(0)


def test_a_row_is_called_by_its_prompt() -> None:
    assert title(make_task(values={"text": "  a  mug \n on a table "}), make_model()) == "a mug on a table"
    assert title(make_task(values={"prompt": "x" * 500}), None).endswith("…")
    assert title(make_task(values={}), make_model()) == "Thing"


def timed(*seconds: float) -> Task:
    """A Task that took these seconds for each of its steps."""
    task, at = make_task(), _NOON_US
    for event, took in zip(steps_to(TaskState.SUCCEEDED), (0, *seconds), strict=True):
        at += round(took * 1_000_000)
        task = apply(task, Ended(0, (), 1, Decimal(0), "", "") if isinstance(event, Ended) else event, at)
    return task


def test_the_time_is_split_without_gaps() -> None:
    split = spans(timed(1, 0.5, 2, 0.25, 0.25, 6, 0.5, 0.5))
    assert [(span.kind, span.took_us / 1e6) for span in split] == [("queue", 2.0), ("read", 2.0), ("run", 6.0), ("save", 1.0)]
    assert sum(span.width for span in split) == pytest.approx(1_000, abs=20)
    assert spans(make_task(TaskState.CANCELLED)) == ()
    assert spans(make_task(TaskState.RUNNING)) == ()


@given(st.lists(st.floats(0, 1e5), min_size=8, max_size=8))
def test_every_part_of_the_time_is_seen_within_the_bar(seconds: list[float]) -> None:
    task = timed(*seconds)
    split = spans(task)
    assert sum(span.took_us for span in split) == task.postprocess_ended_at - task.created_at
    assert all(span.width > 0 and 0 <= span.x < 1_000 for span in split)


def test_parameters_are_told_without_those_that_were_not_given() -> None:
    task = make_task(values={"text": "hello", "left": None}, files={"picture": (FileInput("a b.png", "k" * 30, content_type="image/png"),)})
    told = lines(task, make_model())
    assert [(line.label, line.text) for line in told] == [("text", "hello"), ("picture", "a b.png")]
    assert told[1].files[0].url == f"/v1/File/{'k' * 30}/a%20b.png"


@given(_WORDS.filter(lambda text: "\0" not in text))
def test_a_command_for_the_terminal_says_what_was_asked_and_no_more(prompt: str) -> None:
    files = {"picture": (FileInput("a.png", "k" * 30, content_type="image/png"),)}
    text = curl(make_task(values={"text": prompt}, files=files), make_model(), make_project(), "http://localhost:8700")
    command = shlex.split(text.partition("\n")[2].replace("\\\n", ""))
    body = orjson.loads(command[command.index("-d") + 1])
    assert body == {"picture": f"http://localhost:8700/v1/File/{'k' * 30}/a.png"} | ({"text": prompt} if prompt else {})
    assert "YOUR_API_KEY" in text
    assert curl(make_task(), None, make_project(), "") == ""


def test_a_project_that_signs_gets_a_command_that_signs() -> None:
    text = curl(make_task(), make_model(), make_project(auth_method=AuthMethod.SIGNATURE), "http://localhost:8700")
    assert 'x-signature: $SIGNATURE"' in text
    assert "openssl dgst -sha256" in text
