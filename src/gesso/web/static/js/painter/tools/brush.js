/** Brush and eraser: the same round tip, each with a size of its own. */

import { drawStroke } from "../raster.js";

/** @typedef {import("./tool.js").Spot} Spot */

/** @implements {Tool} @typedef {import("./tool.js").Tool} Tool */
export class Brush {
  /** @param {import("./tool.js").Bench} bench @param {"brush"|"eraser"} name */
  constructor(bench, name) {
    this.name = name;
    this.cursor = "none";
    this._bench = bench;
    /** @type {Spot|null} where the stroke has come to */
    this._at = null;
    /** Where the last stroke ended, for a straight line from there. @type {{x: number, y: number, of: object}|null} */
    this._end = null;
    this._erases = false;
    /** @type {Spot|null} */
    this._seen = null;
  }

  get size() {
    const { settings } = this._bench;
    return this.name === "eraser" ? settings.eraserSize : settings.brushSize;
  }

  /** @param {Spot} spot */
  press(spot) {
    const { board } = this._bench;
    this._erases = spot.erase || this.name === "eraser";
    board.begin();
    const from = spot.shift && this._end?.of === board.plane ? this._end : spot;
    this._draw(from, spot);
    this.hover(spot);
    board.painted();
  }

  /** @param {Spot[]} spots */
  move(spots) {
    for (const spot of spots) if (this._at) this._draw(this._at, spot);
    this.hover(spots[spots.length - 1]);
    this._bench.board.painted();
  }

  /** @param {Spot} spot */
  lift(spot) {
    if (this._at) this._end = { x: this._at.x, y: this._at.y, of: this._bench.board.plane };
    this._at = null;
    this._bench.board.commit();
    this.hover(spot);
  }

  drop() {
    this._at = null;
    this._bench.board.revert();
  }

  /** @param {Spot|null} spot */
  hover(spot) {
    this._seen = spot;
    this.redraw();
  }

  redraw() {
    const { outline, view } = this._bench;
    if (this._seen) outline.showRing({ x: this._seen.sx, y: this._seen.sy }, (this.size / 2) * view.scale, this._seen.erase || this.name === "eraser");
    else outline.hideRing();
  }

  leave() {
    this.hover(null);
  }

  /** @param {{x: number, y: number}} from @param {Spot} to */
  _draw(from, to) {
    const { board, settings } = this._bench;
    const share = settings.pressure ? Math.max(0.05, to.pressure) : 1;
    drawStroke(board.plane, from, to, (this.size / 2) * share, settings.softness, this._erases);
    this._at = to;
  }
}
