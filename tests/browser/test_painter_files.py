"""What goes into the mask painter and comes out of it: pictures, masks, extensions, the last edit, and what the page is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from painter_fixtures import Open
from painter_page import Painter, disc, png
from playwright.sync_api import expect

# What a page with the painter loads before anything is opened, packed.
_BUDGET_BYTES = 30 * 1024


def test_a_hard_brush_leaves_only_keep_and_fill(painter: Painter) -> None:
    painter.stroke((50.3, 60.7), (333.1, 222.9), (120, 260))
    name, kind, picture = painter.file("editor.maskFile()")
    assert (name, kind) == ("meadow-mask.png", "image/png")
    assert picture.mode == "L"
    assert picture.size == (400, 300)
    assert set(np.unique(np.array(picture))) == {0, 255}


def _upload(painter: Painter, pixels: np.ndarray) -> None:
    with painter.page.expect_file_chooser() as chooser:
        painter.page.get_by_role("button", name="Upload mask").click()
    chooser.value.set_files({"name": "mask.png", "mimeType": "image/png", "buffer": png(pixels)})


def test_masks_are_read_from_brightness_or_alpha(painter: Painter) -> None:
    drawn = disc(300, 400, 180, 120, 70)
    _upload(painter, np.where(drawn, 255, 0).astype(np.uint8))
    painter.until("editor.hasMask")
    assert np.array_equal(painter.mask(), drawn * np.uint8(255))
    layers = np.zeros((300, 400, 4), np.uint8)
    layers[..., :3] = 255
    layers[~drawn, 3] = 255
    before = painter.digest()
    _upload(painter, layers)
    painter.until("editor.coverage > 0.5")
    assert np.array_equal(painter.mask(), ~drawn * np.uint8(255))
    # More than 60 % is white: the painter asks.
    painter.page.get_by_role("button", name="Invert it").click()
    assert painter.digest() == before


def test_a_mask_of_the_same_shape_is_fitted_and_of_another_refused(painter: Painter) -> None:
    small = np.zeros((150, 200), np.uint8)
    small[50:100, 50:150] = 255
    _upload(painter, small)
    painter.until("editor.hasMask")
    expected = np.zeros((300, 400), np.uint8)
    expected[100:200, 100:300] = 255
    assert np.array_equal(painter.mask(), expected)
    _upload(painter, np.full((300, 300), 255, np.uint8))
    expect(painter.page.get_by_role("alert")).to_contain_text("The mask is 300 × 300, the picture 400 × 300")
    assert np.array_equal(painter.mask(), expected)


def test_a_downloaded_mask_can_be_uploaded_again(painter: Painter) -> None:
    painter.stroke((100, 100), (200, 200))
    painter.call("((editor.extend = value), null)", {"right": 60, "top": 20})
    before = painter.mask()
    with painter.page.expect_download() as download:
        painter.page.get_by_role("button", name="More").click()
        painter.page.get_by_role("button", name="Download mask").click()
    assert download.value.suggested_filename == "meadow-mask.png"
    content = list(Path(download.value.path()).read_bytes())
    painter.press("Delete")
    painter.call("editor.setMask(new Blob([new Uint8Array(value)], { type: 'image/png' }))", content)
    assert np.array_equal(painter.mask(), before)


def test_extending_by_a_handle(open_painter: Open) -> None:
    painter = open_painter(query="multiple=16")
    painter.open(400, 300)
    painter.stroke((100, 100), (150, 100))
    painter.press("x")
    handle = painter.page.get_by_role("button", name="Extend right side")
    box = handle.bounding_box()
    scale = painter.call("editor.transform.scale")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    painter.page.mouse.move(x, y)
    painter.page.mouse.down()
    painter.page.mouse.move(x + 101 * scale, y, steps=4)
    painter.page.mouse.up()
    # 400 + 101 is brought to 496, a multiple of 16.
    assert painter.call("editor.extend") == {"left": 0, "top": 0, "right": 96, "bottom": 0}
    mask = painter.mask()
    assert mask.shape == (300, 496)
    assert (mask[:, 400:] == 255).all()
    assert mask[100, 120] == 255
    assert mask[200, 120] == 0
    assert np.array(painter.file("editor.maskFile({ extended: false })")[2]).shape == (300, 400)
    name, _, picture = painter.file("editor.pictureFile()")
    assert (name, picture.size) == ("meadow-extended.png", (496, 300))
    assert picture.getpixel((490, 150))[:3] == picture.getpixel((10, 10))[:3]
    painter.press("Control+z")
    assert painter.call("editor.extend.right") == 0
    assert painter.file("editor.pictureFile()")[0] == "meadow.png"


def test_extending_by_presets_and_keys(open_painter: Open) -> None:
    painter = open_painter(query="multiple=16")
    painter.open(400, 300)
    painter.press("x")
    painter.page.get_by_role("button", name="1:1").click()
    assert painter.call("editor.size") == {"width": 400, "height": 400}
    assert painter.call("editor.extend") == {"left": 0, "top": 50, "right": 0, "bottom": 50}
    painter.page.get_by_role("button", name="+25 %").click()
    size = painter.call("editor.size")
    assert size["width"] % 16 == 0
    assert size["height"] % 16 == 0
    assert abs(size["width"] - 600) <= 16
    painter.page.get_by_role("button", name="None").click()
    painter.page.get_by_role("button", name="Extend bottom side").focus()
    painter.page.keyboard.press("ArrowDown")
    assert painter.call("editor.extend.bottom") == 20
    expect(painter.page.locator(".stage-readout")).to_have_text("400 × 320")


def test_the_last_edit_is_offered_after_a_reload(painter: Painter) -> None:
    painter.stroke((100, 100), (300, 200))
    painter.call("((editor.extend = value), null)", {"left": 32})
    before = painter.mask()
    painter.call("editor._autosave.flush()")
    painter.page.reload()
    painter.page.get_by_role("button", name="Restore").click()
    painter.until("editor.hasMask")
    assert np.array_equal(painter.mask(), before)
    assert painter.call("editor.picture.name") == "meadow.png"
    painter.call("editor._autosave.flush()")
    painter.page.reload()
    painter.page.get_by_role("button", name="Discard").click()
    painter.call("editor._autosave.saved")
    painter.page.reload()
    assert painter.call("editor._autosave.load()") is None


def test_what_is_being_saved_is_forgotten_too(painter: Painter) -> None:
    painter.stroke((100, 100), (300, 200))
    painter.call("(editor._autosave.flush(), editor._autosave.forget())")
    assert painter.call("editor._autosave.load()") is None


def test_nobody_is_offered_the_edit_of_another(open_painter: Open) -> None:
    painter = open_painter(query="account=1")
    painter.open()
    painter.click(200, 150)
    painter.call("editor._autosave.flush()")
    painter = open_painter(query="account=1")
    expect(painter.page.get_by_text("Restore your last edit?")).to_be_visible()
    painter = open_painter(query="account=2")
    assert painter.call("editor._autosave.load()") is None
    painter = open_painter(query="account=1")
    assert painter.call("editor._autosave.load()") is None


def test_files_that_are_no_pictures_are_refused_with_a_sentence(open_painter: Open) -> None:
    painter = open_painter()
    with painter.page.expect_file_chooser() as chooser:
        painter.page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"})
    expect(painter.page.get_by_role("alert")).to_contain_text("notes.png cannot be shown here")
    assert painter.call("editor.picture") is None
    painter.page.get_by_role("button", name="Boat on the shore").click()
    painter.until("editor.picture")
    assert painter.call("[editor.picture.name, editor.size.width, editor.size.height]") == ["shore.jpg", 1152, 832]


def test_pictures_are_pasted_and_dropped(open_painter: Open) -> None:
    painter = open_painter()
    content = list(png(np.zeros((60, 80, 3), np.uint8)))
    painter.page.evaluate(
        """(content) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(content)], "pasted.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        content,
    )
    painter.until("editor.picture?.name === 'pasted.png'")
    painter.page.evaluate(
        """(content) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(content)], "mask.png", { type: "image/png" }));
          const view = document.querySelector(".stage-view");
          view.dispatchEvent(new DragEvent("dragenter", { dataTransfer, bubbles: true }));
          const zone = [...document.querySelectorAll(".stage-zone")].find((one) => one.textContent === "Use as mask");
          zone.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        list(png(np.full((60, 80), 255, np.uint8))),
    )
    painter.until("editor.coverage === 1")
    assert painter.call("editor.picture.name") == "pasted.png"


def test_the_three_views_share_one_transform(painter: Painter) -> None:
    painter.page.evaluate(
        "() => { window.views = []; document.addEventListener('g:view', (event) => window.views.push(event.detail.view)); }"
    )
    compare = painter.page.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    painter.call("(editor.setResult({ available: true, fresh: true }), null)")
    painter.call("(editor._desk.zoomTo(2), editor.parts.compare.append(document.createElement('i')), null)")
    before = painter.call("editor.transform")
    compare.click()
    painter.settle()
    assert painter.call("editor.view") == "compare"
    assert painter.call("editor.transform") == before
    box = painter.call("(({ left, width }) => [left, width])(editor.parts.compare.getBoundingClientRect())")
    assert box == pytest.approx([painter.at(0, 0)[0], 800], abs=0.1)
    painter.stroke((100, 100), (200, 100))
    assert not painter.call("editor.hasMask")
    painter.call("(editor.setResult({ available: false }), null)")
    assert painter.call("editor.view") == "mask"
    assert {"mask", "compare"} <= set(painter.page.evaluate("window.views"))


def test_events_say_what_the_page_needs(open_painter: Open) -> None:
    painter = open_painter()
    painter.page.evaluate(
        """() => { window.told = []; for (const name of ["g:picture", "g:mask"])
          document.addEventListener(name, (event) => window.told.push([name, event.detail])); }"""
    )
    painter.open()
    painter.click(200, 150)
    told = painter.page.evaluate("window.told")
    assert ["g:picture", {"width": 400, "height": 300, "name": "meadow.png"}] in told
    name, detail = told[-1]
    assert name == "g:mask"
    assert 0 < detail["coverage"] < 0.1
    assert (detail["width"], detail["height"]) == (400, 300)
    assert painter.call("editor.touched")


def test_nothing_can_be_changed_while_it_is_disabled(painter: Painter) -> None:
    painter.stroke((100, 100), (200, 100))
    before = painter.digest()
    painter.call("((editor.disabled = true), null)")
    painter.stroke((100, 200), (200, 200))
    painter.press("i", "Delete", "Control+z")
    assert painter.digest() == before
    expect(painter.page.get_by_role("button", name="Brush")).to_be_disabled()
    painter.call("((editor.disabled = false), null)")
    painter.press("Control+z")
    assert not painter.call("editor.hasMask")


def test_an_earlier_task_is_restored(painter: Painter) -> None:
    painter.call(
        "editor.restore({ picture: editor.picture, mask: new Blob([new Uint8Array(value)], { type: 'image/png' }), extend: { top: 40 } })",
        list(png(np.where(disc(300, 400, 200, 150, 60), 255, 0).astype(np.uint8))),
    )
    assert painter.call("editor.toJSON()")["extend"] == {"left": 0, "top": 40, "right": 0, "bottom": 0}
    mask = painter.mask()
    assert mask.shape == (340, 400)
    assert np.array_equal(mask[40:], disc(300, 400, 200, 150, 60) * np.uint8(255))


def test_the_painter_stays_within_its_budget(open_painter: Open) -> None:
    painter = open_painter()
    painter.open()
    sent = painter.page.evaluate(
        """() => performance.getEntriesByType("resource").filter((one) => /mask-editor|painter\\//.test(one.name))
          .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
    )
    assert 10_000 < sent < _BUDGET_BYTES
