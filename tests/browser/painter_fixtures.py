"""Fixtures for tests of the painter: its page, opened, with the hands to work on it. conftest.py hands them to the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from painter_page import Painter, painter_app, serving
from playwright.sync_api import Browser, Page

Open = Callable[..., Painter]


@pytest.fixture(scope="module")
def painter_address() -> Iterator[str]:
    with serving(painter_app()) as url:
        yield url


@pytest.fixture(scope="module")
def painter_windows(browser: Browser) -> Iterator[dict[str, Page]]:
    """Pages by their options: making one takes longer than most tests."""
    opened: dict[str, Page] = {}
    yield opened
    for page in opened.values():
        page.context.close()


@pytest.fixture
def open_painter(browser: Browser, painter_address: str, painter_windows: dict[str, Page]) -> Iterator[Open]:
    """Opens the page with the painter; what it logs as an error or asks of another origin fails the test."""
    complaints: list[str] = []
    listening: list[tuple[Page, str, Callable[..., object]]] = []

    def listen(page: Page, event: str, complaint: Callable[..., str | None]) -> None:
        def note(told: object) -> None:
            text = complaint(told)
            if text:
                complaints.append(text)

        page.on(event, note)
        listening.append((page, event, note))

    def make(width: int = 1100, height: int = 800, scale: float = 1, query: str = "", **options: object) -> Painter:
        key = f"{scale} {options}"
        if key not in painter_windows:
            context = browser.new_context(base_url=painter_address, device_scale_factor=scale, reduced_motion="reduce", **options)
            context.set_default_timeout(60_000)
            painter_windows[key] = context.new_page()
        page = painter_windows[key]
        page.set_viewport_size({"width": width, "height": height})
        listen(page, "pageerror", lambda error: f"script: {error}")
        listen(page, "console", lambda message: f"console: {message.text}" if message.type in ("error", "warning") else None)
        listen(page, "request", lambda asked: None if asked.url.startswith((painter_address, "blob:")) else f"another origin: {asked.url}")
        page.goto(f"/painter?{query}")
        return Painter(page)

    yield make
    for page in {page for page, _, _ in listening}:
        page.mouse.up()
        page.evaluate("localStorage.clear(); document.querySelector('g-mask-editor')._autosave.forget()")
    for page, event, note in listening:
        page.remove_listener(event, note)
    assert not complaints


@pytest.fixture
def painter(open_painter: Open) -> Painter:
    """A painter with a picture of 400 x 300 and a brush of 40 pixels."""
    opened = open_painter()
    opened.open()
    opened.size(40)
    return opened
