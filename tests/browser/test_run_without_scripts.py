"""The Run tab in a browser without scripts: a form, a page that renews itself until the run is over, and the same guards as other forms."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from browser_people import PASSWORD, Owner
from browser_server import LiveServer
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from run_page import ECHO, HEAL, LONG_MS, PICTURE_SIZE, RunPage, photograph, pixels

_TASK = re.compile(r"/tasks/(\d+)$")


@pytest.fixture
def page(new_page: Callable[..., Page], owner: Owner) -> Page:
    return new_page(owner, java_script_enabled=False, allowed=(400,))


def _run(page: Page) -> Locator:
    return page.locator("g-param-form").get_by_role("button", name="Run", exact=True)


def _mask() -> bytes:
    told = io.BytesIO()
    mask = np.zeros(PICTURE_SIZE[::-1], np.uint8)
    mask[40:60, 50:90] = 255
    Image.fromarray(mask).save(told, "PNG")
    return told.getvalue()


def _record(page: Page, server: LiveServer, owner: Owner) -> dict:
    """What the server knows of the task whose page is open."""
    found = _TASK.search(page.url)
    assert found, page.url
    return RunPage(page, server, owner).record(found[1])


def test_the_page_can_be_read(page: Page) -> None:
    page.goto(ECHO)
    expect(page.locator("h1")).to_have_text("gesso / echo")
    expect(page.locator(".notice").first).to_contain_text("JavaScript")
    expect(page.locator("article .prose")).to_contain_text("gives back what it is given")


def test_a_form_is_sent_and_its_run_followed_to_the_end(page: Page, server: LiveServer, owner: Owner) -> None:
    tab = RunPage(page, server, owner)
    page.goto(ECHO)
    tab.fill(text="by hand", outputs=2, seed=41)
    page.locator("#p-inputFile").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"a file"})
    with tab.busy_worker():
        _run(page).click()
        page.wait_for_url(_TASK)
        expect(page.locator("[data-pill]")).to_have_text("Waiting, next")
    # Nobody asks: the page renews itself.
    expect(page.locator("[data-pill]")).to_have_text("Done", timeout=LONG_MS)
    told = _record(page, server, owner)
    assert {name: told["parameters"][name] for name in ("text", "outputs", "seed", "fail")} == {
        "text": "by hand",
        "outputs": 2,
        "seed": "41",
        "fail": "none",
    }
    assert page.request.get(told["parameters"]["inputFile"]).body() == b"a file"
    expect(page.locator("head noscript")).to_have_count(0)


def test_a_picture_is_filled_where_a_mask_file_says(page: Page, server: LiveServer, owner: Owner) -> None:
    page.goto(HEAL)
    page.locator("#p-inputImage").set_input_files({"name": "clouds.png", "mimeType": "image/png", "buffer": photograph()})
    page.locator("#p-inputImageMask").set_input_files({"name": "mask.png", "mimeType": "image/png", "buffer": _mask()})
    _run(page).click()
    page.wait_for_url(_TASK)
    expect(page.locator("[data-pill]")).to_have_text("Done", timeout=LONG_MS)
    made = pixels(page.request.get(_record(page, server, owner)["outputs"][0]["url"]).body())
    is_kept = pixels(_mask()) == 0
    assert (made[is_kept] == pixels(photograph())[is_kept]).all()
    assert (made != pixels(photograph())).any()


def test_what_is_wrong_stands_at_its_field_and_the_rest_is_kept(page: Page, server: LiveServer) -> None:
    before = server.stored_files().keys()
    page.goto(ECHO)
    page.fill("[name=text]", "<b>kept")
    page.fill("[name=steps]", "20000")
    page.get_by_text("Advanced").click()
    page.select_option("[name=fail]", "error")
    page.fill("[name=callbackUrl]", "not an address")
    page.locator("#p-inputFile").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"a file"})
    _run(page).click()
    expect(page.get_by_role("alert")).to_contain_text("choose the files again")
    expect(page.locator("[data-param=steps] [data-wrong]")).to_have_text("It must be between 1 and 10000.")
    expect(page.locator("[name=steps]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-param=callbackUrl] [data-wrong]")).to_have_text("An address begins with https:// or http://")
    expect(page.locator("[name=text]")).to_have_value("<b>kept")
    expect(page.locator("[name=steps]")).to_have_value("20000")
    expect(page.locator("[name=fail]")).to_have_value("error")
    assert server.stored_files().keys() == before
    page.goto(HEAL)
    _run(page).click()
    expect(page.locator("[data-param=inputImage] [data-wrong]")).to_have_text("This is needed.")


def test_values_in_the_address_are_filled_in(page: Page) -> None:
    page.goto(f"{ECHO}?text=%3Cb%3Eshared&fail=error&seed=5")
    expect(page.locator("[name=text]")).to_have_value("<b>shared")
    expect(page.locator("[name=fail]")).to_have_value("error")
    expect(page.locator("[name=seed]")).to_have_value("5")
    expect(page.locator("[name=steps]")).to_have_value("1")


def test_a_stranger_signs_in_first(new_page: Callable[..., Page], owner: Owner) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{ECHO}?text=shared")
    page.get_by_role("link", name="Sign in to run").click()
    page.fill("#email", owner.user.email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator("[name=text]")).to_have_value("shared")
    expect(_run(page)).to_be_enabled()


def test_only_a_page_of_the_session_may_order(server: LiveServer, owner: Owner) -> None:
    before = server.stored_files().keys()
    files = {"inputFile": ("note.txt", b"a file")}
    own = {"origin": server.url}
    with httpx.Client(base_url=server.url, cookies={"gesso_session": owner.token}, headers=own) as client:
        assert client.post(ECHO, files=files).status_code == 403
        assert client.post(ECHO, data={"csrf": "0" * 64}, files=files).status_code == 403
        assert client.post(ECHO, files=files, headers={"origin": "https://elsewhere.example"}).status_code == 403
    with httpx.Client(base_url=server.url, headers=own) as stranger:
        answer = stranger.post(ECHO, files=files)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={ECHO}")
    assert server.stored_files().keys() == before
