"""The ASGI application: dialects, health, and pages around them, under one edge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gesso.api.dialect import Dialect, Services
from gesso.api.edge import Edge
from gesso.api.wiro.routes import Wiro

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def _no_metrics() -> bytes:
    return b""


def build_dialects(services: Services) -> tuple[Dialect, ...]:
    """Every wire language that this server speaks."""
    return (Wiro(services),)


def build_app(
    services: Services,
    dialects: Sequence[Dialect],
    metrics: Callable[[], bytes] = _no_metrics,
    pages: Sequence[BaseRoute] = (),
    failed: Callable[[Request, Exception], Awaitable[Response]] | None = None,
) -> ASGIApp:
    """`metrics`: the counters in Prometheus' text format. `pages`: routes of pages for people; `failed` answers where there is none."""

    async def is_alive(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def is_ready(request: Request) -> Response:
        refusal = await services.acceptance.refusal()
        return PlainTextResponse(f"not accepting tasks: {refusal}", 503) if refusal else PlainTextResponse("ready")

    async def counters(request: Request) -> Response:
        return Response(metrics(), headers={"content-type": _METRICS_TYPE})

    routes = [
        *(route for dialect in dialects for route in dialect.pages()),
        Route("/healthz", is_alive),
        Route("/readyz", is_ready),
        Route("/metrics", counters),
        *pages,
    ]
    # Outside of Starlette, whose own layers would be on the way of every call of a dialect.
    handlers = {HTTPException: failed} if failed else None
    return Edge(Starlette(routes=routes, exception_handlers=handlers), dialects)
