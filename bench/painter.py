"""How long the mask painter takes for one move of the brush, for undo and for writing the mask, on a picture of 4096 x 4096 pixels.

`python bench/painter.py [--side 4096]` needs chromium; it drives the real modules on a page of the tests. A move includes its drawing.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))

from painter_page import Painter, painter_app, serving

# Reading one pixel back makes the browser finish what it was told to draw.
_MEASURE = """
async () => {
  const editor = document.querySelector("g-mask-editor");
  const desk = editor._desk;
  const { board, stage, tools } = desk;
  const finish = () => { stage._draw(); stage._canvas.getContext("2d").getImageData(0, 0, 1, 1); };
  const timed = (act) => { const from = performance.now(); act(); finish(); return performance.now() - from; };
  const spot = (x, y) => ({ x, y, sx: x * desk.view.scale, sy: y * desk.view.scale, pressure: 1, erase: false, shift: false });
  const side = board.size.width;
  const found = {};
  const cases = [["64 px", 64, 0, 0], ["512 px", 512, 0, 0], ["512 px, soft", 512, 0.5, 0], ["512 px at 400 %", 512, 0, 4]];
  for (const [name, size, softness, scale] of cases) {
    desk.settings.set({ brushSize: size, softness });
    if (scale) desk.zoomTo(scale); else desk.fit();
    finish();
    tools.brush.press(spot(side / 4, side / 2));
    const moves = [];
    const way = Array.from({ length: 60 }, (_, i) => spot(side / 4 + (i * side) / 120, side / 2 + (side / 8) * Math.sin(i / 6)));
    for (const place of way) moves.push(timed(() => tools.brush.move([place])));
    const lift = timed(() => tools.brush.lift(spot(side * 0.75, side / 2)));
    moves.sort((a, b) => a - b);
    found[`move, ${name}`] = [moves[30], moves[57]];
    found[`let go, ${name}`] = [lift, lift];
  }
  const twice = (act) => { const times = [timed(act), timed(act)]; return [Math.min(...times), Math.max(...times)]; };
  found.undo = twice(() => board.undo());
  found.redo = twice(() => board.redo());
  found.invert = twice(() => board.invert());
  const from = performance.now();
  const { size } = await editor.maskFile();
  found["mask file"] = [performance.now() - from, performance.now() - from];
  return [found, size];
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    side = parser.parse_args().side
    with serving(painter_app()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/painter")
        painter = Painter(page)
        painter.open(side, side)
        found, size = page.evaluate(_MEASURE)
        browser.close()
    print(f"{side} x {side}, median and worst of twenty in ms")
    for name, (median, worst) in found.items():
        print(f"{name:28}{median:8.1f}{worst:8.1f}")
    print(f"the mask file has {size} bytes")


if __name__ == "__main__":
    main()
