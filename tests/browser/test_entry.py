"""The way in: the first visitor owns the server, later ones sign in, and the theme stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_people import PASSWORD, Owner
from browser_server import LiveServer
from playwright.sync_api import Page, expect


@pytest.fixture
def stranger(new_page: Callable[..., Page]) -> Page:
    return new_page(allowed=(400, 403, 404))


def test_a_wrong_password_is_refused_and_the_address_stays(stranger: Page, owner: Owner) -> None:
    stranger.goto("/sign-in")
    stranger.fill("#email", owner.user.email)
    stranger.fill("#password", "no, another phrase")
    stranger.click("main button")
    expect(stranger.get_by_role("alert")).to_be_visible()
    expect(stranger.locator("#email")).to_have_value(owner.user.email)


def test_who_signs_in_comes_back_to_where_they_were(stranger: Page, owner: Owner) -> None:
    stranger.goto("/sign-in?next=/sign-up")
    stranger.fill("#email", owner.user.email)
    stranger.fill("#password", PASSWORD)
    stranger.click("main button")
    expect(stranger.locator(".face")).to_be_visible()


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com", "/\\example.com", "javascript:alert(1)"])
def test_the_way_in_never_leads_to_another_site(stranger: Page, owner: Owner, server: LiveServer, elsewhere: str) -> None:
    stranger.goto(f"/sign-in?next={elsewhere}")
    stranger.fill("#email", owner.user.email)
    stranger.fill("#password", PASSWORD)
    stranger.click("main button")
    expect(stranger.locator(".face")).to_be_visible()
    assert stranger.url.startswith(f"{server.url}/")


def test_the_theme_is_kept_by_the_server(page: Page) -> None:
    page.goto("/forgot")
    page.click("[data-theme-form] button")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    # The server writes it into the page, so that nothing flashes.
    assert 'data-theme="dark"' in page.request.get("/forgot").text()


def test_what_is_not_there_is_told_as_a_page(stranger: Page) -> None:
    answer = stranger.goto("/nothing-of-that-name")
    assert answer is not None
    assert answer.status == 404
    expect(stranger.locator("h1")).to_have_text("There is nothing here")
