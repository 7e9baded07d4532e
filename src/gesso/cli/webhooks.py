"""`gesso webhooks` and `gesso project webhook-secret`: who was told of the end of a task, what came of it, and once more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import output, print_json, state, table
from gesso.cli.storage import open_store
from gesso.config import Settings
from gesso.delivery.doorbell import ring
from gesso.domain.task import Task
from gesso.store.notices import NoticeRecord
from gesso.store.tasks import SqlTasks
from gesso.wiring import DOORBELL, Store

T = TypeVar("T")
_US = 1_000_000


def show_webhooks(limit: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    with _store(settings) as store:
        records = _wait(lambda: store.notices.latest(limit))
    if as_json:
        print_json([_as_json(record) for record in records])
        return
    if not records:
        output().print("No webhooks yet: no task that gave a callback address has ended.")
        return
    shown = table("task", "state", "failed tries", "next", "receiver", "last error")
    now = time.time()
    for record in records:
        notice = record.notice
        following = _wait_words(notice.due_at / _US - now) if notice.due_at else "-"
        word = state(record.state, record.state == "delivered")
        shown.add_row(str(notice.task_id), word, str(notice.tries), following, notice.host, record.last_error)
    output().print(shown, soft_wrap=False)


def show_log(task_id: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    with _store(settings) as store:
        record = _wait(lambda: store.notices.find(task_id))
        if record is None:
            raise Refused(_why_none(task_id, _wait(lambda: SqlTasks(store.database).by_id(task_id))))
        tries = _wait(lambda: store.notices.log(task_id))
    if as_json:
        names = ("at", "duration_us", "status", "error", "answer")
        print_json({**_as_json(record), "log": [{name: getattr(each, name) for name in names} for each in tries]})
        return
    console = output()
    console.print(f"Task {task_id} to {record.notice.url}: {record.state}")
    if not tries:
        console.print("It has not been tried yet.")
        return
    shown = table("when", "took", "status", "what came of it", "answer")
    for each in tries:
        when = datetime.fromtimestamp(each.at / _US, UTC).strftime("%Y-%m-%d %H:%M:%S")
        shown.add_row(when, f"{each.duration_us / _US:.2f} s", str(each.status or "-"), each.error or "delivered", each.answer)
    console.print(shown, soft_wrap=False)


def redeliver(task_id: int, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    with _store(settings) as store:
        if not _wait(lambda: store.notices.redeliver(task_id)):
            raise Refused(_why_none(task_id, _wait(lambda: SqlTasks(store.database).by_id(task_id))))
    if ring(settings.data.resolve() / DOORBELL):
        output().print(f"The running server sends it now. What comes of it: {command(f'gesso webhooks log {task_id}', settings)}")
    else:
        output().print(f"It is due. No server runs on {settings.data.resolve()}: it is sent when one starts.")


def show_secret(project_id: int, is_renewed: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    with _store(settings) as store:
        if not _wait(lambda: store.notices.has_project(project_id)):
            raise Refused(f"There is no project {project_id}.")
        secret = _wait(lambda: store.notices.renew_secret(project_id) if is_renewed else store.notices.secret(project_id))
    output().print(secret)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    if not settings.database_url and not (settings.data / "gesso.db").exists():
        raise Refused(f"There is nothing in {settings.data.resolve()} yet. Start with `{command('gesso serve', settings)}`.")
    with open_store(settings) as store:
        yield store


def _wait(function: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        return await function()

    return asyncio.run(run())


def _why_none(task_id: int, task: Task | None) -> str:
    if task is None:
        return f"There is no task {task_id}."
    if not task.callback_url:
        return f"Task {task_id} gave no callback address."
    return f"Task {task_id} has not ended: there is nothing to tell yet."


def _as_json(record: NoticeRecord) -> dict[str, object]:
    notice = record.notice
    return {
        "task": str(notice.task_id),
        "state": record.state,
        "url": notice.url,
        "failed_tries": notice.tries,
        "due_at": notice.due_at,
        "delivered_at": record.delivered_at,
        "last_error": record.last_error,
    }


def _wait_words(seconds: float) -> str:
    if seconds <= 0:
        return "now"
    return f"in {seconds:.0f} s" if seconds < 120 else f"in {seconds / 60:.0f} min"
