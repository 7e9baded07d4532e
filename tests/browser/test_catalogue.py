"""The list of models, and the tabs of a model that are there to read."""

from __future__ import annotations

from collections.abc import Callable

from browser_people import Owner
from playwright.sync_api import Page, expect

HOSTILE = "<img src=x onerror=alert(1)> </textarea><script>alert(2)</script>"


def test_models_are_found_by_words_and_by_category(page: Page) -> None:
    page.goto("/models")
    expect(page.locator(".model-card")).not_to_have_count(1)
    page.fill("#q", "scratches photograph")
    page.click(".sieve button")
    expect(page.locator(".model-card strong")).to_have_text(["heal"])
    page.goto("/models?category=test")
    expect(page.locator(".model-card strong")).to_have_text(["echo"])


def test_no_match_offers_the_way_back(page: Page) -> None:
    page.goto("/models?q=nothing-has-this-word")
    expect(page.get_by_text("We couldn't find any matching results")).to_be_visible()
    page.click("text=Clear the filters")
    expect(page.locator(".model-card")).not_to_have_count(0)


def test_hostile_words_stay_words(page: Page) -> None:
    page.goto("/models")
    page.fill("#q", HOSTILE)
    page.click(".sieve button")
    expect(page.locator("#q")).to_have_value(HOSTILE)


def test_a_comment_is_shown_as_it_was_typed_and_can_be_taken_back(page: Page) -> None:
    page.goto("/models/gesso/heal/comments")
    page.fill("#text", HOSTILE)
    page.click("main .button.primary")
    said = page.locator(".comment .said")
    expect(said).to_have_text(HOSTILE)
    expect(page.locator(".tabs [aria-current] .count")).to_have_text("1")
    page.click(".comment button")
    expect(said).to_have_count(0)


def test_a_stranger_reads_and_is_asked_to_sign_in_before_writing(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page()
    page.goto("/models/gesso/heal/comments")
    expect(page.locator("#text")).to_have_count(0)
    page.click("main a:has-text('Sign in')")
    expect(page.locator("#password")).to_be_visible()
    page.goto("/models/gesso/heal/readme")
    expect(page.locator("article.prose")).to_contain_text("No pixel outside the mask changes")


def test_a_report_reaches_administrators(page: Page, server, owner: Owner) -> None:
    page.goto("/models/gesso/heal/report")
    page.fill("#text", "its licence is another one")
    page.click("main .button.primary")
    expect(page.get_by_text("Thank you")).to_be_visible()
    reports = server.call(server.house.services.comments.open_reports)
    assert [(each.model, each.text) for each in reports] == [("gesso/heal", "its licence is another one")]


def test_a_form_of_another_site_is_refused(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(owner, allowed=(403,))
    answer = page.request.post("/models/gesso/heal/comments", form={"text": "forged"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status == 403
    answer = page.request.post("/models/gesso/heal/comments", form={"text": "forged", "csrf": "0" * 64})
    assert answer.status == 403


def test_copying_the_prompt_fills_the_clipboard(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(owner, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/models/gesso/heal/readme")
    page.click("[data-copy-from]")
    expect(page.locator(".toast")).to_be_visible()
    assert "Model name: gesso/heal" in page.evaluate("navigator.clipboard.readText()")
