"""The first page, apps, documentation, blog and search."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from browser_server import LiveServer
from playwright.sync_api import Page, expect


def test_the_first_page_shows_what_it_does_to_a_stranger(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/")
    knife = page.get_by_role("slider")
    expect(knife).to_be_visible()
    knife.press("Home")
    expect(knife).to_have_attribute("aria-valuenow", "0")
    page.click("main a:has-text('Open a picture')")
    expect(page.locator("h1")).to_contain_text("heal")


def test_an_app_opens_a_model_that_can_do_it(page: Page) -> None:
    page.goto("/apps")
    page.locator("li", has_text="Remove object").get_by_role("link", name="Open", exact=True).click()
    expect(page).to_have_url(re.compile(r"/models/gesso/heal\?app=remove-object"))


def test_an_app_without_a_model_says_what_it_needs(page: Page) -> None:
    page.goto("/apps/extend-picture")
    expect(page.locator(".notice")).to_contain_text("extends pictures")


def test_every_page_of_the_documentation_is_linked_and_opens(page: Page) -> None:
    page.goto("/docs")
    pages = page.locator(".contents-card a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert len(pages) >= 10
    for address in pages:
        page.goto(address)
        expect(page.locator("h1")).to_have_count(1)
        for target in page.locator("article a[href^='/']").evaluate_all("links => links.map((link) => link.getAttribute('href'))"):
            assert page.request.get(target).status == 200, f"{address} links to {target}"


def test_documentation_is_found_by_words(page: Page) -> None:
    page.goto("/docs")
    page.fill("#q", "idempotency")
    page.click("main button")
    expect(page.locator(".finds a").first).to_be_visible()
    page.goto("/docs?q=nothing-has-this-word")
    expect(page.get_by_text("No page has all of these words")).to_be_visible()


def test_the_search_of_the_header_finds_models_and_pages(page: Page) -> None:
    page.goto("/about")
    page.keyboard.press("Control+k")
    page.keyboard.type("photograph")
    page.keyboard.press("Enter")
    expect(page.locator(".finds strong", has_text="gesso/heal").first).to_be_visible()


def test_the_blog_has_a_feed_and_takes_posts_of_the_operator(page: Page, tmp_path: Path) -> None:
    page.goto("/blog")
    page.locator("article a").first.click()
    expect(page.locator("article.prose")).not_to_be_empty()
    feed = page.request.get("/blog/feed.xml")
    assert feed.headers["content-type"].startswith("application/rss+xml")
    assert "<item>" in feed.text()


def test_licences_name_what_gesso_stands_on(page: Page) -> None:
    page.goto("/licenses")
    expect(page.locator("td", has_text="starlette").first).to_be_visible()


def test_pages_can_be_read_without_scripts(new_page: Callable[..., Page], server: LiveServer) -> None:
    page = new_page(java_script_enabled=False)
    for path in ("/", "/models", "/models/gesso/heal/readme", "/docs/api", "/apps", "/blog"):
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
