"""Pictures of pages against stored ones. What a machine draws in its own way, text above all, is tried first on a reference that no page
can change: where that looks otherwise than when the pictures were stored, comparing pages would tell of the machine only."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

STORED = Path(__file__).parent / "looks"
# To store the pictures anew: RENEW_LOOKS=1 .venv/bin/python -m pytest tests/browser/test_looks.py
RENEWS = bool(os.environ.get("RENEW_LOOKS"))
DIFFERING_MAX_SHARE = 0.005
# Of 255: what rounding in another build of the same library may make of a colour.
_SAME_WITHIN = 12
_TRIES = 20
# Times, and what there is of the machine.
_UNSTEADY = """
  .machine-chip { display: none !important; }
  time, [data-time], [data-since], [data-takes], .task-steps b, .live-left, .result-facts, .shot-line, .split, .facts b, .peek header h2 {
    visibility: hidden !important;
  }
  td.number, .times .mono, g-task-progress .label .mono, .pairs a, .pairs dd:has(a) {
    color: transparent !important;
    text-decoration-color: transparent !important;
  }
"""
_REFERENCE = """(fonts) => {
  document.body.replaceChildren();
  document.documentElement.style.background = document.body.style.background = "#fff";
  for (const [family, weights] of fonts)
    for (const weight of weights)
      for (const size of [12, 14, 19, 30]) {
        const line = document.createElement("p");
        Object.assign(line.style, { all: "initial", display: "block", margin: "6px 12px", color: "#151a17" });
        line.style.font = `${weight} ${size}px/1.4 ${family}`;
        line.textContent = "Quick wafting zephyrs vex bold Jim, 0123456789 × 14/25 (%)";
        document.body.append(line);
      }
  for (const kind of ["checkbox", "range", "text"]) {
    const control = document.createElement("input");
    Object.assign(control.style, { all: "revert", margin: "8px" });
    control.type = kind;
    document.body.append(control);
  }
  const choice = document.createElement("select");
  choice.style.all = "revert";
  choice.append(new Option("A choice"));
  const canvas = Object.assign(document.createElement("canvas"), { width: 90, height: 60 });
  Object.assign(canvas.style, { width: "251px", height: "167px", margin: "12px", borderRadius: "10px" });
  canvas.style.boxShadow = "0 2px 10px rgb(0 0 0 / 35%)";
  const context = canvas.getContext("2d");
  for (let x = 0; x < 90; x += 10) for (let y = 0; y < 60; y += 10) {
    context.fillStyle = `hsl(${4 * x + y} 60% 50%)`;
    context.fillRect(x, y, 10, 10);
  }
  document.body.append(choice, canvas);
  return document.fonts.ready.then(() => {});
}"""
# Those of the pages, written down here so that a change of the pages leaves the reference as it is.
_FONTS = [
    ["'Hanken Grotesk', system-ui, sans-serif", [400, 500, 600, 700]],
    ["ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace", [400]],
]


def check_reference(page: Page, folder: Path) -> str:
    """Why pictures of pages cannot be compared on this machine; empty when they can."""
    page.goto("/sign-in")
    page.evaluate(_REFERENCE, _FONTS)
    share = Looks(folder).nearest(page, "reference", 0)
    if not share:
        return ""
    version = page.context.browser.version if page.context.browser else "of unknown version"
    return (
        f"chromium {version} and the fonts of this machine draw {share:.2%} of a reference otherwise than where the pictures of pages were"
        " stored; RENEW_LOOKS=1 stores them anew"
    )


class Looks:
    """`folder`: where pictures go that differ, beside what differs in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._differing: list[str] = []

    def compare(self, page: Page, name: str) -> None:
        """Take the page in both themes; what differs is told by `done`."""
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            share = self.nearest(page, f"{name}-{theme}", DIFFERING_MAX_SHARE)
            if share > DIFFERING_MAX_SHARE:
                self._differing.append(f"{name}-{theme}: {share:.2%}, see {self._folder}")

    def done(self) -> None:
        assert not self._differing, self._differing

    def nearest(self, page: Page, name: str, enough: float) -> float:
        """The share of pixels that differ from the stored picture. The page may come to rest yet, so it is looked at again until they are
        few `enough`."""
        if RENEWS:
            _settled(page).save(STORED / f"{name}.webp", "WEBP", lossless=True, quality=100, method=6)
        with Image.open(STORED / f"{name}.webp") as stored:
            before = np.asarray(stored.convert("RGB")).astype(int)
        for _ in range(_TRIES):
            taken = _taken(page)
            now = np.asarray(Image.open(io.BytesIO(taken)).convert("RGB")).astype(int)
            assert before.shape == now.shape, "another window than that of the stored picture"
            differs = np.abs(now - before).max(axis=2) > _SAME_WITHIN
            if differs.mean() <= enough:
                break
        else:
            (self._folder / f"{name}.png").write_bytes(taken)
            Image.fromarray(differs).save(self._folder / f"{name}-differs.png")
        return float(differs.mean())


def _taken(page: Page) -> bytes:
    page.evaluate("() => document.fonts.ready.then(() => Promise.all([...document.images].map((one) => one.decode().catch(() => {}))))")
    return page.screenshot(animations="disabled", caret="hide", style=_UNSTEADY)


def _settled(page: Page) -> Image.Image:
    """The page once it looks the same twice."""
    before = b""
    for _ in range(_TRIES):
        taken = _taken(page)
        if taken == before:
            return Image.open(io.BytesIO(taken)).convert("RGB")
        before = taken
    raise AssertionError("the page never comes to rest")
