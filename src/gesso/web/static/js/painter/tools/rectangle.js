/** Rectangle: from corner to corner, on whole pixels; Shift makes a square. */

import { drawRectangle } from "../raster.js";

/** @typedef {import("./tool.js").Spot} Spot */

/** @implements {Tool} @typedef {import("./tool.js").Tool} Tool */
export class Rectangle {
  /** @param {import("./tool.js").Bench} bench */
  constructor(bench) {
    this.name = "rectangle";
    this.cursor = "crosshair";
    this._bench = bench;
    /** @type {Spot|null} */
    this._from = null;
    /** @type {Spot|null} */
    this._to = null;
  }

  /** @param {Spot} spot */
  press(spot) {
    this._from = this._to = spot;
  }

  /** @param {Spot[]} spots */
  move(spots) {
    this._to = spots[spots.length - 1];
    this.redraw();
  }

  /** @param {Spot} spot */
  lift(spot) {
    this._to = spot;
    const erases = spot.erase || this._from?.erase === true;
    const box = this._box();
    if (box && box.right > box.left && box.bottom > box.top) this._bench.board.edit((plane) => drawRectangle(plane, box, erases));
    this.drop();
  }

  drop() {
    this._from = this._to = null;
    this.redraw();
  }

  hover() {}

  redraw() {
    const { outline, view } = this._bench;
    const box = this._box();
    if (box) outline.showFrame(view.toScreen(box.left, box.top), view.toScreen(box.right, box.bottom));
    else outline.hideFrame();
  }

  leave() {
    this.drop();
  }

  _box() {
    const { _from: a, _to: b } = this;
    if (!a || !b) return null;
    let dx = b.x - a.x;
    let dy = b.y - a.y;
    if (b.shift) {
      const side = Math.max(Math.abs(dx), Math.abs(dy));
      dx = dx < 0 ? -side : side;
      dy = dy < 0 ? -side : side;
    }
    const left = Math.round(Math.min(a.x, a.x + dx));
    const top = Math.round(Math.min(a.y, a.y + dy));
    const right = Math.round(Math.max(a.x, a.x + dx));
    const bottom = Math.round(Math.max(a.y, a.y + dy));
    return b.shift ? { left, top, right: left + Math.round(Math.abs(dx)), bottom: top + Math.round(Math.abs(dx)) } : { left, top, right, bottom };
  }
}
