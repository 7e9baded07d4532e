"""The dashboard, the status of the server, and the administration of who owns it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer, web_server
from playwright.sync_api import Page, expect

ROOMS = ("/admin", "/admin/users", "/admin/webhooks", "/admin/reports", "/admin/settings")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One of its own: another test's model would take the room of the one that is loaded here."""
    live = LiveServer(tmp_path_factory.mktemp("data"), signup="open")
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="module")
def owner(server: LiveServer) -> Owner:
    return sign_up(server, "maya@example.com")


@pytest.fixture(scope="module")
def guest(server: LiveServer, owner: Owner) -> Owner:
    """Somebody who owns nothing but a project."""
    return sign_up(server, "guest@example.com")


def test_the_first_steps_lead_a_newcomer_to_a_picture(new_page: Callable[..., Page], guest: Owner) -> None:
    page = new_page(guest)
    page.goto("/dashboard")
    page.click("text=Fill a picture")
    expect(page.locator("h1")).to_contain_text("heal")


def test_the_dashboard_is_for_members(new_page: Callable[..., Page], server: LiveServer) -> None:
    page = new_page()
    page.goto("/dashboard")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/dashboard"))


@pytest.mark.parametrize("room", ROOMS)
def test_the_administration_is_closed_to_others(new_page: Callable[..., Page], guest: Owner, room: str) -> None:
    page = new_page(guest, allowed=(403,))
    answer = page.goto(room)
    assert answer is not None
    assert answer.status == 403
    assert page.request.post(room, form={"do": "delete", "email": "maya@example.com"}).status in (403, 405)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_of_the_administration_opens(page: Page, room: str) -> None:
    page.goto(room)
    expect(page.locator("h1")).to_have_text("Administration")
    expect(page.locator(".tabs [aria-current]")).to_have_count(1)


def test_a_model_is_loaded_and_unloaded(page: Page) -> None:
    page.goto("/admin")
    row = page.locator("tr", has_text="gesso/echo")
    row.get_by_role("button", name="Load", exact=True).click()
    expect(row.locator(".pill")).to_have_text("Loaded")
    page.goto("/status")
    expect(page.locator("tr", has_text="gesso/echo").locator(".pill")).to_have_text("Loaded")
    page.goto("/admin")
    row.get_by_role("button", name="Unload").click()
    expect(row.locator(".pill")).to_have_text("Ready")


def test_weights_are_fetched_only_after_their_licence_was_accepted(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(owner, allowed=(400,))
    page.goto("/admin")
    token = page.locator("body").get_attribute("data-csrf")
    fields = {"csrf": token or "", "do": "pull", "model": "black-forest-labs/FLUX.1-Fill-dev"}
    answer = page.request.post("/admin/models", form=fields)
    assert answer.status == 400
    assert "Accept the licence" in answer.text()


def test_a_user_is_made_and_deleted(page: Page, new_page: Callable[..., Page]) -> None:
    page.goto("/admin/users")
    page.fill("#email", "new@example.com")
    page.fill("#password", "another long phrase")
    page.get_by_role("button", name="Create").click()
    row = page.locator("tr", has_text="new@example.com")
    expect(row).to_be_visible()
    row.locator("summary").click()
    row.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def test_a_weak_password_is_refused_with_what_to_do(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(owner, allowed=(400,))
    page.goto("/admin/users")
    page.fill("#email", "weak@example.com")
    page.fill("#password", "short")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("10 characters")
    expect(page.locator("#email")).to_have_value("weak@example.com")


def test_a_report_is_dealt_with(page: Page, server: LiveServer, owner: Owner) -> None:
    server.call(lambda: server.house.services.comments.report(owner.user, "gesso/echo", "it says nothing new"))
    page.goto("/admin/reports")
    report = page.locator("article", has_text="it says nothing new")
    report.get_by_role("button").click()
    expect(report).to_have_count(0)


def test_a_webhook_is_listed_with_its_tries_and_sent_again(page: Page, server: LiveServer) -> None:
    with web_server({}) as receiver, server.client(server.key) as client:
        ended = client.post("/Run/gesso/echo/sync", json={"text": "hello", "callbackUrl": f"{receiver}/told"}).json()
        page.goto(f"/admin/webhooks?task={ended['tasklist'][0]['id']}")
        row = page.locator("tr", has_text=f"{receiver}/told")
        row.get_by_role("button", name="Send again").click()
        expect(page.locator("tr", has_text=f"{receiver}/told")).to_be_visible()


def test_settings_show_what_was_chosen_and_no_password(page: Page) -> None:
    page.goto("/admin/settings")
    expect(page.locator("tr", has_text="signup").locator(".pill")).to_have_text("chosen")
