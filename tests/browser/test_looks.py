"""How the Run tab and Task history look, light and dark. Check 59 of the pages' specification; CONTRIBUTING.md tells how to renew it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer
from looks import Looks, check_reference
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, ViewportSize, expect
from run_page import LONG_MS, RunPage

PAINTBOX = "/models/studio/paintbox"
_WINDOW: ViewportSize = {"width": 1280, "height": 860}
_SIZE = (960, 640)
_SEED = 2415100471


def still_life() -> bytes:
    """A PNG of flat shapes: it is small as a stored picture, and every decoder makes the same of it."""
    picture = Image.new("RGB", _SIZE, "#cfd3c1")
    draw = ImageDraw.Draw(picture)
    draw.polygon([(120, 0), (330, 0), (470, 280), (230, 330)], fill="#e6dfc0")
    draw.rectangle((0, 400, 960, 640), fill="#b0784c")
    draw.rectangle((300, 250, 480, 500), fill="#7fa5b5")
    draw.ellipse((620, 400, 740, 500), fill="#e2c23a")
    draw.ellipse((715, 410, 830, 510), fill="#d8b52f")
    told = io.BytesIO()
    picture.save(told, "PNG")
    return told.getvalue()


def mask() -> bytes:
    picture = Image.new("L", _SIZE)
    ImageDraw.Draw(picture).rectangle((400, 180, 600, 520), fill=255)
    told = io.BytesIO()
    picture.save(told, "PNG")
    return told.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One of its own: what others have run shows on these pages."""
    with pytest.MonkeyPatch.context() as patch:
        # Where its Worker finds the model.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        live = LiveServer(tmp_path_factory.mktemp("data"), signup="open", models=("looks_model:MODEL",))
        live.start()
        yield live
        live.stop()


@pytest.fixture(scope="module")
def owner(server: LiveServer) -> Owner:
    return sign_up(server, "maya@example.com")


@pytest.fixture
def page(new_page: Callable[..., Page], owner: Owner) -> Page:
    return _window(new_page, owner)


@pytest.fixture(scope="module")
def obstacle(browser: Browser, server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Why this machine's pictures cannot be compared with the stored ones."""
    context = browser.new_context(base_url=server.url, viewport=_WINDOW, bypass_csp=True)
    found = check_reference(context.new_page(), tmp_path_factory.mktemp("reference"))
    context.close()
    return found


@pytest.fixture
def looks(obstacle: str, tmp_path: Path) -> Looks:
    if obstacle:
        pytest.skip(obstacle)
    return Looks(tmp_path)


def test_the_run_tab_looks_as_it_did(looks: Looks, page: Page, server: LiveServer, owner: Owner) -> None:
    tab = RunPage(page, server, owner).open(PAINTBOX)
    page.locator("g-mask-editor input[type=file]").first.set_input_files(
        {"name": "cup.png", "mimeType": "image/png", "buffer": still_life()}
    )
    expect(page.locator(".stage-summary")).to_contain_text("960 × 640")
    tab.fill(prompt="White tulips in a glass vase, slowly", seed=_SEED)
    at = page.locator(".stage-view").bounding_box()
    assert at is not None
    page.locator(".stage-view").press("r")
    page.mouse.move(at["x"] + 300, at["y"] + 120)
    page.mouse.down()
    page.mouse.move(at["x"] + 480, at["y"] + 300, steps=3)
    page.mouse.up()
    expect(page.locator(".stage-summary")).to_contain_text("masked")
    _put_away_the_mouse(page)
    looks.compare(page, "run-mask")
    tab.run()
    expect(page.locator(".live-word")).to_have_text("14 / 25", timeout=LONG_MS)
    expect(page.locator(".preview-frame")).to_be_visible()
    _put_away_the_mouse(page)
    looks.compare(page, "run-running")
    page.locator(".live-stop").click()
    tab.done()
    tab.fill(prompt="White tulips in a glass vase")
    tab.run()
    expect(page.get_by_role("slider", name="Compare before and after")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".stage-other-foot")).to_have_text("Same picture outside the mask: yes")
    expect(page.locator(".toast")).to_have_count(0)
    _put_away_the_mouse(page)
    looks.compare(page, "run-compare")
    looks.done()


def _window(new_page: Callable[..., Page], who: Owner) -> Page:
    # What is hidden in pictures is hidden by a style that the pages' policy would not let in.
    return new_page(who, **_WINDOW, bypass_csp=True)


def _put_away_the_mouse(page: Page) -> None:
    page.mouse.move(700, 70)


def test_task_history_looks_as_it_did(looks: Looks, server: LiveServer, new_page: Callable[..., Page]) -> None:
    who = sign_up(server, "tasks@example.com")
    page = _window(new_page, who)
    tab = RunPage(page, server, who)
    page.goto("/tasks")
    shown = _ended(tab, "White tulips in a glass vase, soft window light", seed=11)
    for prompt, seed in (("Red tulips in a glass vase", 150), ("A tall jug that breaks", 1), ("Yellow tulips, overcast light", 80)):
        _ended(tab, prompt, seed=seed)
    running = _order(tab, "A brass teapot with rising steam, slowly")
    withdrawn = _order(tab, "Same table, more lemons")
    _order(tab, "Extend the table to the right, morning light")
    tab.ask("/Task/Cancel", tasktoken=withdrawn["socketaccesstoken"])
    page.goto(f"/tasks?task={shown}")
    expect(page.locator("[data-now] tr[data-task]").first.locator("[data-pill]")).to_contain_text("14/25")
    expect(page.locator(".peek .compare-knife")).to_be_visible()
    _put_away_the_mouse(page)
    looks.compare(page, "tasks")
    tab.ask("/Task/Kill", tasktoken=running["socketaccesstoken"])
    looks.done()


def _order(tab: RunPage, prompt: str, seed: int = 1) -> dict[str, Any]:
    headers = {"x-gesso-project": tab.owner.project.uuid, "origin": tab.server.url}
    files = {name: {"name": f"{name}.png", "mimeType": "image/png", "buffer": png} for name, png in _inputs().items()}
    answer = tab.page.request.post(
        "/v1/Run/studio/paintbox", multipart={"prompt": prompt, "seed": str(seed), **files}, headers=headers
    ).json()
    assert answer["result"], answer
    return answer


def _inputs() -> dict[str, bytes]:
    return {"inputImage": still_life(), "inputImageMask": mask()}


def _ended(tab: RunPage, prompt: str, seed: int) -> int:
    task = int(_order(tab, prompt, seed)["taskid"])
    tab.server.call(lambda: tab.server.house.lifecycle.wait(task))
    return task
