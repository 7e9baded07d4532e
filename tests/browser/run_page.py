"""The Run tab as tests use it: open it, paint, run, and hold the one worker so that what is queued stays queued."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from browser_people import Owner
from browser_server import LiveServer, socket_to
from PIL import Image
from playwright.sync_api import Page, Request, expect

ECHO = "/models/gesso/echo"
HEAL = "/models/gesso/heal"
PICTURE_SIZE = (160, 120)
LONG_MS = 60_000


def photograph(seed: int = 1) -> bytes:
    """A PNG of soft clouds, 160 x 120."""
    width, height = PICTURE_SIZE
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    told = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(told, "PNG")
    return told.getvalue()


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


class RunPage:
    def __init__(self, page: Page, server: LiveServer, owner: Owner) -> None:
        self.page = page
        self.server = server
        self.owner = owner
        self.sent: list[Request] = []
        page.on("request", lambda asked: self.sent.append(asked) if asked.method == "POST" and "/v1/Run/" in asked.url else None)

    def open(self, path: str = ECHO) -> RunPage:
        self.page.goto(path)
        return self.ready()

    def ready(self) -> RunPage:
        expect(self.page.locator("html[data-ready=run]")).to_be_attached()
        return self

    def fill(self, **values: Any) -> RunPage:
        for name, value in values.items():
            self.page.fill(f"[name={name}]", str(value))
        return self

    def run(self) -> None:
        self.page.click("[data-run]")

    def load(self, png: bytes | None = None) -> None:
        """Choose a picture, as from the disk."""
        file = {"name": "clouds.png", "mimeType": "image/png", "buffer": photograph() if png is None else png}
        self.page.locator("g-mask-editor input[type=file]").first.set_input_files(file)
        expect(self.page.locator(".stage-picture img")).to_be_visible()
        expect(self.page.locator(".stage-summary")).to_contain_text("160 × 120")

    def paint(self) -> None:
        """A stroke near the middle."""
        at = self.page.locator(".stage-view").bounding_box()
        assert at is not None
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        self.page.mouse.move(x - 20, y - 10)
        self.page.mouse.down()
        self.page.mouse.move(x + 20, y + 10, steps=4)
        self.page.mouse.up()
        expect(self.page.locator(".stage-summary")).to_contain_text("masked")

    def tasks(self) -> list[dict[str, Any]]:
        """The runs of the tab, newest first."""
        model = self.page.locator("g-param-form").get_attribute("data-model")
        return json.loads(self.page.evaluate("name => sessionStorage.getItem('g:runs:' + name)", model))

    def asked(self, index: int = 0) -> dict[str, Any]:
        """What the server was asked for, by its own record: values as they are, files as their bytes."""
        parameters = self.record(self.tasks()[index]["id"])["parameters"]
        return {name: self._bytes(value) for name, value in parameters.items()}

    def _bytes(self, value: Any) -> Any:
        return self.page.request.get(value).body() if isinstance(value, str) and "/v1/File/" in value else value

    def done(self) -> None:
        """Wait for the form to come back."""
        # Both at once: while a run is being sent the form is there still, and while it is followed the word is there already.
        expect(self.page.locator("[data-go]:not([hidden]) [data-run-word]")).to_have_text("Run again", timeout=LONG_MS)

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the page go on until something holds that only this process can see."""
        for _ in range(LONG_MS // 20):
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("it never came to hold")

    def record(self, task_id: str) -> dict[str, Any]:
        return self.ask("/Task/Detail", taskid=task_id)["tasklist"][0]

    def ask(self, path: str, **fields: Any) -> dict[str, Any]:
        """A call of the API for the project of the page."""
        headers = {"x-gesso-project": self.owner.project.uuid, "origin": self.server.url}
        answer = self.page.request.post(f"/v1{path}", data=fields, headers=headers).json()
        assert answer["result"], answer
        return answer

    @contextmanager
    def busy_worker(self) -> Iterator[dict[str, str]]:
        """The one worker held by a run of another project; what else is queued stays so until the block ends."""
        with self.server.client(self.server.key) as client:
            held = client.post("/Run/gesso/echo", json={"delay": 3600, "steps": 100}).json()
            try:
                with socket_to(self.server) as socket:
                    socket.register(held["socketaccesstoken"])
                    socket.until("task_start")
                yield held
            finally:
                client.post("/Task/Kill", json={"tasktoken": held["socketaccesstoken"]})
