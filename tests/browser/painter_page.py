"""A page with nothing but the painter, from the real static files under the real content policy, and the hands of the tests."""

from __future__ import annotations

import base64
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import uvicorn
from markupsafe import Markup
from PIL import Image
from playwright.sync_api import Page
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
_TO_BASE64 = """
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return [file.name, file.type, btoa(text)];
"""


def painter_app() -> Starlette:
    static = Static()

    async def page(request: Request) -> Response:
        query = request.query_params
        text = _PAGE.format(
            theme="dark" if query.get("theme") == "dark" else "light",
            attributes=f"multiple={int(query.get('multiple', '1'))} account={int(query.get('account', '1'))}",
            style=static.url("gesso.css"),
            mark=static.url("mark.svg"),
            script=static.url("js/mask-editor.js"),
            sprite=Markup(static.sprite),
        )
        return HTMLResponse(text, headers={**HEADERS, "x-modules": static.url("js/mask-editor.js").removesuffix("mask-editor.js")})

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


def png(pixels: np.ndarray) -> bytes:
    """A PNG of pixels [height, width] or [height, width, channels] of bytes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def disc(height: int, width: int, x: float, y: float, radius: float) -> np.ndarray:
    """The pixels [height, width] whose centres lie in a disc."""
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


class Painter:
    """What a person can do with the painter on a page, and what comes out of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.view = page.locator(".stage-view")

    def open(self, width: int = 400, height: int = 300) -> None:
        """A picture of that size, drawn in the page."""
        self.page.evaluate(
            """async ([width, height]) => {
              const canvas = Object.assign(document.createElement("canvas"), { width, height });
              const context = canvas.getContext("2d");
              context.fillStyle = "#7a9a8a";
              context.fillRect(0, 0, width, height);
              const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
              await document.querySelector("g-mask-editor").setPicture(blob, { name: "meadow.png" });
            }""",
            [width, height],
        )
        self.settle()

    def settle(self) -> None:
        """Waits until what was asked for is on the screen."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def call(self, expression: str, value: object = None) -> object:
        """JavaScript with `editor` and `value`."""
        return self.page.evaluate(
            f"async (value) => {{ const editor = document.querySelector('g-mask-editor'); return {expression}; }}", value
        )

    def until(self, condition: str) -> None:
        """Waits for a condition with `editor`; Playwright's own way of waiting evaluates text in the page, which its policy forbids."""
        self.page.evaluate(
            f"""async () => {{
              const editor = document.querySelector("g-mask-editor");
              for (const end = performance.now() + 60000; performance.now() < end; await new Promise(requestAnimationFrame))
                if ({condition}) return;
              throw new Error("waited in vain");
            }}"""
        )

    def places(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        """Where places of the picture are on the page."""
        left, top, scale = self.call(
            "(({ left, top }, { scale, tx, ty }) => [left + tx, top + ty, scale])"
            "(editor._desk.stage.element.getBoundingClientRect(), editor.transform)"
        )
        return [(left + x * scale, top + y * scale) for x, y in points]

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.places((x, y))[0]

    def stroke(self, *points: tuple[float, float], button: str = "left", steps: int = 4) -> None:
        """Press at the first point of the picture, move over the others, let go."""
        first, *others = self.places(*points)
        self.page.mouse.move(*first)
        self.page.mouse.down(button=button)
        for place in others:
            self.page.mouse.move(*place, steps=steps)
        self.page.mouse.up(button=button)

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def press(self, *keys: str) -> None:
        """Keys while the stage has the focus."""
        self.view.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def size(self, pixels: int) -> None:
        self.call("(editor._desk.settings.set({ brushSize: value, eraserSize: value }), null)", pixels)

    def file(self, expression: str) -> tuple[str, str, Image.Image]:
        """Name, type and picture of a File that an expression promises."""
        found = self.page.evaluate(
            f"async () => {{ const editor = document.querySelector('g-mask-editor'); const file = await {expression}; {_TO_BASE64} }}"
        )
        return found[0], found[1], Image.open(io.BytesIO(base64.b64decode(found[2])))

    def mask(self) -> np.ndarray:
        """The mask [height, width] as the server would get it."""
        return np.array(self.file("editor.maskFile()")[2])

    def digest(self) -> str:
        """Of the mask's bytes and the extension, without the way through a file."""
        return self.call(
            "editor.toJSON().extend.right + ',' + Array.from(new Uint8Array("
            "await crypto.subtle.digest('SHA-256', editor._desk.board.plane.data))).join()"
        )
