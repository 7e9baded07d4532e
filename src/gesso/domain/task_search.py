"""What is looked for among a Project's Tasks, and what a look found: always as far as was looked, which a long history bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gesso.domain.task import Task, TaskState

_ID_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """The ended Tasks of a Project, newest first. `model`: one Model's, by its exact name. `state`: one of the three ends. `text`: part of
    a text among the values, a seed, or a Task's id or token. `since`: created then or later, in microseconds since 1970. `before`: only
    ids below it, 0 for all; `after`: only ids above it. Empty ones ask for nothing.
    """

    project_id: int
    model: str = ""
    state: TaskState | None = None
    text: str = ""
    since: int = 0
    before: int = 0
    after: int = 0

    @property
    def named_id(self) -> int:
        """The Task that `text` names by its id; 0 when it names none."""
        word = self.text
        return int(word) if word.isascii() and word.isdigit() and len(word) <= _ID_MAX_DIGITS else 0

    def means(self, task: Task) -> bool:
        """Whether `text` is in the Task. In any case of letters."""
        word = self.text.casefold()
        if not word or str(task.id) == word or task.token == self.text:
            return True
        return any(word in text.casefold() if is_text else word == text for text, is_text in _texts(task.values.values()))


@dataclass(frozen=True, slots=True)
class TaskFinds:
    """What was found. `reached`: the id of the last Task that was looked at; older ones are found by asking for those before it. `looked`:
    how many were looked at. `is_end`: whether there are no older ones."""

    tasks: tuple[Task, ...]
    reached: int
    looked: int
    is_end: bool


def _texts(values: Any) -> Iterator[tuple[str, bool]]:
    """All texts and whole numbers, each with whether it is a text."""
    for value in values:
        if isinstance(value, str):
            yield value, True
        elif isinstance(value, int) and not isinstance(value, bool):
            yield str(value), False
        elif isinstance(value, list | tuple):
            yield from _texts(value)
