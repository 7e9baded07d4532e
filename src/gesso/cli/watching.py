"""A task as it goes on: a bar that moves and the lines that the model writes, or plain lines where there is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

_WORDS = {
    "task_queue": "waiting",
    "task_accept": "preparing",
    "task_preprocess_start": "reading inputs",
    "task_preprocess_end": "waiting for the model",
    "task_assign": "starting",
    "task_start": "running",
    "task_end": "saving",
    "task_postprocess_end": "done",
    "task_cancel": "cancelled",
}
_PLAIN_EVERY_PERCENT = 25


class Watching:
    """Shows the frames of one task. `lines_count`: of the model's own lines, how many were among them."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._told_percent = 0
        self.lines_count = 0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._row = self._bar.add_task(f"{title}: waiting", total=None)

    def __enter__(self) -> Watching:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, frame: dict[str, Any]) -> None:
        kind, message = frame["type"], frame.get("message")
        if kind in _WORDS:
            self._bar.update(self._row, description=f"{self._title}: {_WORDS[kind]}")
        if kind == "task_start" and not self._console.is_terminal:
            self._console.print(f"{self._title} is running.")
        if kind == "task_postprocess_end" and frame.get("success", True):
            self._bar.update(self._row, total=1, completed=1)
        elif kind in ("task_output", "task_error") and isinstance(message, str):
            self.lines_count += kind == "task_output"
            self._console.print(Text(f"  {message}", style="dim"))
        elif kind == "task_output" and isinstance(message, dict) and "stepTotal" in message:
            self._step(int(message["stepCurrent"]), int(message["stepTotal"]))

    def _step(self, step: int, total: int) -> None:
        self._bar.update(self._row, completed=step, total=total)
        percent = 100 * step // max(1, total)
        if not self._console.is_terminal and percent // _PLAIN_EVERY_PERCENT > self._told_percent // _PLAIN_EVERY_PERCENT:
            self._told_percent = percent
            self._console.print(f"  {percent} %")
