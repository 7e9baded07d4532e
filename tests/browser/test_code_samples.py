"""The guide for programmers in a browser: languages, the values of the Run tab's form, and copying."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from browser_people import Owner
from browser_server import LiveServer
from playwright.sync_api import Page, expect

PATH = "/models/gesso/echo/api"
FORM = "g:form:gesso/echo"
TITLES = ["curl", "Node.js", "C#", "PHP", "Swift", "Dart", "Kotlin", "Go", "Python"]


def languages(page: Page):
    return page.get_by_role("navigation", name="Languages").get_by_role("link")


def test_nine_languages_are_shown_and_copied_as_shown(new_page: Callable[..., Page], owner: Owner, server: LiveServer) -> None:
    page = new_page(owner, permissions=["clipboard-read", "clipboard-write"])
    page.goto(PATH)
    expect(languages(page)).to_have_text(TITLES)
    for title in TITLES:
        languages(page).get_by_text(title, exact=True).click()
        expect(page.locator(".samples-languages [aria-current]")).to_have_text(title)
        expect(languages(page).get_by_text(title, exact=True)).to_be_focused()
        code = page.locator(".sample").filter(has=page.locator("h3#run-json")).locator("code").nth(1)
        code.locator("xpath=ancestor::div[1]").get_by_role("button").click()
        expect(page.locator(".toast").last).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == code.text_content()
    page.reload()
    expect(page.locator(".samples-languages [aria-current]")).to_have_text("Python")


def test_the_code_carries_what_the_form_holds(page: Page) -> None:
    page.goto("/models")
    values = {"text": 'white "tulips" & </script>', "steps": 17, "inputFiles": ["a.png", "b.png"], "seed": None}
    page.evaluate("([name, values]) => sessionStorage.setItem(name, values)", [FORM, json.dumps(values)])
    page.goto(f"{PATH}?lang=python")
    body = page.locator(".sample").filter(has=page.locator("h3#run-json"))
    expect(body).to_contain_text('"text": "white \\"tulips\\" & </script>"')
    expect(body).to_contain_text('"steps": 17')
    expect(body).to_contain_text("https://example.com/b.png")
    page.goto(f"{PATH}?lang=python&text=from+the+address")
    expect(body).to_contain_text("from the address")
    expect(body).not_to_contain_text("tulips")


def test_a_key_comes_into_the_code_at_a_press_and_goes_again(page: Page, server: LiveServer, owner: Owner) -> None:
    listings = server.call(lambda: server.house.services.projects.all(owner.user))
    listing = next(one for one in listings if one.project.uuid == owner.project.uuid)
    page.goto(f"{PATH}?lang=curl")
    page.get_by_label("Project", exact=True).select_option(owner.project.uuid)
    languages(page).get_by_text("Python", exact=True).click()
    expect(page.locator(".samples")).not_to_contain_text(listing.api_key)
    page.get_by_role("link", name="Put the key into the code").click()
    expect(page.locator(".sample").first).to_contain_text(f'API_KEY = "{listing.api_key}"')
    assert "reveal" not in page.url
    languages(page).get_by_text("Go", exact=True).click()
    expect(page.locator(".sample").first).to_contain_text(f'apiKey = "{listing.api_key}"')
    page.get_by_role("link", name="Hide the key").click()
    expect(page.locator(".sample").first).to_contain_text('apiKey = "YOUR_API_KEY"')


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 390])
def test_the_guide_fits_its_window(new_page: Callable[..., Page], owner: Owner, width: int, theme: str) -> None:
    page = new_page(owner, width=width, theme=theme)
    page.goto(f"{PATH}?lang=go")
    expect(page.locator(".sample")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_guide_is_read_and_used_without_a_script(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(owner, java_script_enabled=False)
    page.goto(f"{PATH}?text=hello")
    languages(page).get_by_text("Kotlin", exact=True).click()
    expect(page).to_have_url(re.compile(r"lang=kotlin"))
    expect(page.locator(".sample").filter(has=page.locator("h3#run-json"))).to_contain_text('"text" to "hello"')
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".samples-languages [aria-current]")).to_have_text("Kotlin")


def test_the_prompt_for_assistants_is_copied(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(owner, permissions=["clipboard-read", "clipboard-write"])
    page.goto(PATH)
    page.get_by_role("button", name="Copy prompt for LLM").click()
    expect(page.locator(".toast").last).to_contain_text("clipboard")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(page.request.get("/models/gesso/echo/llms.txt").text())
    assert "Guess nothing" in copied
