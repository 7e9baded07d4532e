"""What is done to Tasks from their pages: run again, cancel or kill, delete files; one or several. Each is a form, with or without a
script: a script asks for a sentence and puts the page right itself, and without one the browser goes on to the next page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, NotEnded, NotKillable, Unavailable
from gesso.domain.limits import TASKS_CHOSEN_MAX_COUNT
from gesso.domain.task import Task, TaskState
from gesso.web.forms import Form, local_path, read_form
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_PART_HEADER = "x-part"
_TASK_HEADER = "x-task"
_ID_MAX_DIGITS = 18


class TaskActions:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/tasks/{task:int}/again", self._again, ("POST",)),
            route("/tasks/{task:int}/stop", self._stop, ("POST",)),
            route("/tasks/{task:int}/files", self._files, ("POST",)),
            route("/tasks/chosen", self._chosen, ("POST",)),
        ]

    async def _again(self, request: Request) -> Response:
        visitor, form, task = await self._asked(request)
        project = next(listing.project for listing in visitor.listings if listing.project.id == task.project_id)

        async def carry_out() -> str:
            made = await self._site.services.records.reruns.again(project, task, visitor.signed_in.uuid, form.get("seed") == "keep")
            return str(made.id)

        return await self._answer(request, carry_out, lambda made: (f"Task {made} is in line.", f"/tasks/{made}", made))

    async def _stop(self, request: Request) -> Response:
        _, form, task = await self._asked(request)
        return await self._answer(request, lambda: self._stop_one(task), lambda told: (told, _next(form, task), str(task.id)))

    async def _files(self, request: Request) -> Response:
        visitor, form, task = await self._asked(request)
        if form.get("sure") != "yes":
            return self._ask(request, visitor, form, [task])
        return await self._answer(request, lambda: self._delete_one(task), lambda told: (told, _next(form, task), str(task.id)))

    async def _chosen(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        tasks = await self._tasks(visitor, form.all("task"))
        there = local_path(form.word("next") or "/tasks")
        if not tasks:
            return self._told(request, "No task was chosen.", there)
        if form.word("action") == "files" and form.get("sure") != "yes":
            return self._ask(request, visitor, form, tasks)
        carry_out = self._delete_one if form.word("action") == "files" else self._stop_one
        done, refused = 0, ""
        for task in tasks:
            try:
                await carry_out(task)
                done += 1
            except Unavailable as error:
                # The others would only wait for the same.
                refused = str(error)
                break
            except GessoError as error:
                refused = refused or str(error)
        word = "Deleted the files of" if form.word("action") == "files" else "Stopped"
        told = f"{word} {done} of {len(tasks)} tasks." + (f" {refused}" if refused else "")
        return self._told(request, told, there)

    async def _stop_one(self, task: Task) -> str:
        """Withdraw it, and say which way it went. Errors: NotKillable."""
        was_waiting = task.state is TaskState.QUEUED
        after = await self._site.services.tasks.kill(task)
        if after.state is not TaskState.CANCELLED:
            raise NotKillable(f"it has already {after.state.value}")
        return f"Task {task.id} was {'cancelled before it ran' if was_waiting and not after.started_at else 'stopped'}."

    async def _delete_one(self, task: Task) -> str:
        """Errors: NotEnded, Unavailable."""
        if not task.state.is_terminal:
            raise NotEnded
        await self._site.services.retention.delete_files(task.id)
        return f"The files of task {task.id} are deleted."

    def _ask(self, request: Request, visitor: Visitor, form: Form, tasks: list[Task]) -> Response:
        """Whether that is meant: files do not come back."""
        there = local_path(form.word("next") or "/tasks")
        return self._site.page(request, visitor, "tasks/sure.html", nav="tasks", tasks=tasks, there=there)

    async def _asked(self, request: Request) -> tuple[Visitor, Form, Task]:
        """Errors: SignInNeeded, RoleTooLow, TaskUnknown."""
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        ids = {listing.project.id: listing for listing in visitor.listings}
        task = await self._site.services.tasks.among(ids, request.path_params["task"])
        return replace(visitor, listing=ids[task.project_id]), form, task

    async def _tasks(self, visitor: Visitor, given: list[str]) -> list[Task]:
        """Those of the visitor's, in the order in which they were made. Errors: TaskUnknown."""
        ids = {listing.project.id for listing in visitor.listings}
        numbers = {int(one) for one in given[:TASKS_CHOSEN_MAX_COUNT] if one.isascii() and one.isdigit() and len(one) <= _ID_MAX_DIGITS}
        return [await self._site.services.tasks.among(ids, number) for number in sorted(numbers)]

    async def _answer(
        self, request: Request, carry_out: Callable[[], Awaitable[str]], then: Callable[[str], tuple[str, str, str]]
    ) -> Response:
        """Do it, and say so in the way that is asked for. `then`: from what came of it, a sentence, where to go on, and the Task that it
        is about. Errors: those of `carry_out`, where the browser goes on to a page."""
        is_part = _PART_HEADER in request.headers
        try:
            told, there, task_id = then(await carry_out())
        except GessoError as error:
            if is_part:
                return PlainTextResponse(str(error), 409, HEADERS)
            raise
        if is_part:
            return PlainTextResponse(told, 200, {**HEADERS, _TASK_HEADER: task_id})
        return RedirectResponse(there, 303, HEADERS)

    def _told(self, request: Request, sentence: str, there: str) -> Response:
        if _PART_HEADER in request.headers:
            return PlainTextResponse(sentence, 200, HEADERS)
        return RedirectResponse(there, 303, HEADERS)


def _next(form: Form, task: Task) -> str:
    return local_path(form.word("next") or f"/tasks/{task.id}")
