"""Files and folders: added by drop, by button and without scripts, looked at, used, deleted; and nobody else's."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer
from playwright.sync_api import Page, Route, expect

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
SAMPLES = Path(__file__).parents[2] / "src" / "gesso" / "web" / "static" / "samples"
PICTURE = SAMPLES / "shore-small.jpg"
UPLOAD = "**/v1/File/Upload"


@pytest.fixture
def who(server: LiveServer, request: pytest.FixtureRequest) -> Owner:
    """Somebody who keeps nothing yet."""
    return sign_up(server, f"{abs(hash(request.node.name))}@example.com")


def _choose(page: Page, *files: object) -> None:
    page.set_input_files("#upload", list(files))  # pyright: ignore[reportArgumentType]


def _file(name: str, content: bytes = b"words") -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def _picture(name: str = "shore-small.jpg") -> dict[str, object]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": PICTURE.read_bytes()}


def test_what_is_chosen_goes_up_and_is_shown(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who)
    page.goto("/files")
    expect(page.get_by_text("No files yet")).to_be_visible()
    _choose(page, _picture(), _file("notes.txt"))
    expect(page.locator(".kept")).to_have_count(2)
    expect(page.locator(".toast")).to_contain_text("2 files were added.")
    expect(page.locator(".uploads li")).to_have_count(0)
    picture = page.locator(".kept:has-text('shore-small.jpg') img")
    expect(picture).to_be_visible()
    page.wait_for_function("document.querySelector('.kept img').naturalWidth > 0")


def test_a_drop_anywhere_on_the_page_is_an_upload(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who)
    page.goto("/files")
    drop = """() => {
      const moved = new DataTransfer();
      moved.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
      const foot = document.querySelector("footer");
      const send = (kind) => foot.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: moved }));
      send("dragenter");
      send("dragover");
      const isOver = document.querySelector("g-file-drop").classList.contains("over");
      send("drop");
      return isOver;
    }"""
    assert page.evaluate(drop)
    expect(page.locator(".kept-name")).to_have_text(["dropped.txt"])


def test_each_failure_stands_by_its_own_file(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who, allowed=(400, 503))
    page.goto("/files")
    _choose(page, _file("program.exe", b"MZ\x00\x01 not kept"), _file("empty.txt", b""), _file("good.txt"))
    expect(page.locator(".kept-name")).to_have_text(["good.txt"])
    expect(page.locator(".uploads li")).to_have_count(2)
    expect(page.locator(".uploads li", has_text="program.exe").locator(".upload-why")).to_contain_text("neither its bytes nor its name")
    expect(page.locator(".uploads li", has_text="empty.txt").locator(".upload-why")).to_have_text("It is empty.")
    page.get_by_label("Leave out empty.txt").click()
    page.get_by_label("Leave out program.exe").click()
    expect(page.locator(".uploads")).to_be_hidden()


def test_an_upload_that_the_server_misses_can_be_tried_again(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who, allowed=(503,))
    page.goto("/files")

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="text/plain", body="not now")

    page.route(UPLOAD, refuse)
    _choose(page, _file("later.txt"))
    expect(page.locator(".upload-why")).to_have_text("The server answered 503.")
    page.unroute(UPLOAD)
    page.click("text=Try again")
    expect(page.locator(".kept-name")).to_have_text(["later.txt"])


def test_an_archive_becomes_a_folder_and_tells_what_was_left_out(new_page: Callable[..., Page], who: Owner) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(PICTURE, "one.jpg")
        archive.writestr("program.exe", b"MZ")
    page = new_page(who)
    page.goto("/files")
    _choose(page, {"name": "series.zip", "mimeType": "application/zip", "buffer": packed.getvalue()})
    expect(page.locator(".upload-why")).to_contain_text("program.exe")
    page.click(".kept-link:has-text('series')")
    expect(page.locator("h1")).to_have_text("series")
    expect(page.locator(".kept-name")).to_have_text(["one.jpg"])
    page.click(".crumbs a")
    expect(page.locator("h1")).to_have_text("Files")


def test_folders_nest_and_go_with_all_that_is_in_them(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who, allowed=(400,))
    page.goto("/files")
    for name in ("summer", "day-1"):
        page.click("summary:has-text('New folder')")
        page.fill(".new-folder #name", name)
        page.click(".new-folder [type=submit]")
        expect(page.locator("h1")).to_have_text(name)
    expect(page.locator(".crumbs a")).to_have_text(["Files", "summer"])
    _choose(page, _file("deep.txt"))
    expect(page.locator(".kept-name")).to_have_text(["deep.txt"])
    page.click(".crumbs a:has-text('summer')")
    page.click("a:has-text('Delete folder')")
    expect(page.locator("dialog h1")).to_have_text("Delete the folder summer?")
    page.click("dialog button.danger")
    expect(page.get_by_text("No files yet")).to_be_visible()
    csrf = page.evaluate("document.body.dataset.csrf")
    answer = page.request.post("/files/folder", form={"csrf": csrf, "folder": "", "name": "no/such name"})
    assert answer.status == 400
    assert "letters A-Z" in answer.text()


def test_a_picture_is_previewed_copied_and_used(new_page: Callable[..., Page], who: Owner, server: LiveServer) -> None:
    page = new_page(who, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/files")
    _choose(page, PICTURE)
    page.click(".kept-link")
    dialog = page.locator("dialog.file-preview")
    expect(dialog.locator("h2")).to_have_text("shore-small.jpg")
    expect(dialog.locator("img")).to_have_attribute("alt", "shore-small.jpg")
    dialog.get_by_text("Copy its address").click()
    expect(page.locator(".toast").last).to_contain_text("in your clipboard")
    address = page.evaluate("navigator.clipboard.readText()")
    assert address.startswith(f"{server.url}/v1/File/")
    assert page.request.get(address).body() == PICTURE.read_bytes()
    page.keyboard.press("Escape")
    expect(page.locator(".kept-link")).to_be_focused()
    page.click(".kept summary")
    href = page.locator(".kept .sheet a:has-text('Use in gesso/heal')").get_attribute("href") or ""
    assert href == f"/models/gesso/heal?inputImage={address.removeprefix(server.url).replace('/', '%2F')}"


def test_a_name_stays_text_and_the_file_can_be_deleted(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who)
    page.goto("/files")
    _choose(page, _picture(HOSTILE))
    expect(page.locator(".kept-name")).to_contain_text("img src")
    assert page.locator(".kept-name img, .kept-name script").count() == 0
    page.click(".kept summary")
    page.click(".kept .sheet a:has-text('Delete')")
    page.click("dialog[open] button.danger")
    expect(page.get_by_text("No files yet")).to_be_visible()


def test_grid_or_list_is_remembered(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who)
    page.goto("/files")
    _choose(page, _file("one.txt"))
    page.click(".segments a:has-text('List')")
    expect(page.locator(".keeping.list")).to_be_visible()
    page.goto("/files")
    expect(page.locator(".keeping.list")).to_be_visible()


def test_a_form_without_scripts_does_the_same(new_page: Callable[..., Page], who: Owner) -> None:
    page = new_page(who, java_script_enabled=False, allowed=(400,))
    page.goto("/files")
    _choose(page, _picture(), _file("notes.txt"))
    page.click("g-file-drop button")
    expect(page.locator(".notice")).to_contain_text("2 files were added.")
    expect(page.locator(".kept")).to_have_count(2)
    _choose(page, _file("program.exe", b"MZ\x00\x01"))
    page.click("g-file-drop button")
    expect(page.locator("[role=alert]")).to_contain_text("program.exe")


def test_an_upload_of_another_site_leaves_nothing(new_page: Callable[..., Page], who: Owner, server: LiveServer) -> None:
    page = new_page(who)
    before = set(server.stored_files())
    fields = {"csrf": "0" * 64, "file": {"name": "forged.txt", "mimeType": "text/plain", "buffer": b"forged"}}
    assert page.request.post("/files/upload", multipart=fields).status == 403
    assert page.request.post("/files/upload", multipart=fields, headers={"sec-fetch-site": "cross-site"}).status == 403
    assert set(server.stored_files()) == before


def test_files_of_others_do_not_exist(new_page: Callable[..., Page], who: Owner, server: LiveServer) -> None:
    page = new_page(who)
    page.goto("/files")
    page.click("summary:has-text('New folder')")
    page.fill(".new-folder #name", "private")
    page.click(".new-folder [type=submit]")
    there = page.url
    other = new_page(sign_up(server, f"other-{who.user.email}"), allowed=(404,))
    answer = other.goto(there)
    assert answer is not None
    assert answer.status == 404
    other.goto("/files")
    csrf = other.evaluate("document.body.dataset.csrf")
    folder = there.rpartition("/")[2]
    assert other.request.post("/files/delete", form={"csrf": csrf, "id": folder}).status == 404
    assert other.request.post("/files/folder", form={"csrf": csrf, "folder": folder, "name": "mine"}).status == 404
    stranger = new_page()
    stranger.goto("/files")
    expect(stranger.locator("#password")).to_be_visible()
