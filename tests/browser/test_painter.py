"""The mask painter in a real browser: what pointers, fingers and keys do to the mask, and what comes out of it as files."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from painter_page import Painter, disc, painter_app, png, serving
from playwright.sync_api import Browser, Page, expect

# What a page with the painter loads before anything is opened, packed.
_BUDGET_BYTES = 30 * 1024

Open = Callable[..., Painter]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(painter_app()) as url:
        yield url


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Iterator[dict[str, Page]]:
    """Pages by their options: making one takes longer than most tests."""
    opened: dict[str, Page] = {}
    yield opened
    for page in opened.values():
        page.context.close()


@pytest.fixture
def open_painter(browser: Browser, address: str, windows: dict[str, Page]) -> Iterator[Open]:
    """Opens the page with the painter; what it logs as an error or asks of another origin fails the test."""
    complaints: list[str] = []
    listening: list[tuple[Page, str, Callable[..., object]]] = []

    def listen(page: Page, event: str, complaint: Callable[..., str | None]) -> None:
        def note(told: object) -> None:
            text = complaint(told)
            if text:
                complaints.append(text)

        page.on(event, note)
        listening.append((page, event, note))

    def make(width: int = 1100, height: int = 800, scale: float = 1, query: str = "", **options: object) -> Painter:
        key = f"{scale} {options}"
        if key not in windows:
            context = browser.new_context(base_url=address, device_scale_factor=scale, reduced_motion="reduce", **options)
            windows[key] = context.new_page()
        page = windows[key]
        page.set_viewport_size({"width": width, "height": height})
        listen(page, "pageerror", lambda error: f"script: {error}")
        listen(page, "console", lambda message: f"console: {message.text}" if message.type in ("error", "warning") else None)
        listen(page, "request", lambda asked: None if asked.url.startswith((address, "blob:")) else f"another origin: {asked.url}")
        page.goto(f"/painter?{query}")
        return Painter(page)

    yield make
    for page in {page for page, _, _ in listening}:
        page.mouse.up()
        page.evaluate("localStorage.clear(); document.querySelector('g-mask-editor')._autosave.forget()")
    for page, event, note in listening:
        page.remove_listener(event, note)
    assert not complaints


@pytest.fixture
def painter(open_painter: Open) -> Painter:
    """A painter with a picture of 400 x 300 and a brush of 40 pixels."""
    opened = open_painter()
    opened.open()
    opened.size(40)
    return opened


@pytest.mark.parametrize("scale", [1, 1.5, 2])
@pytest.mark.parametrize("zoom", [0.25, 1, 4])
def test_a_dab_lands_where_the_pointer_is(open_painter: Open, scale: float, zoom: float) -> None:
    painter = open_painter(scale=scale)
    painter.open(600, 400)
    painter.size(30)
    painter.call("(editor._desk.zoomTo(value), null)", zoom)
    painter.click(310, 190)
    mask = painter.mask()
    rows, columns = np.nonzero(mask)
    # The browser rounds the pointer to pixels of the screen.
    assert abs(columns.mean() + 0.5 - 310) <= 1 / zoom
    assert abs(rows.mean() + 0.5 - 190) <= 1 / zoom
    assert abs(np.count_nonzero(mask) - np.pi * 15**2) < 12


def test_what_is_painted_is_what_is_seen(painter: Painter) -> None:
    painter.stroke((100, 150), (300, 150))
    painter.page.mouse.move(5, 5)
    painter.settle()
    x, y = painter.at(200, 150)
    clip = {"x": round(x), "y": round(y), "width": 12, "height": 12}
    inside = np.frombuffer(painter.page.screenshot(clip=clip), np.uint8)
    painter.press("m")
    painter.settle()
    hidden = np.frombuffer(painter.page.screenshot(clip=clip), np.uint8)
    assert inside.tobytes() != hidden.tobytes()
    assert painter.call("editor.coverage") > 0.05


def test_a_stroke_goes_on_outside_the_stage_and_comes_back(painter: Painter) -> None:
    box = painter.view.bounding_box()
    page = painter.page
    page.mouse.move(*painter.at(200, 150))
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 30, steps=5)
    page.mouse.move(*painter.at(300, 150), steps=5)
    page.mouse.up()
    mask = painter.mask()
    assert mask[150, 200] == 255
    assert mask[150, 299] == 255
    assert mask[10, 205] == 255


def test_shift_and_a_click_draw_a_straight_line(painter: Painter) -> None:
    painter.click(60, 60)
    painter.page.keyboard.down("Shift")
    painter.click(340, 240)
    painter.page.keyboard.up("Shift")
    mask = painter.mask()
    assert all(mask[round(60 + share * 180), round(60 + share * 280)] == 255 for share in np.linspace(0, 1, 20))


def test_a_hard_brush_leaves_only_keep_and_fill(painter: Painter) -> None:
    painter.stroke((50.3, 60.7), (333.1, 222.9), (120, 260))
    name, kind, picture = painter.file("editor.maskFile()")
    assert (name, kind) == ("meadow-mask.png", "image/png")
    assert picture.mode == "L"
    assert picture.size == (400, 300)
    assert set(np.unique(np.array(picture))) == {0, 255}


def test_a_soft_brush_fades_and_does_not_grow_harder_where_it_crosses_itself(painter: Painter) -> None:
    painter.call("(editor._desk.settings.set({ softness: 0.8 }), null)")
    painter.stroke((100, 150), (300, 150))
    once = painter.mask()
    assert np.unique(once).size > 50
    painter.stroke((300, 150), (100, 150))
    assert np.abs(painter.mask().astype(int) - once).max() <= 4


@pytest.mark.parametrize("way", ["tool", "alt", "right", "pen"])
def test_ways_to_erase(painter: Painter, way: str) -> None:
    painter.call("(editor._desk.fill(255), null)")
    if way == "tool":
        painter.press("e")
        painter.stroke((100, 100), (200, 100))
    elif way == "alt":
        painter.page.keyboard.down("Alt")
        painter.stroke((100, 100), (200, 100))
        painter.page.keyboard.up("Alt")
    elif way == "right":
        painter.stroke((100, 100), (200, 100), button="right")
    else:
        _pen_eraser(painter)
    mask = painter.mask()
    assert mask[100, 150] == 0
    assert mask[200, 150] == 255


def _pen_eraser(painter: Painter) -> None:
    """Playwright drives no pen, so its events are made in the page, under the one pointer id that is always active."""
    (x, y), (right, _) = painter.at(100, 100), painter.at(200, 100)
    painter.page.mouse.move(x, y)
    painter.page.evaluate(
        """([x, y, right]) => {
          const view = document.querySelector(".stage-view");
          const pen = (type, clientX, button, buttons) => view.dispatchEvent(new PointerEvent(type,
            { pointerId: 1, pointerType: "pen", clientX, clientY: y, button, buttons, pressure: 0.5, bubbles: true }));
          pen("pointerdown", x, 5, 32);
          pen("pointermove", right, -1, 32);
          pen("pointerup", right, 5, 0);
        }""",
        [x, y, right],
    )


def test_brush_and_eraser_each_keep_their_size(painter: Painter) -> None:
    painter.press("]", "]", "e", "[", "[", "Shift+]")
    sizes = painter.call("[editor._desk.settings.brushSize, editor._desk.settings.eraserSize]")
    assert sizes == [53, 31]
    painter.page.reload()
    assert painter.call("[editor._desk.settings.brushSize, editor._desk.settings.eraserSize]") == sizes


def test_a_cancelled_pointer_takes_its_stroke_back(painter: Painter) -> None:
    painter.page.mouse.move(*painter.at(100, 100))
    painter.page.mouse.down()
    painter.page.mouse.move(*painter.at(200, 100), steps=3)
    painter.view.dispatch_event("pointercancel", {"pointerId": 1})
    painter.page.mouse.up()
    assert not painter.call("editor.hasMask")
    assert not painter.call("editor._desk.board.history.canUndo")


def test_a_freehand_lasso_encloses_its_area(painter: Painter) -> None:
    painter.press("l")
    circle = [(200 + 90 * np.cos(angle), 150 + 90 * np.sin(angle)) for angle in np.linspace(0, 2 * np.pi, 80)]
    painter.stroke(*circle, steps=1)
    assert np.count_nonzero(painter.mask()) == pytest.approx(np.pi * 90**2, rel=0.01)


@pytest.mark.parametrize("end", ["Enter", "first point", "double click"])
def test_a_polygon_of_clicks(painter: Painter, end: str) -> None:
    painter.press("l")
    for point in ((50, 50), (350, 50), (350, 250)):
        painter.click(*point)
    if end == "Enter":
        painter.page.keyboard.press("Enter")
    elif end == "first point":
        painter.click(52, 52)
    else:
        painter.click(350, 250)
    assert np.count_nonzero(painter.mask()) == pytest.approx(300 * 200 / 2, rel=0.01)


def test_a_polygon_is_given_up_with_escape_and_a_point_with_backspace(painter: Painter) -> None:
    painter.press("l")
    for point in ((50, 50), (350, 50), (350, 250)):
        painter.click(*point)
    painter.page.keyboard.press("Escape")
    assert not painter.call("editor.hasMask")
    for point in ((50, 50), (350, 50), (390, 290), (350, 250)):
        painter.click(*point)
        if point == (390, 290):
            painter.page.keyboard.press("Backspace")
    painter.page.keyboard.press("Enter")
    assert np.count_nonzero(painter.mask()) == pytest.approx(300 * 200 / 2, rel=0.01)


def test_shift_keeps_the_sides_of_a_polygon_to_steps_of_45_degrees(painter: Painter) -> None:
    painter.press("l")
    painter.click(100, 100)
    painter.page.keyboard.down("Shift")
    painter.click(250, 106)
    painter.click(243, 200)
    painter.page.keyboard.up("Shift")
    painter.page.keyboard.press("Enter")
    rows, columns = np.nonzero(painter.mask())
    assert rows.min() == 100
    assert columns.max() == pytest.approx(249, abs=1)
    assert np.count_nonzero(painter.mask()) == pytest.approx(150 * 100 / 2, rel=0.02)


def test_alt_takes_the_lasso_away_from_the_mask(painter: Painter) -> None:
    painter.call("(editor._desk.fill(255), null)")
    painter.press("l")
    painter.page.keyboard.down("Alt")
    painter.stroke((100, 100), (300, 100), (300, 200), (100, 200), (100, 101), steps=3)
    painter.page.keyboard.up("Alt")
    assert np.count_nonzero(painter.mask() == 0) == pytest.approx(200 * 100, rel=0.01)


def test_a_rectangle_is_exact(painter: Painter) -> None:
    painter.call("(editor._desk.zoomTo(2), null)")
    painter.press("r")
    painter.stroke((120, 80), (280, 220))
    expected = np.zeros((300, 400), np.uint8)
    expected[80:220, 120:280] = 255
    assert np.array_equal(painter.mask(), expected)
    painter.page.keyboard.down("Shift")
    painter.stroke((150, 100), (200, 110), button="right")
    painter.page.keyboard.up("Shift")
    expected[100:150, 150:200] = 0
    assert np.array_equal(painter.mask(), expected)


def test_inverting_twice_changes_nothing_and_all_of_it_can_be_undone(painter: Painter) -> None:
    painter.stroke((100, 100), (200, 200))
    before = painter.mask()
    painter.press("i")
    assert np.array_equal(painter.mask(), 255 - before)
    painter.press("i")
    assert np.array_equal(painter.mask(), before)
    painter.press("Delete")
    assert not painter.call("editor.hasMask")
    painter.press("Control+z", "Control+z", "Control+z", "Control+z")
    assert not painter.call("editor.hasMask")
    painter.press("Control+Shift+z", "Control+y")
    assert np.array_equal(painter.mask(), 255 - before)


def test_fifty_random_steps_back_and_forth(painter: Painter) -> None:
    dice = random.Random(20)

    def spot(beyond: float = 20) -> tuple[float, float]:
        return dice.uniform(-beyond, 400 + beyond), dice.uniform(-beyond, 300 + beyond)

    for _ in range(50):
        act = dice.choice(["brush", "brush", "erase", "lasso", "lasso", "rectangle", "rectangle", "invert", "extend", "clear"])
        if act in ("invert", "clear"):
            painter.press({"invert": "i", "clear": "Delete"}[act])
        elif act == "extend":
            painter.call("((editor.extend = value), null)", {"right": dice.randrange(0, 100)})
        else:
            painter.press({"brush": "b", "erase": "e", "lasso": "l", "rectangle": "r"}[act])
            painter.stroke(spot(-5), spot(), spot(), steps=2)
    end = painter.digest()
    steps = 0
    while painter.call("editor._desk.board.history.canUndo"):
        painter.page.keyboard.press("Control+z")
        steps += 1
    assert steps > 35
    assert not painter.call("editor.hasMask")
    assert painter.call("editor._desk.board.plane.data.every((byte) => byte === 0)")
    for _ in range(steps):
        painter.page.keyboard.press("Control+y")
    assert painter.digest() == end
    assert not painter.call("editor._desk.board.history.canRedo")


def test_the_share_that_is_told_is_the_share_that_is_masked(painter: Painter) -> None:
    painter.stroke((30, 40), (390, 290), (200, 10))
    painter.press("i", "Control+z")
    painter.stroke((30, 240), (390, 20), button="right")
    assert painter.call("editor.coverage") == pytest.approx(painter.mask().mean() / 255, abs=1e-9)
    share = round(100 * painter.call("editor.coverage"))
    expect(painter.page.get_by_role("status").filter(has_text="masked")).to_contain_text(f"{share}%")


def test_keys_of_the_painter_do_nothing_while_someone_types(painter: Painter) -> None:
    painter.stroke((100, 100), (200, 100))
    before = painter.digest()
    prompt = painter.page.locator("#prompt")
    prompt.focus()
    painter.page.keyboard.type("i[]exbrl mood 0")
    painter.page.keyboard.press("Control+z")
    painter.page.keyboard.press("Delete")
    assert painter.digest() == before
    assert painter.call("editor.toJSON().tool") == "brush"


def test_letters_do_nothing_outside_the_painter(painter: Painter) -> None:
    painter.stroke((100, 100), (200, 100))
    before = painter.digest()
    painter.page.locator("h1").click()
    for key in ("i", "x", "Delete", "m"):
        painter.page.keyboard.press(key)
    assert painter.digest() == before
    assert painter.call("editor.toJSON().tool") == "brush"


def test_control_enter_runs_from_anywhere(painter: Painter) -> None:
    painter.page.evaluate("() => { window.runs = 0; document.addEventListener('g:run', () => window.runs++); }")
    painter.press("Control+Enter")
    painter.page.locator("#prompt").focus()
    painter.page.keyboard.press("Control+Enter")
    assert painter.page.evaluate("window.runs") == 2


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


def test_one_finger_paints_two_move_and_pinch(open_painter: Open) -> None:
    painter = open_painter(width=390, height=800, has_touch=True, is_mobile=True)
    painter.open()
    painter.size(40)
    session = painter.page.context.new_cdp_session(painter.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]}
        )

    touch("touchStart", painter.at(100, 150))
    touch("touchMove", painter.at(200, 150))
    touch("touchEnd")
    painted = painter.mask()
    assert painted[150, 150] == 255
    before = painter.call("editor.transform")
    x, y = painter.at(200, 150)
    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    touch("touchMove", (x - 80, y + 10), (x + 80, y + 10))
    touch("touchEnd")
    after = painter.call("editor.transform")
    assert after["scale"] == pytest.approx(2 * before["scale"], rel=0.02)
    assert painter.at(200, 150)[1] == pytest.approx(y + 10, abs=2)
    # The first finger's dab was taken back when the second came down.
    assert np.array_equal(painter.mask(), painted)


def test_zoom_is_about_the_pointer_and_space_moves(painter: Painter) -> None:
    place = painter.at(300, 100)
    painter.page.mouse.move(*place)
    painter.page.keyboard.down("Control")
    painter.page.mouse.wheel(0, -200)
    painter.page.keyboard.up("Control")
    painter.settle()
    # Of a wheel the browser tells whole pixels only.
    assert painter.at(300, 100) == pytest.approx(place, abs=0.6)
    painter.view.focus()
    before = painter.call("editor.transform")
    painter.page.keyboard.down("Space")
    painter.page.mouse.down()
    painter.page.mouse.move(place[0] - 30, place[1] + 20, steps=3)
    painter.page.mouse.up()
    painter.page.keyboard.up("Space")
    after = painter.call("editor.transform")
    assert (after["tx"] - before["tx"], after["ty"] - before["ty"]) == pytest.approx((-30, 20), abs=0.01)
    assert not painter.call("editor.hasMask")
    painter.press("1")
    assert painter.call("editor.transform.scale") == 1
    painter.press("0")
    expect(painter.page.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")


def test_a_rectangle_by_numbers_with_the_keyboard_alone(painter: Painter) -> None:
    painter.press("r")
    painter.page.get_by_role("button", name="Numbers").focus()
    painter.page.keyboard.press("Enter")
    expect(painter.page.get_by_label("From left")).to_be_focused()
    for number in ("10", "20", "100", "50"):
        painter.page.keyboard.type(number)
        painter.page.keyboard.press("Tab")
    painter.page.keyboard.press("Enter")
    expected = np.zeros((300, 400), np.uint8)
    expected[20:70, 10:110] = 255
    assert np.array_equal(painter.mask(), expected)
    painter.page.keyboard.press("Tab")
    painter.page.keyboard.press("Enter")
    assert not painter.call("editor.hasMask")
    painter.page.keyboard.press("Escape")
    expect(painter.page.get_by_role("button", name="Numbers")).to_be_focused()


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
    painter.page.reload()
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


def test_the_rail_is_one_stop_with_arrows_inside(painter: Painter) -> None:
    rail = painter.page.get_by_role("toolbar", name="Mask tools")
    assert rail.locator("button[tabindex='0']").count() == 1
    rail.get_by_role("button", name="Brush").focus()
    painter.page.keyboard.press("ArrowDown")
    expect(rail.get_by_role("button", name="Eraser")).to_be_focused()
    painter.page.keyboard.press("Enter")
    assert painter.call("editor.toJSON().tool") == "eraser"
    painter.page.keyboard.press("b")
    assert painter.call("editor.toJSON().tool") == "brush"


def test_a_narrow_painter_has_everything_behind_more(open_painter: Open) -> None:
    painter = open_painter(width=390)
    painter.open()
    painter.page.get_by_role("button", name="More").click()
    menu = painter.page.get_by_role("dialog", name="More")
    menu.get_by_role("button", name="Mask everything").click()
    expect(menu).to_be_hidden()
    assert painter.call("editor.coverage") == 1
    painter.page.get_by_role("button", name="More").click()
    for word in ("Upload mask", "Invert", "Clear", "Download mask"):
        expect(menu.get_by_role("button", name=word)).to_be_visible()
    menu.get_by_role("button", name="Clear").click()
    assert not painter.call("editor.hasMask")


def test_colour_and_opacity_change_what_is_seen_and_nothing_else(painter: Painter) -> None:
    painter.stroke((100, 150), (300, 150))
    before = painter.digest()
    painter.page.get_by_role("button", name="More").click()
    painter.page.get_by_role("radio", name="Blue").check()
    painter.page.get_by_role("slider", name="Opacity").fill("80")
    painter.page.keyboard.press("Escape")
    painter.settle()
    look = painter.call("[...editor._desk.stage._canvas.getContext('2d').getImageData(...value, 1, 1).data]", _on_canvas(painter, 200, 150))
    assert look[2] > look[0]
    assert look[3] > 200
    assert painter.digest() == before


def _on_canvas(painter: Painter, x: float, y: float) -> list[int]:
    transform = painter.call("editor.transform")
    return [round(transform["tx"] + x * transform["scale"]), round(transform["ty"] + y * transform["scale"])]


def test_help_lists_the_keys_and_gives_the_focus_back(painter: Painter) -> None:
    painter.press("?")
    dialog = painter.page.get_by_role("dialog", name="Keys of the painter")
    expect(dialog).to_contain_text("Hold to see the original")
    painter.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(painter.view).to_be_focused()


def test_the_original_shows_while_a_key_is_held(painter: Painter) -> None:
    painter.stroke((100, 100), (200, 100))
    painter.view.focus()
    painter.page.keyboard.down("\\")
    expect(painter.page.locator(".stage-mask")).to_have_css("visibility", "hidden")
    painter.page.keyboard.up("\\")
    expect(painter.page.locator(".stage-mask")).to_have_css("visibility", "visible")


def test_old_changes_are_forgotten_beyond_the_cap(painter: Painter) -> None:
    kept = painter.page.evaluate(
        """async () => {
          const modules = (await fetch(location.href)).headers.get("x-modules");
          const { History } = await import(modules + "painter/history.js");
          const history = new History(1000);
          for (let i = 0; i < 20; i++) history.push({ bytes: 100, swap() {} });
          return [history.bytes, new History().cap];
        }"""
    )
    assert kept == [1000, 64 * 2**20]


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_every_control_has_a_name(open_painter: Open, width: int, theme: str) -> None:
    painter = open_painter(width=width, query=f"theme={theme}")
    painter.open()
    found = painter.page.evaluate(
        """() => ({
          overflow: document.documentElement.scrollWidth - innerWidth,
          unnamed: [...document.querySelectorAll("g-mask-editor :is(button, input:not([type=file]))")].filter((one) =>
            !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML),
          small: [...document.querySelectorAll("g-mask-editor button")].filter((one) => one.offsetWidth &&
            (one.offsetWidth < 24 || one.offsetHeight < 24)).map((one) => one.outerHTML),
        })"""
    )
    assert found == {"overflow": 0, "unnamed": [], "small": []}


def test_the_painter_stays_within_its_budget(open_painter: Open) -> None:
    painter = open_painter()
    painter.open()
    sent = painter.page.evaluate(
        """() => performance.getEntriesByType("resource").filter((one) => /mask-editor|painter\\//.test(one.name))
          .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
    )
    assert 10_000 < sent < _BUDGET_BYTES
