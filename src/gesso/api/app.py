"""The ASGI application: dialects, health, and pages around them, under one edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gesso.api.dialect import Dialect, Services
from gesso.api.edge import Edge
from gesso.api.wiro.routes import Wiro

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>gesso</title>'
    '<h1>gesso</h1><p>The API is at <code>/v1</code>. <a href="/healthz">Health</a></p></html>'
)
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
) -> ASGIApp:
    """`metrics`: the counters in Prometheus' text format. `pages`: routes that come before the plain page at `/`."""

    async def home(request: Request) -> Response:
        return HTMLResponse(_PAGE)

    async def is_alive(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def is_ready(request: Request) -> Response:
        return PlainTextResponse("ready") if services.is_accepting() else PlainTextResponse("not accepting tasks", 503)

    async def counters(request: Request) -> Response:
        return Response(metrics(), headers={"content-type": _METRICS_TYPE})

    routes = [
        *(route for dialect in dialects for route in dialect.pages()),
        *pages,
        Route("/", home),
        Route("/healthz", is_alive),
        Route("/readyz", is_ready),
        Route("/metrics", counters),
    ]
    # Outside of Starlette, whose own layers would be on the way of every call of a dialect.
    return Edge(Starlette(routes=routes), dialects)
