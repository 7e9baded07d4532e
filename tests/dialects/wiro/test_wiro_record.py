"""Tasks as records, in every state."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requirements import proves
from wiro_builders import CATALOG, LIFE, MODEL, OUTPUT, PROJECT, after, new_task

from gesso.api.wiro.encode import STATUS, Encoder, Viewer, debug_error
from gesso.domain.event import Accepted, Cancelled, Ended, Failed, FileInput, Queued, Requeued
from gesso.domain.price import FREE, Price
from gesso.domain.task import Task, TaskState

GOLDEN = Path(__file__).parent / "golden"
VIEWER = Viewer("https://gesso.example/v1", PROJECT.uuid)
ENCODER = Encoder(CATALOG)
TIMES = (
    "createtime",
    "accepttime",
    "preprocessstarttime",
    "preprocessendtime",
    "assigntime",
    "starttime",
    "endtime",
    "postprocessstarttime",
    "postprocessendtime",
    "canceltime",
)
TEXTS = (
    "id",
    "uuid",
    "name",
    "socketaccesstoken",
    "debugoutput",
    "debugerror",
    "elapsedseconds",
    "status",
    "cps",
    "totalcost",
    "projectid",
    "modelid",
    "description",
    "basemodelid",
    "runtype",
    "modelfolderid",
    "modelfileid",
    "callbackurl",
    "pexit",
    "categories",
    "size",
    "modeldescription",
    "modelslugowner",
    "modelslugproject",
    "estimatedvram",
    "realvram",
    "slugapp",
    "dynamicprice",
    "outputfolderid",
)
NULLS = ("guestid", "marketplaceid")


def _record(task: Task) -> dict[str, Any]:
    return ENCODER.record(task, VIEWER)


def _stopped(*last: Any) -> Task:
    return after(*LIFE[:6], *last)


@proves("record.fields", "record.categories", "files.shown", "record.cost")
def test_a_succeeded_task_is_the_golden_record() -> None:
    assert orjson.loads(ENCODER.answer(after(*LIFE), VIEWER)) == orjson.loads((GOLDEN / "succeeded.json").read_bytes())


@proves("record.cancelled")
def test_a_killed_task_is_the_golden_record() -> None:
    assert orjson.loads(ENCODER.answer(_stopped(Cancelled()), VIEWER)) == orjson.loads((GOLDEN / "killed.json").read_bytes())


@pytest.mark.parametrize("steps", range(1, len(LIFE) + 1))
@proves("record.fields", "record.times", "record.pexit", "record.statuses")
def test_types_hold_in_every_state(steps: int) -> None:
    record = _record(after(*LIFE[:steps]))
    for name in (*TIMES, *TEXTS):
        assert isinstance(record[name], str), name
    assert all(record[name] is None for name in NULLS)
    assert record["isapp"] is False
    assert isinstance(record["parameters"], dict)
    assert isinstance(record["outputs"], list)
    assert all(re.fullmatch(r"\d+", record[name]) for name in (*TIMES, "id", "projectid", "modelid", "size"))
    assert len([name for name in TIMES if record[name] != "0"]) == steps
    assert (record["pexit"] == "") == (steps < 7)
    assert re.fullmatch(r"\d+\.\d{4}", record["elapsedseconds"])
    assert re.fullmatch(r"\d+\.\d{12}", record["cps"])
    assert record["totalcost"] == ("0.003510000000" if steps >= 7 else "0")


@proves("record.statuses", "record.failed")
def test_every_state_has_a_status_and_none_is_an_error() -> None:
    assert STATUS.keys() == set(TaskState)
    assert "task_error" not in STATUS.values()
    assert STATUS[TaskState.FAILED] == "task_postprocess_end"


@proves("record.early", "record.pexit")
def test_what_a_client_reads_at_task_end_is_there_at_task_end() -> None:
    record = _record(after(*LIFE[:7]))
    assert (record["status"], record["pexit"], len(record["outputs"])) == ("task_end", "0", 1)
    assert record["totalcost"] == "0.003510000000"


@pytest.mark.parametrize(
    "task", [_stopped(Cancelled()), after(LIFE[0], Cancelled()), _stopped(Ended(1, (), 5, FREE, "", "boom"), LIFE[7], Failed("boom"))]
)
@proves("record.cancelled", "record.failed", "record.pexit", "record.cost")
def test_what_did_not_succeed_costs_nothing_and_has_no_outputs(task: Task) -> None:
    record = _record(task)
    assert (record["pexit"], record["totalcost"], record["outputs"], record["size"]) == ("1", "0", [], "0")
    assert (record["canceltime"] != "0") == (record["status"] == "task_cancel")


@proves("record.losses", "record.failed")
def test_debugerror_tells_of_lost_attempts_of_stderr_and_of_the_end() -> None:
    task = after(Queued(), Accepted(1), Requeued("the worker died: signal 9.", True), Accepted(2), Failed("The input cannot be read."))
    assert debug_error(task) == "Attempt 1 was lost: the worker died: signal 9; tried again.\nThe input cannot be read."
    assert _record(task)["debugerror"] == debug_error(task)
    with_stderr = _stopped(Ended(1, (), 5, FREE, "", "Traceback: boom"), LIFE[7], Failed("boom"))
    assert debug_error(with_stderr) == "Traceback: boom", "a reason that stderr holds is not said twice"


@given(st.integers(0, 10**12), st.decimals(0, 1, places=12))
@proves("record.cost")
def test_elapsed_times_rate_is_the_cost(billed_us: int, rate: Decimal) -> None:
    cost = Price(rate).charge(billed_us)
    record = _record(after(*LIFE[:6], Ended(0, (), billed_us, cost, "", ""), *LIFE[7:]))
    assert abs(Decimal(record["totalcost"]) - Decimal(record["elapsedseconds"]) * rate) <= Decimal("5e-13")


@proves("record.outputs")
def test_an_output_has_its_fields_and_types() -> None:
    (output,) = _record(after(*LIFE))["outputs"]
    assert re.fullmatch(r"[0-9a-f]{32}", output["id"])
    assert re.fullmatch(r"[0-9a-f]{32}", output["parentid"])
    assert output["id"] != output["accesskey"]
    assert output["url"] == f"https://gesso.example/v1/File/{OUTPUT.access_key}/0.png"
    assert (output["ispublic"], output["expiretime"], output["foldercount"], output["size"]) == (0, None, "0", "1234")


@proves("files.shown")
def test_parameters_show_files_as_urls_and_seeds_as_text() -> None:
    stored = FileInput("inputDocumentMultiple-0000001.pdf", "k" * 30)
    waiting = FileInput("inputDocumentMultiple-0000002.bin", url="https://example.com/a.pdf")
    task = new_task(files={"inputDocumentMultiple": (stored, waiting)}, sent={"extra": 1, "prompt": "not this one"})
    shown = _record(task)["parameters"]
    assert shown["inputDocumentMultiple"] == [f"https://gesso.example/v1/File/{'k' * 30}/{stored.name}", "https://example.com/a.pdf"]
    assert (shown["seed"], shown["steps"], shown["prompt"], shown["extra"]) == ("9223372036854775808", 25, "a red scarf", 1)
    assert "note" not in shown
    assert _record(new_task(files={"inputDocumentMultiple": (stored,)}))["parameters"]["inputDocumentMultiple"] == [
        f"https://gesso.example/v1/File/{'k' * 30}/{stored.name}"
    ]


@proves("record.gone-model")
def test_a_task_outlives_its_model() -> None:
    record = _record(after(*LIFE, task=new_task(model="Old Lab/Gone 1.0")))
    assert (record["modelid"], record["modelslugowner"], record["modelslugproject"]) == ("0", "old-lab", "gone-1-0")
    assert record["parameters"]["inputImage"].startswith("https://gesso.example/v1/File/")


@proves("detail.answer")
def test_an_answer_is_the_task_as_it_is_now() -> None:
    encoder = Encoder(CATALOG)
    first, second = after(*LIFE[:3]), after(*LIFE)
    for task in (first, first, second, first):
        assert orjson.loads(encoder.answer(task, VIEWER)) == encoder.detail(task, VIEWER)
    elsewhere = Viewer("http://127.0.0.1:8700/v1", PROJECT.uuid)
    assert b"127.0.0.1:8700" in encoder.answer(second, elsewhere)
    assert encoder.detail(second, VIEWER)["total"] == "1"


@proves("notice.body")
def test_a_webhook_has_the_record_and_copies() -> None:
    task = after(*LIFE)
    body = orjson.loads(ENCODER.notice(task, VIEWER))
    copies = {"taskid": "2221", "socketaccesstoken": task.token, "status": "task_postprocess_end"}
    assert body == {**ENCODER.detail(task, VIEWER), **copies}


@proves("record.categories")
def test_categories_of_a_task_are_text() -> None:
    assert orjson.loads(_record(new_task())["categories"]) == list(MODEL.categories)
