"""The Run tab in a real browser against real models: what it sends, what it shows on the way, and that nothing is lost on it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser_people import PASSWORD, Owner
from browser_server import LiveServer
from PIL import Image
from playwright.sync_api import Page, WebSocketRoute, expect
from run_page import ECHO, HEAL, LONG_MS, PICTURE_SIZE, RunPage, photograph, pixels

_BUDGET_BYTES = 60 * 1024


@pytest.fixture
def tab(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> RunPage:
    return RunPage(new_page(owner), server, owner)


def test_the_form_is_sent_as_it_is_filled_in(tab: RunPage) -> None:
    tab.open().fill(text="three\nlines\nhere", steps=3, delay="0.25", outputs=2)
    tab.page.click("[data-lock]")
    tab.fill(seed="18446744073709551615")
    tab.page.locator("#p-inputFile").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"a file"})
    tab.run()
    tab.done()
    asked = tab.asked()
    assert asked == {
        "text": "three\r\nlines\r\nhere",
        "inputFile": b"a file",
        "steps": 3,
        "delay": 0.25,
        "outputs": 2,
        "seed": "18446744073709551615",
        "fail": "none",
    }
    expect(tab.page.locator(".outputs-pictures img")).to_have_count(2)
    expect(tab.page.locator(".outputs-files pre")).to_have_text("a file")
    expect(tab.page.locator(".outputs-log")).to_contain_text("three")


def test_an_app_puts_away_what_its_job_does_not_need(tab: RunPage) -> None:
    page = tab.open("/models/black-forest-labs/flux-1-fill-dev?app=extend-picture").page
    expect(page.get_by_role("heading", name="Extend picture")).to_be_visible()
    expect(page.locator("[name=prompt]")).to_be_visible()
    expect(page.locator(".fold [data-param=seed]")).to_be_hidden()
    expect(page.get_by_role("button", name="Extend", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Advanced").click()
    expect(page.locator(".fold [data-param=seed]")).to_be_visible()
    tab.open("/models/gesso/shapes-fill?app=product-scene&prompt=my+own+words")
    expect(page.locator("[data-seed-note]")).to_have_text("random")
    expect(page.locator("[name=prompt]")).to_have_value("my own words")
    # A job that this model cannot do changes nothing.
    tab.open("/models/gesso/heal?app=replace-object")
    expect(page.locator(".job")).to_have_count(0)
    expect(page.locator("[name=method]")).to_be_visible()


def test_what_is_typed_is_kept_for_the_tab_and_read_from_the_address(tab: RunPage) -> None:
    tab.open().fill(text="kept", steps=7)
    expect(tab.page.locator("[data-param=steps]")).to_have_class(re.compile("is-changed"))
    kept = json.loads(tab.page.evaluate("sessionStorage.getItem('g:form:gesso/echo')"))
    assert kept["text"] == "kept"
    assert kept["steps"] == 7
    tab.page.reload()
    tab.ready()
    expect(tab.page.locator("[name=text]")).to_have_value("kept")
    tab.page.locator("[data-param=steps] [data-reset]").click()
    expect(tab.page.locator("[name=steps]")).to_have_value("1")
    tab.open(f"{ECHO}?text=%3Cb%3Eshared&fail=error&seed=5")
    expect(tab.page.locator("[name=text]")).to_have_value("<b>shared")
    expect(tab.page.locator("[name=fail]")).to_have_value("error")
    expect(tab.page.locator("[data-lock]")).to_have_attribute("aria-pressed", "true")


def test_steps_come_in_their_order_and_the_title_counts(tab: RunPage) -> None:
    heard: list[str | bytes] = []
    tab.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(frame)))
    tab.open().fill(steps=25, delay="0.5")
    tab.page.evaluate(
        """() => {
          window.seen = [];
          window.titles = [];
          new MutationObserver(() => {
            const now = document.querySelector('.task-steps .is-now')?.dataset.step;
            if (/step \\d+ of 25/.test(document.querySelector('.task-steps .is-now')?.textContent)) window.counted = true;
            if (now && seen.at(-1) !== now) seen.push(now);
            if (titles.at(-1) !== document.title) titles.push(document.title);
            if (document.querySelector('.live-left')?.textContent.includes('left')) window.left = true;
          }).observe(document, { subtree: true, childList: true, characterData: true });
        }"""
    )
    title = tab.page.title()
    with tab.busy_worker():
        tab.run()
        # The greeting and the first event: from here on the page hears of every step, however fast they come.
        tab.until(lambda: len(heard) > 1)
    tab.done()
    seen = tab.page.evaluate("seen")
    order = ["queued", "accepted", "reading", "running", "saving"]
    assert seen == sorted(seen, key=order.index)
    assert "running" in seen
    assert tab.page.evaluate("counted")
    assert tab.page.evaluate("window.left")
    assert any(re.match(r"\d+/25 ", told) for told in tab.page.evaluate("titles"))
    assert tab.page.title() == title


def test_two_clicks_send_one_run(tab: RunPage) -> None:
    tab.open()
    tab.page.locator("[data-run]").dblclick()
    tab.done()
    assert len(tab.sent) == 1
    assert tab.sent[0].headers["idempotency-key"]
    expect(tab.page.locator(".shots-run")).to_have_count(1)


def test_a_lost_socket_is_tried_again_while_asking_finds_the_end(tab: RunPage) -> None:
    sockets: list[WebSocketRoute] = []

    def cut(route: WebSocketRoute) -> None:
        sockets.append(route)
        if len(sockets) > 1:
            route.close()
            return
        upstream = route.connect_to_server()
        route.on_message(lambda message: upstream.send(message))

        def pass_on(message: str | bytes) -> None:
            route.send(message)
            route.close()
            upstream.close()

        upstream.on_message(pass_on)

    tab.page.route_web_socket(re.compile("/v1$"), cut)
    tab.open()
    # The run cannot end before the socket was tried again, however slow the machine is.
    with tab.busy_worker():
        tab.run()
        tab.until(lambda: len(sockets) > 1)
    tab.done()
    expect(tab.page.locator(".outputs-pictures img")).to_have_count(1)


def test_what_happened_before_the_socket_listened_is_not_lost(tab: RunPage) -> None:
    # The socket opens and says nothing at all: only the question that is asked when it opens can tell.
    tab.page.route_web_socket(re.compile("/v1$"), lambda route: None)
    tab.page.route("**/v1/Task/Detail", lambda route: (_settle(tab), route.continue_()))
    tab.open()
    tab.run()
    tab.done()


def _settle(tab: RunPage) -> None:
    with tab.server.client(tab.server.key) as client:
        client.post("/Run/gesso/echo/sync", json={})


def test_a_queued_run_is_cancelled_and_a_running_one_killed(tab: RunPage) -> None:
    tab.open()
    with tab.busy_worker():
        tab.run()
        stop = tab.page.locator(".live-stop")
        expect(stop).to_have_text("Cancel")
        stop.click()
        expect(tab.page.locator(".toast")).to_contain_text("cancelled")
    tab.fill(delay=3600, steps=10000)
    tab.run()
    expect(tab.page.locator(".task-steps .is-now")).to_contain_text("step", timeout=LONG_MS)
    expect(stop).to_have_text("Kill")
    stop.click()
    tab.done()
    expect(tab.page.locator(".shot")).to_have_text(["Cancelled", "Cancelled"])


def test_a_queued_run_tells_its_place_in_line(tab: RunPage) -> None:
    tab.open()
    with tab.busy_worker():
        ahead = tab.ask("/Run/gesso/echo")
        tab.run()
        step = tab.page.locator(".task-steps .is-now")
        expect(step).to_contain_text("Queued (place 2)")
        expect(tab.page.locator(".live-word")).to_have_text("Queued (place 2)")
        expect(tab.page).to_have_title(re.compile(r"^Queued \(place 2\) "))
        tab.ask("/Task/Cancel", tasktoken=ahead["socketaccesstoken"])
        expect(step).to_contain_text("Queued (place 1)")
    tab.done()


def test_a_failed_run_says_why_and_the_form_is_kept(tab: RunPage) -> None:
    tab.open(f"{ECHO}?fail=memory&text=kept")
    tab.run()
    tab.done()
    expect(tab.page.get_by_role("alert")).to_contain_text("smaller")
    expect(tab.page.locator("[name=text]")).to_have_value("kept")


def test_what_the_page_sees_and_what_the_server_refuses_stands_at_the_field(tab: RunPage) -> None:
    tab.open().fill(steps=0)
    tab.run()
    wrong = tab.page.locator("[data-param=steps] [data-wrong]")
    expect(wrong).to_have_text("It goes from 1 to 10000.")
    expect(tab.page.locator("[name=steps]")).to_be_focused()
    assert not tab.sent
    tab.page.locator("[name=steps]").evaluate("field => field.removeAttribute('max')")
    tab.fill(steps=20000)
    tab.run()
    expect(wrong).to_have_text("It must be between 1 and 10000.")
    expect(tab.page.locator("[name=steps]")).to_be_focused()
    expect(tab.page.locator("[name=steps]")).to_have_attribute("aria-invalid", "true")


def test_an_unreachable_server_keeps_the_order_and_makes_it_once(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    # The browser logs that an answer is missing, as it does for those that are refused.
    tab = RunPage(new_page(owner, allowed=(400,)), server, owner)
    answers: list[str] = []

    def lose(route) -> None:
        # It arrives, and nobody hears of it.
        answers.append(route.fetch().text())
        route.abort() if len(answers) == 1 else route.fulfill(body=answers[-1])

    tab.page.route("**/v1/Run/**", lose)
    page = tab.open().page
    tab.run()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    tab.run()
    tab.done()
    first, second = (json.loads(told) for told in answers)
    assert first["taskid"] == second["taskid"]


def test_a_reload_in_the_middle_finds_the_run_again(tab: RunPage) -> None:
    tab.open()
    with tab.busy_worker():
        tab.run()
        expect(tab.page.locator("g-task-progress")).to_be_visible()
        tab.page.reload()
        tab.ready()
        expect(tab.page.locator("g-task-progress")).to_be_visible()
    tab.done()
    expect(tab.page.locator(".outputs-pictures img")).to_have_count(1)
    tab.page.reload()
    tab.ready()
    expect(tab.page.locator(".outputs-pictures img")).to_have_count(1)


def test_samples_stand_together_and_arrows_move_between_them(tab: RunPage) -> None:
    tab.open().fill(outputs=3, seed=41)
    tab.run()
    tab.done()
    shots = tab.page.locator(".shots-run .shot")
    expect(shots).to_have_count(3)
    expect(shots.nth(2)).to_have_accessible_name("Result 3 of 3, seed 43")
    shots.first.focus()
    tab.page.keyboard.press("ArrowRight")
    expect(shots.nth(1)).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(shots.nth(1)).to_have_attribute("aria-current", "true")


def test_a_run_once_more_has_the_same_parameters(tab: RunPage) -> None:
    tab.open().fill(text="again", seed="77")
    tab.page.locator("#p-inputFile").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"the same"})
    tab.run()
    tab.done()
    tab.fill(text="something else")
    tab.page.get_by_role("button", name="Re-run").click()
    expect(tab.page.locator(".shots-run")).to_have_count(2)
    tab.done()
    assert tab.asked(0) == tab.asked(1)
    expect(tab.page.locator(".outputs-files pre")).to_have_text("the same")


def test_a_stranger_signs_in_and_finds_the_form_as_it_was(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    tab = RunPage(new_page(), server, owner).open().fill(text="before the sign-in")
    tab.page.locator("#p-inputFile").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"still here"})
    tab.run()
    tab.page.wait_for_url("**/sign-in?*")
    _sign_in(tab)
    expect(tab.page.locator("[name=text]")).to_have_value("before the sign-in")
    expect(tab.page.locator(".files").first).to_contain_text("note.txt")
    tab.run()
    tab.done()
    expect(tab.page.locator(".outputs-files pre")).to_have_text("still here")


def _sign_in(tab: RunPage) -> None:
    tab.page.fill("#email", tab.owner.user.email)
    tab.page.fill("#password", PASSWORD)
    tab.page.click("main button")
    tab.page.wait_for_url("**/models/**")
    tab.ready()


def test_an_expired_sign_in_keeps_picture_and_mask(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    tab = RunPage(new_page(owner, allowed=(401,)), server, owner).open(HEAL)
    tab.load()
    tab.paint()
    share = tab.page.locator(".stage-summary").text_content() or ""
    tab.page.context.clear_cookies()
    tab.run()
    tab.page.wait_for_url("**/sign-in?*")
    _sign_in(tab)
    expect(tab.page.locator(".stage-picture img")).to_be_visible()
    expect(tab.page.locator(".stage-summary")).to_have_text(share)


def test_without_a_picture_or_a_mask_nothing_is_sent(tab: RunPage) -> None:
    tab.open(HEAL)
    alert = tab.page.locator("[data-problem]")
    tab.run()
    expect(alert).to_contain_text("There is no picture yet")
    tab.load()
    tab.run()
    expect(alert).to_contain_text("Mask is empty: nothing to fill")
    tab.paint()
    expect(alert).to_be_empty()
    assert not tab.sent


def test_a_filled_picture_is_compared_downloaded_and_used_again(tab: RunPage) -> None:
    page = tab.open(HEAL).page
    tab.load()
    tab.paint()
    tab.run()
    knife = page.get_by_role("slider", name="Compare before and after")
    expect(knife).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".stage-other-foot")).to_have_text("Same picture outside the mask: yes")
    _check_knife(page)
    made = _check_download(tab)
    mask = pixels(tab.asked()["inputImageMask"])
    assert (pixels(made)[mask == 0] == pixels(photograph())[mask == 0]).all()
    assert (pixels(made) != pixels(photograph())).any()
    page.get_by_label("More about this result").click()
    page.get_by_role("button", name="Use as picture, with the same mask").click()
    expect(page.locator(".stage-summary")).to_contain_text("masked")
    tab.run()
    expect(page.locator(".shots-run")).to_have_count(2)
    tab.done()
    again = tab.asked()
    assert again["inputImage"] == made
    assert (pixels(again["inputImageMask"]) == mask).all()


def _check_knife(page: Page) -> None:
    knife = page.get_by_role("slider", name="Compare before and after")
    sheet = page.locator(".compare-sheet").bounding_box()
    assert sheet is not None
    page.mouse.click(sheet["x"] + 0.25 * sheet["width"], sheet["y"] + 0.3 * sheet["height"])
    expect(knife).to_have_attribute("aria-valuenow", "25")
    for key, value in (("ArrowRight", 26), ("Shift+ArrowRight", 36), ("ArrowLeft", 35), ("End", 100), ("Home", 0), ("PageUp", 10)):
        page.keyboard.press(key)
        expect(knife).to_have_attribute("aria-valuenow", str(value))
    expect(knife).to_have_attribute("aria-valuetext", "10 % before")
    clips = page.locator(".compare-over").evaluate("over => getComputedStyle(over).clipPath")
    assert clips == "inset(0px 0px 0px 10%)"
    page.mouse.dblclick(sheet["x"] + 0.7 * sheet["width"], sheet["y"] + 0.3 * sheet["height"])
    expect(knife).to_have_attribute("aria-valuenow", "50")
    page.get_by_role("button", name="Side by side").click()
    expect(knife).to_be_hidden()
    page.get_by_role("button", name="Side by side").click()
    expect(knife).to_be_visible()


def _check_download(tab: RunPage) -> bytes:
    """The bytes that the server has, under a name that says of what they are."""
    page = tab.page
    expect(page.locator(".shot")).to_have_count(1)
    task = tab.tasks()[0]["id"]
    made = page.request.get(tab.record(task)["outputs"][0]["url"]).body()
    files = {}
    for entry in ("The file as it is", "The file, with its parameters", "As WebP"):
        page.get_by_label("Download", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name=entry, exact=True).click()
        files[entry] = (download.value.suggested_filename, Path(download.value.path()).read_bytes())
    assert files["The file as it is"] == (f"heal-{task}.png", made)
    name, told = files["The file, with its parameters"]
    assert name == f"heal-{task}.png"
    with Image.open(io.BytesIO(told)) as picture:
        assert json.loads(picture.text["parameters"])["method"] == "auto"
        assert (np.asarray(picture) == pixels(made)).all()
    name, webp = files["As WebP"]
    assert name == f"heal-{task}.webp"
    with Image.open(io.BytesIO(webp)) as picture:
        assert (picture.format, picture.size) == ("WEBP", PICTURE_SIZE)
    return made


def test_a_result_does_not_take_the_stage_from_who_paints(tab: RunPage) -> None:
    page = tab.open(HEAL).page
    tab.load()
    tab.paint()
    with tab.busy_worker():
        tab.run()
        expect(page.locator("g-task-progress")).to_be_visible()
        tab.paint()
    tab.done()
    expect(page.locator("g-mask-editor")).to_have_attribute("data-view", "mask")
    new = page.locator(".is-new")
    expect(new).to_have_text("Compare")
    new.click()
    expect(page.locator("g-compare")).to_be_visible()


def test_previews_appear_inside_the_mask_while_a_run_goes_on(tab: RunPage) -> None:
    page = tab.page
    sockets: list[WebSocketRoute] = []

    def tap(route: WebSocketRoute) -> None:
        upstream = route.connect_to_server()
        upstream.on_message(lambda message: route.send(message))
        route.on_message(lambda message: upstream.send(message))
        sockets.append(route)

    page.route_web_socket(re.compile("/v1$"), tap)
    tab.open(HEAL)
    tab.load()
    page.locator(".stage-view").press("i")
    with tab.busy_worker():
        with page.expect_response("**/v1/Run/**") as answered:
            tab.run()
        token = answered.value.json()["socketaccesstoken"]
        expect(page.locator("g-task-progress")).to_be_visible()
        told = io.BytesIO()
        Image.new("RGB", PICTURE_SIZE, "red").save(told, "JPEG")
        coded = page.evaluate("bytes => btoa(String.fromCharCode(...bytes))", list(told.getvalue()))
        message = {"contenttype": "image/jpeg", "base64": coded}
        sockets[-1].send(json.dumps({"type": "task_preview", "tasktoken": token, "terminal": False, "message": message}))
        expect(page.locator(".preview-veil .preview-frame")).to_be_visible()
        expect(page.locator("g-mask-editor")).to_have_attribute("data-view", "result")
        sockets[-1].send(json.dumps({"type": "something_new", "tasktoken": token}))
        page.locator(".live-stop").click()
    tab.done()
    expect(page.locator("g-mask-editor")).to_have_attribute("data-view", "mask")


def test_a_task_is_opened_with_its_picture_and_mask(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    tab = RunPage(new_page(owner, allowed=(404,)), server, owner)
    page = tab.open(HEAL).page
    tab.load()
    tab.paint()
    page.select_option("[name=method]", "telea")
    tab.run()
    tab.done()
    share = page.locator(".stage-summary").text_content() or ""
    task = tab.tasks()[0]
    page.evaluate("sessionStorage.clear()")
    tab.open(f"{HEAL}?task={task['id']}")
    expect(page.locator(".stage-summary")).to_have_text(share)
    expect(page.locator("[name=method]")).to_have_value("telea")
    service = tab.server.house.services.retention
    tab.server.call(lambda: service.delete_files(int(task["id"])))
    # Another browser, because this one keeps the files that it has seen.
    later = RunPage(new_page(owner, allowed=(404,)), server, owner).open(f"{HEAL}?task={task['id']}")
    expect(later.page.locator("[data-problem]")).to_contain_text(f"photograph of task {task['id']} was deleted")


@pytest.mark.parametrize("path", [ECHO, HEAL])
def test_the_scripts_of_the_tab_are_within_their_budget(page: Page, path: str) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers["content-length"])) if answer.url.endswith(".js") else None)
    page.goto(path)
    expect(page.locator("html[data-ready=run]")).to_be_attached()
    assert 0 < sum(sizes) <= _BUDGET_BYTES
