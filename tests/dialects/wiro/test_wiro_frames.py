"""Events as frames, and models as tools: the parts that need no server."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requirements import proves
from wiro_builders import LIFE, MODEL, PROJECT, after

from gesso.api.wiro.encode import Viewer
from gesso.api.wiro.frames import LIFECYCLE, SPEAKING, frames, progress
from gesso.api.wiro.tools import ITEM_TYPE, tool
from gesso.domain.event import Accepted, Cancelled, Ended, Event, Failed, LiveEvent, LogLine, Preview, Progress, Queued, Recorded, Requeued
from gesso.domain.parameter import Kind
from gesso.domain.price import FREE

VIEWER = Viewer("http://localhost:8700/v1", PROJECT.uuid)
KEYS = {"type", "id", "tasktoken", "message", "result", "success", "terminal", "exitCode"}


def _told(*events: Event) -> list[dict[str, typing.Any]]:
    """The frames of a replay: each stored event with the task as it is at the end."""
    task = after(*events)
    return [frame for seq, event in enumerate(events, 1) for frame in frames(task, Recorded(seq, 0, event), VIEWER)]


@proves("socket.frames")
def test_every_event_has_frames() -> None:
    assert LIFECYCLE.keys() | SPEAKING.keys() == {*typing.get_args(Event), *typing.get_args(LiveEvent)}


@proves("socket.order", "socket.frames", "socket.last")
def test_a_run_is_told_in_the_documented_order() -> None:
    told = _told(*LIFE)
    assert [frame["type"] for frame in told] == [
        "task_queue",
        "task_accept",
        "task_preprocess_start",
        "task_preprocess_end",
        "task_assign",
        "task_start",
        "task_output_full",
        "task_end",
        "task_postprocess_start",
        "task_postprocess_end",
    ]
    assert all(frame.keys() >= KEYS and frame["result"] is True and frame["id"] == "2221" for frame in told)
    assert [frame["terminal"] for frame in told] == [False] * 9 + [True]
    assert all(frame["message"] is None for frame in told if frame["type"] not in ("task_output_full", "task_postprocess_end"))
    last = told[-1]
    assert last["message"] == last["outputs"]
    assert len(last["message"]) == 1
    assert (last["success"], last["exitCode"], last["error"]) == (True, 0, "")


@proves("socket.order", "socket.last")
def test_a_failure_is_told_with_an_empty_list() -> None:
    told = _told(*LIFE[:6], Ended(1, (), 5, FREE, "said", "boom"), LIFE[7], Failed("It cannot be read."))
    assert [frame["type"] for frame in told[6:]] == [
        "task_output_full",
        "task_error_full",
        "task_end",
        "task_postprocess_start",
        "task_postprocess_end",
    ]
    assert (told[6]["message"], told[7]["message"]) == ({"raw": "said"}, {"raw": "boom"})
    last = told[-1]
    assert (last["message"], last["outputs"], last["success"], last["exitCode"]) == ([], [], False, 1)
    assert (last["result"], last["error"]) == (True, "It cannot be read.")


@proves("socket.cancel")
def test_a_cancelled_task_is_told() -> None:
    last = _told(*LIFE[:6], Cancelled())[-1]
    assert (last["type"], last["message"], last["terminal"], last["success"]) == ("task_cancel", None, True, False)
    assert (last["exitCode"], last["outputs"]) == (1, [])
    assert last["error"]


@proves("socket.lost")
def test_a_lost_attempt_is_told_and_the_task_is_queued_again() -> None:
    told = _told(Queued(), Accepted(1), Requeued("the worker died", True))
    assert [frame["type"] for frame in told[2:]] == ["task_error", "task_queue"]
    assert "the worker died" in told[2]["message"]
    assert not told[2]["terminal"]


@proves("socket.preview")
def test_a_preview_is_a_frame_of_its_own() -> None:
    (frame,) = frames(after(*LIFE[:6]), Preview("AAAA"), VIEWER)
    assert (frame["type"], frame["message"]) == ("task_preview", {"contenttype": "image/jpeg", "base64": "AAAA"})


@proves("socket.order")
def test_log_lines_are_told_by_their_stream() -> None:
    task = after(*LIFE[:6])
    assert [frames(task, LogLine(stream, "a line"), VIEWER)[0]["type"] for stream in ("stdout", "stderr")] == ["task_output", "task_error"]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**13))
@proves("socket.progress")
def test_progress_is_all_texts(step: int, total: int, elapsed_us: int) -> None:
    shown = progress(Progress(step, total, elapsed_us))
    assert shown.keys() == {
        "type",
        "task",
        "percentage",
        "stepCurrent",
        "stepTotal",
        "speed",
        "speedType",
        "elapsedTime",
        "remainingTime",
    }
    assert all(isinstance(value, str) for value in shown.values())
    assert 0 <= int(shown["percentage"]) <= 100


@proves("socket.progress")
def test_progress_as_the_protocol_shows_it() -> None:
    assert progress(Progress(10, 25, 5_000_000)) == {
        "type": "progressGenerate",
        "task": "Generate",
        "percentage": "40",
        "stepCurrent": "10",
        "stepTotal": "25",
        "speed": "2.00",
        "speedType": "it/s",
        "elapsedTime": "5s",
        "remainingTime": "8s",
    }


@proves("tool.items")
def test_items_have_both_spellings() -> None:
    items = {item["id"]: item for group in tool(MODEL, 1)["parameters"] for item in group["items"]}
    assert ITEM_TYPE.keys() == set(Kind)
    steps, style, seed, note, scale = (items[name] for name in ("steps", "style", "seed", "note", "scale"))
    assert (steps["minvalue"], steps["maxvalue"], steps["incrementby"], steps["defaultvalue"]) == ("1", "500", "1", "25")
    assert (steps["min"], steps["max"], steps["step"], steps["default"], steps["type"]) == (1, 500, 1, 25, "number")
    assert (scale["defaultvalue"], scale["default"], scale["minvalue"]) == ("3.5", 3.5, "0")
    assert style["options"] == [{"value": "plain", "label": "Plain", "text": "Plain"}, {"value": "wild", "label": "wild", "text": "wild"}]
    assert (seed["type"], seed["default"], seed["value"]) == ("text", "2415100471", "2415100471")
    assert not {"min", "max", "step", "default"} & note.keys()
    assert note["minvalue"] == ""
    assert items["upscale"]["defaultvalue"] == "false"
    assert items["tags"]["defaultvalue"] == "a"


@pytest.mark.parametrize("name", ["required", "advanced", "quick"])
@proves("tool.items")
def test_flags_are_booleans_and_lengths_numbers(name: str) -> None:
    for group in tool(MODEL, 1)["parameters"]:
        for item in group["items"]:
            assert isinstance(item[name], bool)
            assert isinstance(item["maxinputlenght"], int)
            assert item["label"]


@proves("tool.detail", "record.categories")
def test_a_tool_has_lists_where_a_task_has_text() -> None:
    shown = tool(MODEL, 4)
    assert (shown["id"], shown["categories"], shown["slugproject"], shown["cleanslugproject"]) == (
        "4",
        list(MODEL.categories),
        "Try-On 1.5",
        "try-on-1-5",
    )
    assert tool(MODEL, 4, is_summary=True)["parameters"] is None
    assert isinstance(shown["taskstat"]["runcount"], int)
