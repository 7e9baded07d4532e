"""A live server and Debian's chromium for all tests of pages. A page that logs an error or asks another origin fails its test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer
from painter_fixtures import open_painter, painter, painter_address, painter_windows  # noqa: F401 - fixtures
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What a page does by itself takes milliseconds; the machine that tests it may have other things to do.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
_CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _CHROMIUM is None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no chromium: apt-get install chromium"))


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    # Not for the session: Playwright keeps an event loop running in this thread, in which no other test could run one.
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("data"), signup="open")
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def owner(server: LiveServer) -> Owner:
    """Who signed up first, and so owns the server."""
    return sign_up(server, "maya@example.com")


@pytest.fixture
def new_page(browser: Browser, server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Makes pages: `new_page(owner, width=390, theme="dark")`. `allowed`: statuses of answers that belong to the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(
        who: Owner | None = None,
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        allowed: tuple[int, ...] = (),
        **options: object,
    ) -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if who is not None:
            context.add_cookies([{"name": "gesso_session", "value": who.token, "url": server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("console", lambda message: _note_console(message, allowed, complaints))
        page.on("request", lambda request: _note_request(request.url, server.url, complaints))
        page.on("response", lambda answer: _note_answer(answer.status, answer.url, allowed, complaints))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def page(new_page: Callable[..., Page], owner: Owner) -> Page:
    """A page of the server's owner at desktop size."""
    return new_page(owner)


def _note_console(message, allowed: tuple[int, ...], complaints: list[str]) -> None:
    # The browser logs answers of 400 and above itself; these are judged by their status.
    if message.type in ("error", "warning") and not (allowed and "Failed to load resource" in message.text):
        complaints.append(f"console: {message.text}")


def _note_request(url: str, origin: str, complaints: list[str]) -> None:
    if not url.startswith((origin, origin.replace("http", "ws", 1), "blob:", "data:")):
        complaints.append(f"another origin: {url}")


def _note_answer(status: int, url: str, allowed: tuple[int, ...], complaints: list[str]) -> None:
    if status >= 400 and status not in allowed:
        complaints.append(f"{status}: {url}")
