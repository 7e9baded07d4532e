"""What holds for every page: light and dark, wide and narrow, with and without somebody signed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from browser_people import Owner
from browser_server import LiveServer
from playwright.sync_api import Page, expect

WIDTHS = (1440, 768, 390, 320)
THEMES = ("light", "dark")
GRAVE = ("serious", "critical")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
JS_MAX_BYTES, RUN_JS_MAX_BYTES, CSS_MAX_BYTES = 15_000, 60_000, 25_000
STATIC = Path(__file__).parents[2] / "src" / "gesso" / "web" / "static"

OPEN = (
    "/",
    "/models",
    "/models?q=nothing-has-this-word",
    "/models/gesso/heal",
    "/models/gesso/echo",
    "/models/black-forest-labs/flux-1-fill-dev",
    "/models/gesso/heal/api",
    "/models/gesso/heal/readme",
    "/models/gesso/heal/comments",
    "/apps",
    "/apps/remove-object",
    "/apps/extend-picture",
    "/pricing",
    "/docs",
    "/docs/api",
    "/docs/settings",
    "/docs?q=key",
    "/blog",
    "/blog/what-gesso-is-for",
    "/search?q=photograph",
    "/status",
    "/about",
    "/licenses",
    "/sign-in",
    "/sign-up",
    "/forgot",
)
SIGNED_IN = (
    "/dashboard",
    "/models/gesso/echo/history",
    "/models/gesso/heal/report",
    "/tasks?tab=running",
    "/tasks?tab=models",
    "/tasks?tab=models&status=failed",
    "/tasks?tab=trains",
    "/tasks/TASK",
    "/projects",
    "/projects/PROJECT",
    "/files",
    "/projects/PROJECT/delete",
    "/billing",
    "/billing?show=runs&days=7",
    "/settings",
    "/settings/second-factor",
    "/settings/delete",
    "/admin",
    "/admin/users",
    "/admin/webhooks",
    "/admin/reports",
    "/admin/settings",
)
RUN_TABS = re.compile(r"/models/[^/]+/[^/?]+$")


@pytest.fixture(scope="module")
def task(server: LiveServer, owner: Owner) -> str:
    """The id of a task that has ended, in a project with some history."""
    services = server.house.services
    key = server.call(lambda: services.projects.regenerate(owner.user, owner.project.uuid))
    with server.client(key) as client:
        client.post("/Run/gesso/echo/sync", json={"text": "it fails", "fail": "on purpose"})
        client.post("/Run/gesso/echo", json={"text": "it waits", "delay": 1, "steps": 3})
        return client.post("/Run/gesso/echo/sync", json={"text": "<b>hello</b>" + " and more" * 30}).json()["tasklist"][0]["id"]


def _problems(page: Page) -> list[str]:
    found = page.evaluate(
        "() => axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    return [
        f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"][:3]
    ]


def _overflow(page: Page) -> str:
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return "";
          const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
          return wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120)).join("\\n") || "the page itself";
        }"""
    )


def _unnamed(page: Page) -> list[str]:
    """Buttons, links and fields that have no name. The browser's own tree of what is read out is asked."""
    return page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")]
          .filter((one) => one.checkVisibility())
          .filter((one) => !(one.innerText?.trim() || one.ariaLabel || one.title || one.labels?.length || one.value))
          .filter((one) => !one.querySelector("img[alt]:not([alt=''])"))
          .map((one) => one.outerHTML.slice(0, 120))"""
    )


def _look(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200
    expect(page).to_have_title(re.compile(r".+ · gesso$"))
    expect(page.locator("h1")).to_have_count(1)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert page.locator("[style]:not(g-mask-editor *):not(g-compare *)").count() == 0 or RUN_TABS.search(path)
    page.evaluate(AXE)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        assert _problems(page) == [], f"{path} {theme}"
    assert _unnamed(page) == [], path
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert _overflow(page) == "", f"{path} at {width}"
    assert _problems(page) == [], f"{path} narrow"


@pytest.mark.parametrize("path", OPEN)
def test_a_stranger_finds_every_open_page_well_made(new_page: Callable[..., Page], owner: Owner, path: str) -> None:
    _look(new_page(), path)


@pytest.mark.parametrize("path", SIGNED_IN)
def test_a_member_finds_every_page_well_made(page: Page, owner: Owner, task: str, path: str) -> None:
    _look(page, path.replace("TASK", task).replace("PROJECT", owner.project.uuid))


@pytest.mark.parametrize("path", ["/dashboard", "/tasks?tab=models", "/models/gesso/heal", "/models/gesso/heal/api", "/files", "/"])
def test_the_scripts_of_a_page_stay_small(page: Page, owner: Owner, task: str, path: str) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))) if "/js/" in answer.url else None)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) <= (RUN_JS_MAX_BYTES if RUN_TABS.search(path) else JS_MAX_BYTES), sizes


def test_the_style_of_all_pages_stays_small(page: Page) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))) if answer.url.endswith(".css") else None)
    page.goto("/")
    assert len(sizes) == 1
    assert 0 < sizes[0] <= CSS_MAX_BYTES


def test_every_part_of_a_page_can_be_reached_by_keyboard_and_seen(page: Page, owner: Owner) -> None:
    page.goto("/models")
    seen: list[str] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => { const one = document.activeElement;
            if (!one || one === document.body) return null;
            const style = getComputedStyle(one), around = getComputedStyle(one.closest('.find') || one);
            return [one.outerHTML.slice(0, 80), style.outlineStyle !== 'none' || around.outlineStyle !== 'none'];}"""
        )
        if focus is None:
            break
        html, is_marked = focus
        assert is_marked, html
        seen.append(html)
    assert len(seen) > 20


def test_colours_of_texts_and_controls_can_be_told_from_their_grounds() -> None:
    css = (STATIC / "css" / "tokens.css").read_text()
    for theme in (r":root \{", r':root\[data-theme="dark"\] \{'):
        block = css[re.search(theme, css).end() :].split("}")[0]  # type: ignore[union-attr]
        colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
        for text, ground, least in (
            *((ink, ground, 4.5) for ink in ("ink", "ink2", "ink3") for ground in ("ground", "panel", "sunk")),
            ("edge", "panel", 3.0),
            ("on-accent", "accent", 4.5),
            ("accent-ink", "accent-soft", 4.5),
            *((name, f"{name}-soft", 4.5) for name in ("running", "waiting", "failed")),
        ):
            assert _contrast(colours[text], colours[ground]) >= least, f"{text} on {ground}"


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_nothing_is_large_or_made_by_others() -> None:
    for path in STATIC.rglob("*"):
        if path.is_file():
            assert path.stat().st_size <= 200_000, path
            assert ".min." not in path.name
            if path.suffix == ".js":
                assert max(map(len, path.read_text().splitlines()), default=0) < 400, path


def test_no_script_or_style_names_another_origin() -> None:
    for path in STATIC.rglob("*"):
        if path.suffix in (".css", ".js"):
            assert not re.search(r"(?:src|href|url)\s*[=(:]\s*[\"']?https?://", path.read_text()), path
