"""Which Tasks an address means: tab, filters, page and the Task beside the list, read from it and written into it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from gesso.domain.task import TaskState
from gesso.domain.task_search import TaskSearch

TABS = ("running", "models", "trains")
STATUSES: Mapping[str, TaskState | None] = {
    "": None,
    "done": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.CANCELLED,
}
AGES: Mapping[int, str] = {0: "Any time", 1: "Last 24 hours", 7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days"}
PLACE = "/tasks"
_TEXT_MAX_CHARACTERS = 200
_ID_MAX_DIGITS = 18
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """`place`: the path of the page. `fixed_model`: of a Model's own history. `project`: a uuid, where the address names one. `task`: the
    one that is shown beside the list. `before`, `after`: ids between which rows are wanted, 0 for no bound."""

    place: str = PLACE
    fixed_model: str = ""
    tab: str = "models"
    project: str = ""
    status: str = ""
    model: str = ""
    text: str = ""
    days: int = 0
    task: int = 0
    before: int = 0
    after: int = 0

    @property
    def is_filtered(self) -> bool:
        return bool(self.status or self.model or self.text or self.days)

    @property
    def has_counts(self) -> bool:
        """Whether what it means is counted as Tasks go, so that nobody has to read them all to say how many there are."""
        return not (self.text or self.days)

    def search(self, project_id: int, now: int) -> TaskSearch:
        return TaskSearch(
            project_id,
            self.fixed_model or self.model,
            STATUSES[self.status],
            self.text,
            now - self.days * _DAY_US if self.days else 0,
            self.before,
            self.after,
        )

    def with_(self, **changes: Any) -> str:
        """The address with some things changed, back on its first page and with no Task beside the list unless that is what changes."""
        return self._address(self.place, replace(self, **{"task": 0, "before": 0, "after": 0, **changes}))

    def at(self, task_id: int) -> str:
        """The address of the same list with that Task beside it."""
        return self._address(self.place, replace(self, task=task_id, before=0, after=0))

    def rows(self, **changes: Any) -> str:
        """Where the rows alone come from. With `project`, they stay those of that one, whichever is chosen in another tab."""
        return self._address(f"{self.place}/rows", replace(self, **{"task": 0, "before": 0, "after": 0, **changes}))

    def export(self, kind: str) -> str:
        named = replace(self, model=self.fixed_model or self.model, fixed_model="", task=0, before=0, after=0)
        address = self._address(f"{PLACE}/export", named)
        return f"{address}{'&' if '?' in address else '?'}format={kind}"

    def fields(self) -> list[tuple[str, str]]:
        """What a form that asks for another text has to keep."""
        return [(name, value) for name, value in self._pairs(self) if name not in ("q", "task", "before", "after")]

    def _address(self, path: str, query: TaskQuery) -> str:
        pairs = self._pairs(query)
        return f"{path}?{urlencode(pairs)}" if pairs else path

    @staticmethod
    def _pairs(query: TaskQuery) -> list[tuple[str, str]]:
        given = {
            "tab": query.tab if query.tab != "models" else "",
            "project": query.project,
            "status": query.status,
            "model": query.model,
            "since": query.days,
            "q": query.text,
            "task": query.task,
            "before": query.before,
            "after": query.after,
        }
        return [(name, str(value)) for name, value in given.items() if value]


def read(given: Mapping[str, str], place: str = PLACE, fixed_model: str = "") -> TaskQuery:
    """What an address asks for. What cannot be understood asks for nothing."""
    tab, status = given.get("tab", ""), given.get("status", "")
    days = _number(given.get("since", ""))
    return TaskQuery(
        place=place,
        fixed_model=fixed_model,
        tab=tab if tab in TABS and not fixed_model else "models",
        project=given.get("project", "")[:_TEXT_MAX_CHARACTERS].strip(),
        status=status if status in STATUSES else "",
        model="" if fixed_model else given.get("model", "")[:_TEXT_MAX_CHARACTERS].strip(),
        text=given.get("q", "")[:_TEXT_MAX_CHARACTERS].strip().replace("\0", ""),
        days=days if days in AGES else 0,
        task=_number(given.get("task", "")),
        before=_number(given.get("before", "")),
        after=_number(given.get("after", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _ID_MAX_DIGITS else 0
