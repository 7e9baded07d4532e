"""Projects and their keys: made, shown once, replaced, shared, limited, deleted; and what strangers and members see of them."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer
from playwright.sync_api import Page, expect

from gesso.domain.project import AuthMethod, Role

HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def ben(server: LiveServer, owner: Owner) -> Owner:
    """Somebody who is no administrator, so that only a place in a project lets them in."""
    return sign_up(server, "ben@example.com")


@pytest.fixture
def place(server: LiveServer, ben: Owner) -> str:
    """The page of a project that Ben owns and nobody else knows."""
    key = server.call(lambda: server.house.services.projects.create(ben.user, "quiet room", AuthMethod.KEY))
    return f"/projects/{key.project.uuid}"


def test_a_key_is_shown_once_and_works(page: Page, server: LiveServer) -> None:
    page.goto("/projects")
    page.fill("#name", "product photographs")
    page.click("main button:has-text('Make project and key')")
    key = page.locator("[data-secret=key]").inner_text()
    there = page.locator("[data-once]").get_attribute("data-once")
    assert page.url == f"{server.url}{there}", "loading the page again must not send the form again"
    expect(page.locator("pre.code").last).to_contain_text(key)
    assert httpx.post(f"{server.url}/v1/Task/Detail", json={"taskid": "1"}, headers={"x-api-key": key}).status_code != 401
    with page.expect_download() as download:
        page.click("text=Download as .env")
    assert download.value.suggested_filename == "gesso.env"
    assert f"GESSO_API_KEY={key}\n" in download.value.path().read_text()
    page.reload()
    expect(page.locator("h1")).to_have_text("product photographs")
    assert key not in page.content()
    page.goto(there or "")
    assert key not in page.content()
    page.goto("/projects")
    assert key not in page.content()


def test_the_key_leads_to_the_sample_in_curl(page: Page) -> None:
    page.goto("/projects")
    page.fill("#name", "signed")
    page.check("input[value=signature]")
    page.click("main button:has-text('Make project and key')")
    expect(page.locator("[data-secret=secret]")).to_be_visible()
    page.click("text=See all calls")
    expect(page.locator(".samples-languages [aria-current]")).to_have_text("curl")
    expect(page.locator("#guide-project")).to_contain_text("signed")


def test_a_new_key_is_asked_for_in_a_dialog_and_ends_the_one_before(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben)
    page.goto(place)
    page.click("a[data-sure]:has-text('Make a key')")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("a[data-sure]:has-text('Make a key')")).to_be_focused()
    page.click("a[data-sure]:has-text('Make a key')")
    page.click("dialog button")
    expect(page.locator("h1")).to_have_text("Your new key")
    assert page.url.endswith(place)


def test_a_key_form_that_is_sent_twice_makes_one_key(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben)
    page.goto(f"{place}/key")
    fields = {name: page.locator(f"[data-sure-content] [name={name}]").get_attribute("value") or "" for name in ("csrf", "instead_of")}
    first = page.request.post(f"{place}/key", form=fields)
    assert "Your new key" in first.text()
    again = page.request.post(f"{place}/key", form=fields)
    assert again.url.endswith("?done=replaced")


def test_names_and_descriptions_stay_text(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben)
    page.goto(place)
    page.fill("#name", HOSTILE)
    page.fill("#description", HOSTILE)
    page.click("form[action$='/details'] button")
    expect(page.locator("h1")).to_have_text(HOSTILE)
    expect(page.locator(".lede.description")).to_have_text(HOSTILE)


def test_what_is_wrong_is_told_beside_its_form(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben, allowed=(400,))
    page.goto(place)
    page.fill("#addresses", "somewhere")
    page.click("form[action$='/addresses'] button")
    expect(page.locator("#addresses-problem")).to_contain_text("'somewhere' is neither an address nor a range")
    expect(page.locator("#addresses")).to_have_value("somewhere")
    page.fill("#addresses", "10.0.0.0/8, 192.0.2.7")
    page.click("form[action$='/addresses'] button")
    expect(page.locator("#addresses")).to_have_value("10.0.0.0/8\n192.0.2.7")
    page.fill("#budget", "much")
    page.click("form[action$='/budget'] button")
    expect(page.locator("#budget-problem")).to_contain_text("is no amount")
    page.fill("#budget", "1234.567")
    page.click("form[action$='/budget'] button")
    expect(page.locator("#budget")).to_have_value("1234.567")
    page.click("form[action$='/budget'] button")
    expect(page.locator("#budget-problem")).to_have_count(0)
    page.fill("#budget", "0")
    page.click("form[action$='/budget'] button")
    expect(page.locator(".pill.failed")).to_have_text("Spent")
    page.fill("#budget", "")
    page.click("form[action$='/budget'] button")
    expect(page.get_by_text("No limit. 0 credits")).to_be_visible()
    page.fill("#email", "nobody@example.com")
    page.click("form.adding button:has-text('Add')")
    expect(page.locator("#members-problem")).to_be_visible()
    expect(page.locator("#email")).to_have_value("nobody@example.com")


def test_a_member_uses_the_project_and_may_leave_it(
    new_page: Callable[..., Page], server: LiveServer, owner: Owner, ben: Owner, place: str
) -> None:
    cleo = _member(server, ben, place, "cleo@example.com")
    page = new_page(cleo, allowed=(403,))
    page.goto(place)
    for words in ("Make a key", "Show the secret", "Delete the project", "Save"):
        expect(page.get_by_text(words, exact=True)).to_have_count(0)
    for part in ("key", "delete", "webhook"):
        answer = page.goto(f"{place}/{part}")
        assert answer is not None
        assert answer.status == 403
    csrf = page.evaluate("document.body.dataset.csrf")
    for part, fields in (
        ("key", {}),
        ("webhook", {"action": "show"}),
        ("details", {"name": "mine now"}),
        ("addresses", {"addresses": ""}),
        ("budget", {"budget": "5"}),
        ("members", {"email": cleo.user.email, "role": "owner"}),
        ("members/remove", {"email": ben.user.email}),
        ("delete", {"typed": "quiet room"}),
    ):
        assert page.request.post(f"{place}/{part}", form={"csrf": csrf, **fields}).status == 403, part
    page.goto(place)
    page.click("text=Leave")
    expect(page.locator("h1")).to_have_text("Projects and keys")
    expect(page.locator(".project-list")).not_to_contain_text("quiet room")


def test_for_others_the_project_does_not_exist(new_page: Callable[..., Page], server: LiveServer, ben: Owner, place: str) -> None:
    dora = sign_up(server, "dora@example.com")
    page = new_page(dora, allowed=(404,))
    page.goto("/projects")
    csrf = page.evaluate("document.body.dataset.csrf")
    for part in ("", "/key", "/delete"):
        answer = page.goto(f"{place}{part}")
        assert answer is not None
        assert answer.status == 404
    assert page.request.post(f"{place}/webhook", form={"csrf": csrf}).status == 404
    stranger = new_page()
    stranger.goto(place)
    expect(stranger.locator("#password")).to_be_visible()


def test_an_owner_shares_and_the_last_one_stays(new_page: Callable[..., Page], server: LiveServer, ben: Owner, place: str) -> None:
    _member(server, ben, place, "emil@example.com")
    page = new_page(ben, allowed=(400,))
    page.goto(place)
    page.get_by_label("Leave this project").click()
    expect(page.locator("#members-problem")).to_contain_text("keeps at least one owner")
    page.get_by_label("Role of emil@example.com", exact=True).select_option("owner")
    page.get_by_label("Change the role of emil@example.com").click()
    expect(page.get_by_label("Role of emil@example.com", exact=True)).to_have_value("owner")
    page.get_by_label("Remove emil@example.com").click()
    expect(page.get_by_label("Role of emil@example.com", exact=True)).to_have_count(0)


def test_a_webhook_secret_is_shown_and_replaced(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben)
    page.goto(place)
    page.click("text=Show the secret")
    first = page.locator("[data-secret=webhook]").inner_text()
    assert first.startswith("whsec_")
    page.click("a[data-sure]:has-text('Replace it')")
    page.click("dialog button")
    second = page.locator("[data-secret=webhook]").inner_text()
    assert second != first
    page.goto(place)
    assert second not in page.content()


def test_deleting_asks_for_the_name(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben, allowed=(400,))
    page.goto(place)
    page.click("a[data-sure]:has-text('Delete the project')")
    page.fill("#typed", "another room")
    page.click("dialog button")
    expect(page.locator("[role=alert]")).to_contain_text("not the name")
    page.fill("#typed", "quiet room")
    page.click("main button.danger")
    page.wait_for_url("**/projects")
    expect(page.locator(f"a[href='{place}']")).to_have_count(0)


def test_everything_works_without_scripts(new_page: Callable[..., Page], ben: Owner, place: str) -> None:
    page = new_page(ben, java_script_enabled=False)
    page.goto(place)
    page.click("a[data-sure]:has-text('Make a key')")
    expect(page.locator("h1")).to_have_text("Make a new key?")
    page.click("main button")
    expect(page.locator("[data-secret=key]")).to_be_visible()


def _member(server: LiveServer, owner: Owner, place: str, email: str) -> Owner:
    member = sign_up(server, email)
    server.call(lambda: server.house.services.projects.set_member(owner.user, place.rpartition("/")[2], email, Role.MEMBER))
    return member
