"""What every page needs: who asks, a template with the frame around it, and a page for whatever goes wrong."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gesso.api.request import Request as Call
from gesso.domain.errors import (
    FileUnknown,
    FolderUnknown,
    GessoError,
    ModelUnknown,
    ProjectUnknown,
    RoleTooLow,
    TaskUnknown,
    TooManyAttempts,
    Unavailable,
    UserUnknown,
)
from gesso.services.accounts import Sender
from gesso.services.offer import Services
from gesso.web.render import HEADERS, Renderer
from gesso.web.static import Static
from gesso.web.visitor import Visitor, visitor_of

log = structlog.get_logger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
_UNKNOWN = (FileUnknown, FolderUnknown, ModelUnknown, ProjectUnknown, TaskUnknown, UserUnknown)
_TITLES = {
    400: "That could not be read",
    403: "You may not do that",
    404: "There is nothing here",
    405: "There is nothing here",
    429: "Too many attempts",
    500: "Something went wrong in the server",
    503: "Not just now",
}


class SignInNeeded(Exception):
    """The page is for somebody who is signed in."""


class Site:
    """Handed to every room of pages."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.static = Static()
        self.renderer = Renderer(self.static)

    async def visitor(self, request: Request) -> Visitor:
        return await visitor_of(request, self.services)

    async def member(self, request: Request) -> Visitor:
        """A visitor who is signed in. Errors: SignInNeeded."""
        visitor = await self.visitor(request)
        if visitor.user is None:
            raise SignInNeeded
        return visitor

    async def administrator(self, request: Request) -> Visitor:
        """Errors: SignInNeeded, RoleTooLow."""
        visitor = await self.member(request)
        if visitor.user is None or not visitor.user.is_admin:
            raise RoleTooLow
        return visitor

    def page(self, request: Request, visitor: Visitor, template: str, status: int = 200, **context: Any) -> Response:
        """A whole page. `context` needs what the template names; `nav` is the entry of the header that it belongs to."""
        return self.renderer.page(template, self._frame(request, visitor) | context, status)

    def part(self, request: Request, visitor: Visitor, template: str, **context: Any) -> Response:
        """A piece of a page, for a script to put in its place."""
        return self.page(request, visitor, template, **context)

    def origin(self, request: Request) -> str:
        """The origin of this server as the visitor, or its settings, name it."""
        return self.services.public_url or Call(request.scope, request.receive).origin()

    def route(self, path: str, endpoint: Endpoint, methods: tuple[str, ...] = ("GET",)) -> BaseRoute:
        @functools.wraps(endpoint)
        async def guarded(request: Request) -> Response:
            try:
                return await endpoint(request)
            except SignInNeeded:
                where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                there = f"/sign-in?next={quote(where, safe='/')}" if request.method == "GET" else "/sign-in"
                return RedirectResponse(there, 303, HEADERS)
            except GessoError as error:
                return await self.failed(request, _status(error), str(error))
            except HTTPException:
                raise
            except Exception:
                log.exception("a page failed", path=request.url.path)
                return await self.failed(request, 500)

        return Route(path, guarded, methods=list(methods))

    async def failed(self, request: Request, status: int, reason: str = "") -> Response:
        """The page of an error. It must appear whatever is broken, so a visitor who cannot be found is a stranger."""
        try:
            visitor = await self.visitor(request)
        except Exception:
            visitor = Visitor(_nobody(request))
        request_id = structlog.contextvars.get_contextvars().get("request_id", "")
        context = {"status": status, "heading": _TITLES.get(status, _TITLES[500]), "reason": reason, "request_id": request_id}
        return self.renderer.page("failed.html", self._frame(request, visitor) | context, status)

    async def failed_elsewhere(self, request: Request, error: Exception) -> Response:
        """For what no route serves."""
        return await self.failed(request, error.status_code if isinstance(error, HTTPException) else 500)

    def _frame(self, request: Request, visitor: Visitor) -> dict[str, Any]:
        return {
            "visitor": visitor,
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "nav": "",
            "is_accepting": self.services.is_accepting(),
            # The accelerator where there is one, else the processor.
            "device": next(reversed(self.services.machine.station.devices()), None),
        }


def _status(error: GessoError) -> int:
    if isinstance(error, _UNKNOWN):
        return 404
    if isinstance(error, RoleTooLow):
        return 403
    if isinstance(error, TooManyAttempts):
        return 429
    return 503 if isinstance(error, Unavailable) else 400


def _nobody(request: Request) -> Sender:
    return Sender(request.client.host if request.client else "")
