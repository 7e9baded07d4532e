"""A page with nothing but the painter, from the real static files and under the real content policy, and the gestures that tests make on it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gesso.web.render import HEADERS
from gesso.web.static import Static

_PAGE = """\
<!doctype html>
<html lang="en" data-theme="{theme}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Painter</title>
<link rel="stylesheet" href="{style}"><link rel="icon" href="{mark}" type="image/svg+xml">
<script type="module" src="{script}"></script></head>
<body><svg class="sprite" aria-hidden="true" width="0" height="0">{sprite}</svg>
<main class="wrap"><h1>Painter</h1><g-mask-editor autosave="test" proxy="/fetch?url=" {attributes}></g-mask-editor>
<label for="prompt">Prompt</label><textarea id="prompt" class="textarea"></textarea></main></body></html>
"""


def painter_app() -> Starlette:
    static = Static()

    async def page(request: Request) -> Response:
        theme = "dark" if request.query_params.get("theme") == "dark" else "light"
        attributes = "multiple=16" if request.query_params.get("multiple") == "16" else ""
        text = _PAGE.format(
            theme=theme,
            attributes=attributes,
            style=static.url("gesso.css"),
            mark=static.url("mark.svg"),
            script=static.url("js/mask-editor.js"),
            sprite=Markup(static.sprite),
        )
        return HTMLResponse(text, headers=HEADERS)

    return Starlette(routes=[Route("/painter", page), *static.routes()])


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The app on a free port of this machine; yields its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
