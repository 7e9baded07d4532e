"""How a task is shown as it goes on: where there is no terminal, plain lines."""

from __future__ import annotations

import io

from rich.console import Console

from gesso.cli.watching import Watching


def told(*frames: dict) -> tuple[str, int]:
    screen = io.StringIO()
    with Watching(Console(file=screen, width=200, markup=False), "gesso/echo") as watching:
        for frame in frames:
            watching.show(frame)
    return screen.getvalue(), watching.lines_count


def progress(step: int, total: int) -> dict:
    return {"type": "task_output", "message": {"stepCurrent": str(step), "stepTotal": str(total)}}


def test_progress_is_told_in_quarters() -> None:
    text, _ = told(*(progress(step, 200) for step in range(1, 201)))
    assert text.split("\n")[:-1] == ["  25 %", "  50 %", "  75 %", "  100 %"]


def test_a_total_of_nothing_breaks_nothing() -> None:
    assert told(progress(0, 0)) == ("", 0)


def test_lines_of_the_model_are_told_as_they_are_and_counted() -> None:
    text, lines = told(
        {"type": "task_start", "message": None},
        {"type": "task_output", "message": "a [bold]line"},
        {"type": "task_error", "message": "a warning"},
        {"type": "task_preview", "message": {"base64": ""}},
        {"type": "task_postprocess_end", "message": [], "success": True},
    )
    assert text == "gesso/echo is running.\n  a [bold]line\n  a warning\n"
    assert lines == 1
