"""Events as frames of the WebSocket. Source: protocol, section 4.

Older documents give a frame `tasktoken`, newer ones `success`, `terminal` and `exitCode`: each frame carries all of them.

Ours is `seq`, on the frames of stored events: the number up to which everything has been told, once the frame is read. An event that
takes several frames has its own number on the last of them, so that a client that is cut between two of them misses none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gesso.api.wiro.encode import Viewer, debug_error, lost, outputs
from gesso.domain.event import (
    Accepted,
    Assigned,
    Cancelled,
    Ended,
    Failed,
    FilesDeleted,
    LiveEvent,
    LogLine,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Preview,
    Progress,
    Queued,
    Recorded,
    Requeued,
    Started,
    Succeeded,
)
from gesso.domain.task import Task

Frame = dict[str, Any]
CONNECTED: Frame = {"type": "connected", "version": "1.0"}

# Events that say no more than that they happened.
LIFECYCLE: Mapping[type, str] = {
    Queued: "task_queue",
    Accepted: "task_accept",
    PreprocessStarted: "task_preprocess_start",
    PreprocessEnded: "task_preprocess_end",
    Assigned: "task_assign",
    Started: "task_start",
    PostprocessStarted: "task_postprocess_start",
}


def frames(task: Task, event: Recorded | LiveEvent, viewer: Viewer) -> list[Frame]:
    """The frames that tell of `event`, in order. `task`: at least as far as the event."""
    if not isinstance(event, Recorded):
        return SPEAKING[type(event)](task, event, viewer)
    happened = event.event
    name = LIFECYCLE.get(type(happened))
    told = [_frame(task, name)] if name is not None else SPEAKING[type(happened)](task, happened, viewer)
    for frame in told:
        frame["seq"] = event.seq - 1
    if told:
        told[-1]["seq"] = event.seq
    return told


def refused(text: str) -> Frame:
    """A frame about a message of the client, not about a task."""
    return {"type": "error", "message": text, "result": False}


def _frame(task: Task, name: str, message: Any = None, exit_code: int | None = None) -> Frame:
    return {
        "type": name,
        "id": str(task.id),
        "tasktoken": task.token,
        "message": message,
        "result": True,
        "success": None,
        "terminal": False,
        "exitCode": exit_code,
    }


def _last(task: Task, name: str, message: Any, outputs: list[Any], error: str) -> Frame:
    """A terminal frame. `outputs` and `error` at the top are what one client reads instead of `message`."""
    exit_code = 1 if task.exit_code is None else task.exit_code
    frame = _frame(task, name, message, exit_code)
    return {**frame, "success": not error and exit_code == 0, "terminal": True, "outputs": outputs, "error": error}


def _ended(task: Task, event: Ended, viewer: Viewer) -> list[Frame]:
    told = [_frame(task, "task_output_full", {"raw": event.stdout}, event.exit_code)]
    if event.stderr:
        told.append(_frame(task, "task_error_full", {"raw": event.stderr}, event.exit_code))
    return [*told, _frame(task, "task_end", None, event.exit_code)]


def _succeeded(task: Task, event: Succeeded, viewer: Viewer) -> list[Frame]:
    made = outputs(task, viewer)
    return [_last(task, "task_postprocess_end", made, made, "")]


def _failed(task: Task, event: Failed, viewer: Viewer) -> list[Frame]:
    # The message stays a list: clients call its forEach.
    return [_last(task, "task_postprocess_end", [], [], event.reason or debug_error(task) or "The task failed.")]


def _cancelled(task: Task, event: Cancelled, viewer: Viewer) -> list[Frame]:
    return [_last(task, "task_cancel", None, [], "The task was cancelled.")]


def _requeued(task: Task, event: Requeued, viewer: Viewer) -> list[Frame]:
    return [_frame(task, "task_error", lost("An attempt", event.reason)), _frame(task, "task_queue")]


def _files_deleted(task: Task, event: FilesDeleted, viewer: Viewer) -> list[Frame]:
    # It comes after the terminal frame, where nobody listens, and the protocol has no name for it.
    return []


def _progress(task: Task, event: Progress, viewer: Viewer) -> list[Frame]:
    return [_frame(task, "task_output", progress(event))]


def _log_line(task: Task, event: LogLine, viewer: Viewer) -> list[Frame]:
    return [_frame(task, "task_error" if event.stream == "stderr" else "task_output", event.text)]


def _preview(task: Task, event: Preview, viewer: Viewer) -> list[Frame]:
    # The protocol has no frame for an unfinished picture. A type of our own is dropped by clients that do not know it, while a
    # task_output with an unknown object would be printed.
    return [_frame(task, "task_preview", {"contenttype": "image/jpeg", "base64": event.jpeg_base64})]


SPEAKING: Mapping[type, Callable[[Task, Any, Viewer], list[Frame]]] = {
    Ended: _ended,
    Succeeded: _succeeded,
    Failed: _failed,
    Cancelled: _cancelled,
    Requeued: _requeued,
    FilesDeleted: _files_deleted,
    Progress: _progress,
    LogLine: _log_line,
    Preview: _preview,
}


def progress(event: Progress) -> dict[str, str]:
    """The progress object: every value a text."""
    elapsed_s = event.elapsed_us / 1_000_000
    speed = event.step / elapsed_s if elapsed_s > 0 else 0.0
    remaining_s = (event.total - event.step) / speed if speed > 0 else 0.0
    return {
        "type": "progressGenerate",
        "task": "Generate",
        "percentage": str(min(100, 100 * event.step // event.total) if event.total > 0 else 0),
        "stepCurrent": str(event.step),
        "stepTotal": str(event.total),
        "speed": f"{speed:.2f}",
        "speedType": "it/s",
        "elapsedTime": f"{elapsed_s:.0f}s",
        "remainingTime": f"{max(0.0, remaining_s):.0f}s",
    }
