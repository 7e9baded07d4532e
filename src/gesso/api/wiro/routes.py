"""The routes of this wire: paths to decode, service, encode. Source: protocol, section 2.

Paths are looked up in a dictionary, because a list of patterns is tried from its top on every request. No answer is a redirect, and what
is no route is told so in the words of the protocol, whatever its method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from gesso.api.dialect import Answer, Headers, Services
from gesso.api.download import deliver
from gesso.api.request import Request
from gesso.api.wiro import decode, pages_txt, socket
from gesso.api.wiro.accounts import AccountCalls
from gesso.api.wiro.calls import Calls, Route, told
from gesso.api.wiro.catalogue import Catalogue
from gesso.api.wiro.encode import NO_TASK, Encoder, submitted
from gesso.api.wiro.errors import FAILED, UNKNOWN_ROUTE, explain
from gesso.api.wiro.files import FileCalls
from gesso.api.wiro.history import TaskLists
from gesso.api.wiro.once import once_of
from gesso.api.wiro.owners import PREFIX, Owners
from gesso.api.wiro.projects import ProjectCalls
from gesso.api.wiro.stream import Streams
from gesso.api.wiro.sync import Waiting, wants_stream
from gesso.domain.errors import FileUnknown, GessoError, ParameterNotAllowed, TaskUnknown, Unavailable
from gesso.domain.limits import BODY_MAX_BYTES
from gesso.domain.project import Project
from gesso.domain.task import Task

_ALLOWED = b"content-type,x-api-key,x-nonce,x-signature,authorization,range,x-request-id,idempotency-key,last-event-id"
_CORS: Headers = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"x-request-id,retry-after,content-range"))
_PREFLIGHT: Headers = (
    (b"access-control-allow-methods", b"GET,HEAD,POST,OPTIONS"),
    (b"access-control-allow-headers", _ALLOWED),
    (b"access-control-max-age", b"86400"),
)


class Wiro:
    """The Dialect below /v1."""

    name = decode.NAME
    prefix = PREFIX
    headers: Headers = _CORS
    preflight = Answer(b"", headers=_PREFLIGHT)

    def __init__(self, services: Services) -> None:
        self._services = services
        self._calls = Calls(services)
        self._encoder = Encoder(services.catalog)
        self._forms = {model.name: decode.Form(model) for model in services.catalog.all()}
        self._owners = Owners(services)
        self._streams = Streams(services, self._owners)
        self._waiting = Waiting(services.tasks, self._encoder, services.is_accepting, services.hung_up)
        self._routes: Mapping[tuple[str, ...], Route] = {
            ("Task", "Detail"): self._detail,
            ("Task", "Cancel"): self._cancel,
            ("Task", "Kill"): self._kill,
            **AccountCalls(services, self._calls).routes,
            **ProjectCalls(services, self._calls).routes,
            **FileCalls(services, self._calls, self._owners).routes,
            **Catalogue(services, self._calls, self._owners).routes,
            **TaskLists(services, self._calls, self._owners, self._encoder).routes,
        }

    @property
    def paths(self) -> frozenset[str]:
        """The paths below the prefix that are looked up. Those with a model or an access key in them are none."""
        return frozenset("/".join(segments) for segments in self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        segments = request.segments(PREFIX)
        if scope["type"] == "websocket":
            await self._socket(segments, scope, receive, send)
            return
        try:
            answer = await self._serve(request, segments, send)
        except GessoError as error:
            answer = explain(error, NO_TASK if isinstance(error, TaskUnknown) else None)
        if answer is not None:
            await answer.send(send)

    def pages(self) -> Sequence[BaseRoute]:
        return pages_txt.routes(self._services.catalog, self._owners)

    def internal(self) -> Answer:
        return FAILED

    async def notice(self, task: Task) -> bytes:
        """The body of the webhook that tells of the task's end."""
        return self._encoder.notice(task, await self._owners.absent_viewer(task.project_id))

    async def _serve(self, request: Request, segments: list[str], send: Send) -> Answer | None:
        """The answer, or None when it has been sent in pieces."""
        if request.method == "POST":
            if segments[0] == "Run" and len(segments) == 3:
                return await self._run(request, segments)
            if segments[0] == "Run" and len(segments) == 4 and segments[3] == "sync":
                return await self._run_sync(request, segments, send)
            route = self._routes.get(tuple(segments))
            if route is not None:
                return await route(request)
        elif request.method == "GET" and segments == ["Task", "Stream"]:
            return await self._streams.serve(request, send)
        elif request.method in ("GET", "HEAD") and segments[0] == "File" and len(segments) in (2, 3):
            return await self._file(request, segments[1], send)
        return UNKNOWN_ROUTE

    async def _socket(self, segments: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        if segments == [""]:
            await socket.serve(self._services, self._owners, scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    async def _run(self, request: Request, segments: list[str]) -> Answer:
        task, _ = await self._submit(request, segments)
        return told(submitted(task))

    async def _run_sync(self, request: Request, segments: list[str], send: Send) -> None:
        if wants_stream(request):
            with self._services.tasks.subscribe_early() as early:
                task, project = await self._submit(request, segments, is_sync=True, on_new=early.subscribe)
                await self._waiting.stream(task, self._owners.viewer(request, project), request, send, early)
        else:
            task, project = await self._submit(request, segments, is_sync=True, is_awaited=True)
            await self._waiting.answer(task, self._owners.viewer(request, project), request, send)

    async def _submit(
        self,
        request: Request,
        segments: list[str],
        is_sync: bool = False,
        is_awaited: bool = False,
        on_new: Callable[[int], None] | None = None,
    ) -> tuple[Task, Project]:
        services = self._services
        if not services.is_accepting():
            # Told before a body of many megabytes is read; the service would refuse it after.
            raise Unavailable("the server is starting or stopping")
        project, author = await self._calls.asker(request)
        model = services.catalog.find(decode.slug(segments[1]), decode.slug(segments[2]))
        if is_sync and model.is_trainer:
            raise ParameterNotAllowed("sync", "a training takes too long to be waited for; run it without /sync")
        body = await self._calls.body(request, BODY_MAX_BYTES)
        try:
            once, origins = once_of(request.headers, model, body), self._owners.origins(request)
            order = self._forms[model.name].order(project, body, origins, once, author, is_awaited)
        except GessoError:
            await self._calls.forget(body)
            raise
        return await services.submission.submit(order, on_new), project

    async def _detail(self, request: Request) -> Answer:
        project, task = await self._named(request)
        return self._tell(request, project, task)

    async def _cancel(self, request: Request) -> Answer:
        project, task = await self._named(request)
        return self._tell(request, project, await self._services.tasks.cancel(task))

    async def _kill(self, request: Request) -> Answer:
        project, task = await self._named(request)
        return self._tell(request, project, await self._services.tasks.kill(task))

    async def _file(self, request: Request, access_key: str, send: Send) -> Answer | None:
        try:
            file, path = await self._services.files.open(access_key)
            await deliver(file, path, request, send)
        except FileUnknown as error:
            return explain(error, status=404)
        return None

    async def _named(self, request: Request) -> tuple[Project, Task]:
        """The Project that asks and the Task that it asks about."""
        project = await self._calls.project(request)
        task_id, token = decode.task_reference(await self._calls.fields(request))
        return project, await self._services.tasks.find(project, task_id, token)

    def _tell(self, request: Request, project: Project, task: Task) -> Answer:
        return Answer(self._encoder.answer(task, self._owners.viewer(request, project)))
