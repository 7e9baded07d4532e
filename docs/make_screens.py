"""Makes the pictures of the pages that the documentation shows, in a real browser on a server of its own.

python docs/make_screens.py        (needs the development dependencies and chromium)
"""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 1440, 900
PATIENCE_MS = 60_000
START_TRIES = 200
# The outline of the boat in the sample, as shares of the picture's width and height.
BOAT = ((0.33, 0.84), (0.35, 0.63), (0.47, 0.58), (0.62, 0.58), (0.76, 0.65), (0.78, 0.84), (0.68, 0.92), (0.42, 0.92))


@contextmanager
def serve() -> Iterator[str]:
    """The address of a fresh server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="gesso-screens-") as data:
        command = [sys.executable, "-m", "gesso", "serve", "--port", str(port), "--data", data]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            assert server.stdout is not None
            # It says so when it is ready.
            for _ in range(START_TRIES):
                if b"http" in server.stdout.readline():
                    break
            url = f"http://127.0.0.1:{port}"
            urllib.request.urlopen(f"{url}/readyz").close()  # noqa: S310
            yield url
        finally:
            server.terminate()
            server.wait(30)


def keep(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    picture.save(PICTURES / f"{name}.webp", quality=85)


def own(page: Page) -> None:
    page.goto("/sign-up")
    page.fill("#email", "maya@example.com")
    page.fill("#password", "a long pass phrase")
    page.click("main button.primary")


def paint_boat(page: Page) -> None:
    page.goto("/models/gesso/heal")
    page.get_by_role("button", name="Boat on the shore").click()
    picture = page.locator(".stage-picture img")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box is not None
    page.get_by_role("button", name="Lasso").click()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in BOAT]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in (*corners[1:], corners[0]):
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    expect(page.locator(".stage-summary")).to_contain_text("masked")


def heal(page: Page) -> None:
    page.click("[data-run]")
    expect(page.locator("[data-go]")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("g-compare").first).to_be_visible(timeout=PATIENCE_MS)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with serve() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=url, viewport={"width": WIDTH, "height": HEIGHT})
        own(page)
        paint_boat(page)
        page.mouse.wheel(0, 190)
        page.mouse.move(5, 5)
        keep(page, "mask")
        heal(page)
        page.mouse.move(5, 5)
        keep(page, "compare")
        page.goto("/tasks?tab=models")
        page.locator("tbody .title").first.click()
        expect(page.locator("g-compare").first).to_be_visible()
        page.emulate_media(color_scheme="dark")
        keep(page, "tasks")
        page.goto("/models/gesso/heal/api")
        keep(page, "api")
        browser.close()


if __name__ == "__main__":
    main()
