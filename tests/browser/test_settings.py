"""One's own account: password, second factor, sessions, theme, and leaving."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from browser_people import PASSWORD, Owner, sign_up
from browser_server import LiveServer
from playwright.sync_api import Page, expect

from gesso.domain import second_factor
from gesso.domain.project import AuthMethod, Role
from gesso.services.accounts import Sender

ELSEWHERE = Sender("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


@pytest.fixture
def who(server: LiveServer, owner: Owner, request: pytest.FixtureRequest) -> Owner:
    return sign_up(server, f"{abs(hash(request.node.name))}@example.com")


def _code(secret: str) -> str:
    return second_factor.code(secret, second_factor.step_at(time.time_ns() // 1_000))


def test_a_stranger_is_asked_to_sign_in(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/settings/second-factor")
    expect(page.locator("#password")).to_be_visible()
    assert "next=/settings/second-factor" in page.url


def test_the_theme_is_kept_over_a_reload_without_a_flash(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who)
    page.goto("/settings")
    page.click(".settings .segments button:has-text('Dark')")
    expect(page.locator(".settings [aria-pressed=true]")).to_have_text("Dark")
    answer = page.goto("/settings")
    assert answer is not None
    assert '<html lang="en" data-theme="dark">' in answer.text(), "the server prints it, so nothing changes while the page loads"
    page.click(".settings .segments button:has-text('Like the system')")
    expect(page.locator("html")).to_have_attribute("data-theme", "system")


def test_another_password_ends_all_other_sessions(new_page: Callable[..., Page], server: LiveServer, who: Owner) -> None:
    users = server.house.services.users
    server.call(lambda: users.sign_in(who.user.email, PASSWORD, ELSEWHERE))
    page = new_page(who, allowed=(400,))
    page.goto("/settings")
    expect(page.get_by_text("Firefox on Linux")).to_be_visible()
    page.fill("#password", "not the password")
    page.fill("#new_password", "another long pass phrase")
    page.click("text=Change the password")
    expect(page.locator("[role=alert]")).to_be_visible()
    page.fill("#password", PASSWORD)
    page.fill("#new_password", "short")
    page.click("text=Change the password")
    expect(page.locator("[role=alert]")).to_contain_text("10 characters are the least")
    page.fill("#password", PASSWORD)
    page.fill("#new_password", "another long pass phrase")
    page.click("text=Change the password")
    expect(page.locator(".notice")).to_contain_text("Your password is changed")
    expect(page.get_by_text("Firefox on Linux")).to_have_count(0)
    assert "pass phrase" not in page.content()


def test_a_session_can_be_ended(new_page: Callable[..., Page], server: LiveServer, who: Owner) -> None:
    elsewhere = server.call(lambda: server.house.services.users.sign_in(who.user.email, PASSWORD, ELSEWHERE)).token
    page = new_page(who)
    page.goto("/settings")
    page.get_by_label("End the session of Firefox on Linux").click()
    expect(page.get_by_text("Firefox on Linux")).to_have_count(0)
    other = new_page(Owner(who.user, elsewhere, who.project))
    other.goto("/settings")
    expect(other.locator("#password")).to_be_visible()
    page.reload()
    expect(page.locator("h1")).to_have_text("Settings")


def test_a_second_factor_is_set_up_asked_for_and_dropped(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who, allowed=(400,))
    page.goto("/settings")
    page.click("text=Set it up")
    secret = page.locator("[data-secret=factor]").inner_text().replace(" ", "")
    expect(page.locator(".otpauth")).to_contain_text(f"secret={secret}")
    assert (page.locator("svg.qr path").get_attribute("d") or "").count("M") > 100
    page.fill("#code", "000000" if _code(secret) != "000000" else "111111")
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Turn it on')")
    expect(page.locator("[role=alert]")).to_be_visible()
    assert page.locator("[data-secret=factor]").inner_text().replace(" ", "") == secret, "the telephone has this one already"
    page.fill("#code", _code(secret))
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Turn it on')")
    expect(page.locator(".notice")).to_contain_text("asks for a code")
    assert secret not in page.content()
    fresh = new_page()
    fresh.goto("/sign-in")
    fresh.fill("#email", who.user.email)
    fresh.fill("#password", PASSWORD)
    fresh.click("main button.primary")
    expect(fresh.locator("#code")).to_be_visible()
    page.click("text=Change it")
    expect(page.locator("svg.qr")).to_have_count(0)
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Turn it off')")
    expect(page.locator(".notice")).to_contain_text("alone signs you in")


def test_leaving_takes_own_projects_along(new_page: Callable[..., Page], server: LiveServer, who: Owner) -> None:
    page = new_page(who, allowed=(400,))
    page.goto("/settings")
    page.click("text=Delete my account")
    expect(page.locator("dialog")).to_contain_text("studio")
    page.fill("#typed", who.user.email)
    page.fill("#sure-password", "not the password")
    page.click("dialog button.danger")
    expect(page.locator("[role=alert]")).to_be_visible()
    page.fill("#typed", who.user.email)
    page.fill("#sure-password", PASSWORD)
    page.click("main button.danger")
    expect(page.locator("header a:has-text('Sign in')")).to_be_visible()
    emails = [user.email for user in server.call(server.house.services.users.all)]
    assert who.user.email not in emails


def test_whoever_others_depend_on_cannot_leave_yet(new_page: Callable[..., Page], server: LiveServer, owner: Owner, who: Owner) -> None:
    projects = server.house.services.projects
    key = server.call(lambda: projects.create(who.user, "shared room", AuthMethod.KEY))
    server.call(lambda: projects.set_member(who.user, key.project.uuid, owner.user.email, Role.MEMBER))
    page = new_page(who)
    page.goto("/settings/delete")
    expect(page.locator("main")).to_contain_text("shared room")
    expect(page.locator("main form")).to_have_count(0)
    csrf = page.evaluate("document.body.dataset.csrf")
    page.request.post("/settings/delete", form={"csrf": csrf, "typed": who.user.email, "password": PASSWORD})
    page.reload()
    expect(page.locator("main")).to_contain_text("shared room")
    master = new_page(owner)
    master.goto("/settings/delete")
    expect(master.locator("main")).to_contain_text("You are the only administrator")
