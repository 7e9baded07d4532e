"""Who comes to a fresh server first. Check 55 of the pages' specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from browser_people import PASSWORD
from browser_server import LiveServer
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One that nobody has seen yet."""
    live = LiveServer(tmp_path_factory.mktemp("fresh"), signup="open")
    live.start()
    yield live
    live.stop()


def test_the_first_owns_the_server_and_the_second_does_not(new_page: Callable[..., Page], server: LiveServer) -> None:
    first, second = new_page(), new_page(allowed=(403,))
    # Whoever wants to sign in to a server without users is led to where it gets its owner.
    first.goto("/sign-in")
    expect(first.get_by_role("heading", name="Make this server yours")).to_be_visible()
    _sign_up(first, "first@example.com")
    first.goto("/admin")
    expect(first.locator("h1")).to_have_text("Administration")
    second.goto("/sign-up")
    expect(second.get_by_role("heading", name="Make this server yours")).to_have_count(0)
    _sign_up(second, "second@example.com")
    second.goto("/admin")
    expect(second.locator("h1")).to_have_text("You may not do that")
    # Each of them can run something at once: a project is there.
    for page in (first, second):
        page.goto("/dashboard")
        expect(page.get_by_text("My project").first).to_be_visible()


def _sign_up(page: Page, email: str) -> None:
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button.primary")
    expect(page.locator("[aria-label^='Account:']")).to_be_visible()
