"""Balance, use, ledger and prices: as owners, members and administrators see them, on an unmetered and on a prepaid server."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer
from playwright.sync_api import Browser, Page, expect

from gesso.domain.project import Role

HOSTILE = "=1+1<script>alert(1)</script>"


@pytest.fixture(scope="module")
def prepaid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Its first visitor, an administrator, is maya@example.com."""
    live = LiveServer(tmp_path_factory.mktemp("prepaid"), signup="open", billing="prepaid")
    live.start()
    yield live
    live.stop()


@pytest.fixture
def paying(browser: Browser, prepaid: LiveServer) -> Iterator[Callable[[Owner], Page]]:
    contexts = []

    def make(who: Owner) -> Page:
        context = browser.new_context(base_url=prepaid.url)
        contexts.append(context)
        context.add_cookies([{"name": "gesso_session", "value": who.token, "url": prepaid.url}])
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def _run(server: LiveServer, who: Owner, count: int) -> None:
    key = server.call(lambda: server.house.services.projects.regenerate(who.user, who.project.uuid))
    with server.client(key) as client:
        for _ in range(count):
            assert client.post("/Run/gesso/echo/sync", json={"text": "hello"}).status_code == 200


def test_use_is_drawn_and_told_in_numbers(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    who = sign_up(server, "user@example.com")
    page = new_page(who)
    page.goto("/billing")
    expect(page.get_by_text("Unmetered", exact=True)).to_be_visible()
    expect(page.get_by_text("Nothing was used in 30 days")).to_be_visible()
    expect(page.get_by_text("The ledger is empty")).to_be_visible()
    _run(server, who, 3)
    page.reload()
    expect(page.locator(".bar-day title")).to_contain_text("3 runs")
    row = page.locator("#usage-numbers tbody tr")
    expect(row.locator("th")).to_have_text("gesso/echo")
    expect(row.locator("td").first).to_have_text("3")
    page.click(".segments a:has-text('7 days')")
    expect(page.locator(".segments a[aria-current]").last).to_have_text("7 days")
    page.click("summary:has-text('Day by day')")
    expect(page.locator("details table tbody tr")).to_have_count(1)


def test_members_see_and_strangers_do_not(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    member = sign_up(server, "reader@example.com")
    server.call(lambda: server.house.services.projects.set_member(owner.user, owner.project.uuid, member.user.email, Role.MEMBER))
    page = new_page(member, allowed=(403,))
    page.goto("/billing")
    csrf = page.evaluate("document.body.dataset.csrf")
    expect(page.get_by_text("Enter a credit")).to_have_count(0)
    forged = page.request.post("/billing/credit", form={"csrf": csrf, "project": member.project.uuid, "amount": "1000"})
    assert forged.status == 403
    account = server.call(lambda: server.house.services.billing.account(member.project.id))
    assert account.balance == 0
    stranger = new_page()
    stranger.goto("/billing")
    expect(stranger.locator("#password")).to_be_visible()


def test_an_administrator_enters_credits_and_they_are_in_the_books(prepaid: LiveServer, paying: Callable[[Owner], Page]) -> None:
    maya = sign_up(prepaid, "maya@example.com")
    page = paying(maya)
    page.goto("/billing")
    expect(page.get_by_text("The balance carries no further run")).to_be_visible()
    page.fill("#amount", "a lot")
    page.fill("#note", HOSTILE)
    page.click("main button:has-text('Enter it')")
    expect(page.locator("[role=alert]")).to_contain_text("is no amount")
    expect(page.locator("#note")).to_have_value(HOSTILE)
    page.fill("#amount", "25")
    page.click("main button:has-text('Enter it')")
    expect(page.locator(".stats strong").first).to_have_text("25.00")
    expect(page.locator(".books tbody tr")).to_contain_text(HOSTILE)
    with page.expect_download() as download:
        page.click("summary:has-text('Export')")
        page.click("text=Ledger as CSV")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [(row["kind"], row["amount"], row["balance"], row["note"]) for row in rows] == [("credit", "25.00", "25.00", f"'{HOSTILE}")]


def test_the_ledger_has_pages(prepaid: LiveServer, paying: Callable[[Owner], Page]) -> None:
    who = sign_up(prepaid, "books@example.com")
    for number in range(30):
        prepaid.call(lambda number=number: prepaid.house.services.billing.credit(who.project.id, Decimal(1), f"number {number}"))
    page = paying(who)
    page.goto("/billing")
    expect(page.locator(".books tbody tr")).to_have_count(25)
    page.click("a:has-text('Older')")
    expect(page.locator(".books tbody tr")).to_have_count(5)
    expect(page.locator(".books tbody tr").last).to_contain_text("number 0")
    page.click("a:has-text('Newest')")
    expect(page.locator(".books tbody tr").first).to_contain_text("number 29")


def test_prices_are_open_and_the_calculator_needs_no_script(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/pricing")
    expect(page.locator("tr", has_text="FLUX.1-Fill-dev").locator("td").first).to_have_text("0.000585 credits a second")
    expect(page.locator("tr", has_text="gesso/heal").locator("td").first).to_have_text("Free")
    page.select_option("#model", "black-forest-labs/FLUX.1-Fill-dev")
    page.fill("#seconds", "10")
    page.fill("#samples", "4")
    page.click("main button:has-text('Reckon')")
    expect(page.locator(".sum strong")).to_have_text("0.023 credits")
    page.select_option("#model", "gesso/heal")
    page.click("main button:has-text('Reckon')")
    expect(page.locator(".sum strong")).to_have_text("Free")
    page.goto("/pricing?model=%3Cscript%3E&seconds=nan&width=-1&steps=1e999")
    expect(page.locator("h1")).to_have_text("Pricing")
