"""`gesso replay`: a task run again with its own files and parameters, and what of it is not as it was."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gesso.cli.client import Refusal, Unreachable
from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.run import connect, watch
from gesso.cli.screen import notices, output, print_json, table
from gesso.cli.storage import open_store
from gesso.config import Settings
from gesso.domain.batch import ALONE
from gesso.domain.provenance import Change, changes
from gesso.domain.task import Task, TaskState
from gesso.models.comparison import Difference, difference
from gesso.store.blobs import FolderBlobs
from gesso.store.replay import Kept, find_kept

_DIFFERS = 1


@dataclass(frozen=True, slots=True)
class _Verdict:
    """`pixels`: by output, None for one that is the same byte for byte or cannot be compared; `same`: whether each shows the same."""

    same: tuple[bool, ...]
    pixels: tuple[Difference | None, ...]
    environment: tuple[Change, ...]
    decisions: tuple[Change, ...]
    is_told: bool

    @property
    def is_identical(self) -> bool:
        return all(self.same)


def replay(task_id: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused. Leaves with exit code 1 when something else came of it."""
    settings = read_settings(data=data)
    before = _load(settings, task_id)
    if before.task.state is not TaskState.SUCCEEDED:
        raise Refused(f"Task {task_id} is {before.task.state.value}: only a task that succeeded can be compared with another run.")
    if before.missing:
        raise Refused(f"Files of task {task_id} were deleted ({', '.join(before.missing)}): without them it cannot be run again.")
    after = _load(settings, _run_again(settings, before.task))
    verdict = _compared(settings, before, after)
    if as_json:
        print_json(_document(before.task, after.task, verdict))
    else:
        _show(before.task, after.task, verdict)
    sys.exit(0 if verdict.is_identical else _DIFFERS)


def _load(settings: Settings, task_id: int) -> Kept:
    if not settings.database_url and not (settings.data / "gesso.db").exists():
        raise Refused(f"There is nothing in {settings.data.resolve()} yet. Start with `{command('gesso serve', settings)}`.")

    with open_store(settings) as store:
        kept = asyncio.run(store.database.read(lambda connection: find_kept(connection, task_id)))
    if kept is None:
        raise Refused(f"There is no task {task_id} here. `{command('gesso tasks', settings)}` lists the latest.")
    return kept


def _run_again(settings: Settings, task: Task) -> int:
    """The id of a new task with the same values and files, once it has succeeded. Errors: Refused."""
    owner, _, slug = task.model.partition("/")
    # Addresses of the server's own files: they are neither sent nor stored again.
    given = [(name, f"/v1/File/{one.access_key}/{one.name}") for name, inputs in task.files.items() for one in inputs]
    values = [(name, _text(value)) for name, value in task.values.items() if value is not None]
    try:
        with connect(settings, None, None, None) as api:
            submitted = api.submit(owner, slug, [*values, *given, (ALONE, "true")], ())
            record = watch(api, submitted, notices(), f"{task.model}, task {task.id} again")
    except (Refusal, Unreachable) as error:
        raise Refused(f"Task {task.id} cannot be run again: {error}") from error
    if record["status"] == "task_cancel" or record["pexit"] != "0":
        raise Refused(f"Task {task.id} ran again as task {submitted.id} and failed: {record['debugerror'].strip() or 'it was cancelled'}")
    return int(submitted.id)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, list | Mapping) else str(value)


def _compared(settings: Settings, before: Kept, after: Kept) -> _Verdict:
    same, pixels = [], []
    blobs = FolderBlobs(settings.data.resolve() / "blobs")
    for index in range(max(len(before.digests), len(after.digests))):
        is_same, found = before.digests[index : index + 1] == after.digests[index : index + 1], None
        if not is_same and index < min(len(before.task.outputs), len(after.task.outputs)):
            found = difference(*(blobs.path(kept.task.outputs[index].access_key) for kept in (before, after)))
        same.append(is_same or (found is not None and found.is_none))
        pixels.append(found)
    blobs.close()
    old, new = before.provenance, after.provenance
    is_told = old is not None and new is not None
    environment = changes(old.made_with.environment, new.made_with.environment) if old and new else ()
    decisions = changes(old.made_with.used, new.made_with.used) if old and new else ()
    return _Verdict(tuple(same), tuple(pixels), environment, (*changes(before.task.values, after.task.values), *decisions), is_told)


def _show(before: Task, after: Task, verdict: _Verdict) -> None:
    console = output()
    count = len(verdict.same)
    outputs = f"{count} output{'' if count == 1 else 's'}"
    if verdict.is_identical:
        console.print(f"identical: task {after.id} made the same {outputs} as task {before.id}.")
    else:
        console.print(f"differs: task {after.id} did not make the same as task {before.id}.")
        rows = table("output", "pixels that differ", "by, on average", "at most")
        for index, (is_same, pixels) in enumerate(zip(verdict.same, verdict.pixels, strict=True)):
            if pixels is None:
                rows.add_row(str(index), "none" if is_same else "cannot be compared", "", "")
            else:
                rows.add_row(str(index), f"{pixels.share:.2%}", f"{pixels.mean:.4%}", f"{pixels.most:.2%}")
        console.print(rows, soft_wrap=False)
    for what, found in (("environment", verdict.environment), ("what was used", verdict.decisions)):
        if found:
            rows = table(what, f"task {before.id}", f"task {after.id}")
            for change in found:
                rows.add_row(change.name, change.before or "-", change.after or "-")
            console.print(rows, soft_wrap=False)
    if not verdict.is_told:
        notices().print("What one of them was made with is not known: its engine did not tell.")
    elif not verdict.is_identical and any(change.name == "batch" for change in verdict.decisions):
        notices().print(f"Task {before.id} was made in a batch with other tasks, which rounds differently; a replay runs alone.")
    elif not verdict.is_identical and not verdict.environment:
        notices().print("Nothing that the engine tells of its environment has changed.")


def _document(before: Task, after: Task, verdict: _Verdict) -> dict[str, Any]:
    return {
        "task": str(before.id),
        "replay": str(after.id),
        "identical": verdict.is_identical,
        "outputs": [
            {"identical": is_same, "pixels": None if pixels is None else asdict(pixels)}
            for is_same, pixels in zip(verdict.same, verdict.pixels, strict=True)
        ],
        "environment": [asdict(change) for change in verdict.environment],
        "used": [asdict(change) for change in verdict.decisions],
    }
