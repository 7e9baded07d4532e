/** Lasso: dragging draws a freehand line that closes on release, clicking sets the corners of a polygon. */

import { CLOSE_RADIUS, LEAST_STEP, distance, snapTo45, thinned } from "../polygon.js";
import { drawPolygon } from "../raster.js";

/** @typedef {import("./tool.js").Spot} Spot */
/** @typedef {{x: number, y: number}} Point */

/** So far a press may move and still be a click. */
const CLICK_PX = 4;

/** @implements {Tool} @typedef {import("./tool.js").Tool} Tool */
export class Lasso {
  /** @param {import("./tool.js").Bench} bench */
  constructor(bench) {
    this.name = "lasso";
    this.cursor = "crosshair";
    this._bench = bench;
    /** In picture pixels, so that they stay where they are when the view moves. @type {Point[]} */
    this._points = [];
    /** @type {Spot|null} */
    this._pressed = null;
    this._isFree = false;
    /** @type {Point|null} where the next corner would be */
    this._next = null;
  }

  /** @param {Spot} spot */
  press(spot) {
    this._pressed = spot;
    this._isFree = false;
    if (!this._points.length) this._points = [{ x: spot.x, y: spot.y }];
    this.redraw();
  }

  /** @param {Spot[]} spots */
  move(spots) {
    for (const spot of spots) {
      if (!this._pressed) return;
      const isFirst = this._points.length === 1;
      if (isFirst && !this._isFree && Math.hypot(spot.sx - this._pressed.sx, spot.sy - this._pressed.sy) > CLICK_PX) this._isFree = true;
      if (!this._isFree) this._next = this._corner(spot);
      else if (this._onScreen(this._points[this._points.length - 1], spot) >= LEAST_STEP) this._points.push({ x: spot.x, y: spot.y });
    }
    this.redraw();
  }

  /** @param {Spot} spot */
  lift(spot) {
    const pressed = this._pressed;
    this._pressed = null;
    if (!pressed) return;
    const erases = spot.erase || pressed.erase;
    if (this._isFree) return this._close(erases);
    if (this._points.length > 2 && this._onScreen(this._points[0], spot) <= CLOSE_RADIUS) return this._close(erases);
    const corner = this._corner(spot);
    const last = this._points[this._points.length - 1];
    if (this._points.length > 2 && this._onScreen(last, spot) < 2) return this._close(erases);
    if (this._onScreen(last, spot) >= 2) this._points.push(corner);
    this.redraw();
  }

  drop() {
    this._points = [];
    this._pressed = null;
    this._next = null;
    this._isFree = false;
    this.redraw();
  }

  /** @param {Spot|null} spot */
  hover(spot) {
    this._next = spot && this._points.length ? this._corner(spot) : null;
    this.redraw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this._points.length) return false;
    if (event.key === "Enter") this._close(event.altKey);
    else if (event.key === "Escape") this.drop();
    else if (event.key === "Backspace") {
      this._points.pop();
      this.redraw();
    } else return false;
    return true;
  }

  redraw() {
    const { outline, view } = this._bench;
    const points = this._next && !this._isFree ? [...this._points, this._next] : this._points;
    outline.showLine(
      points.map((point) => view.toScreen(point.x, point.y)),
      this._points.length > 2 && !this._isFree,
    );
  }

  leave() {
    this.drop();
  }

  /** @param {Spot} spot @returns {Point} */
  _corner(spot) {
    const last = this._points[this._points.length - 1];
    return spot.shift && last ? snapTo45(last, spot) : { x: spot.x, y: spot.y };
  }

  /** @param {Point} a @param {Point} b */
  _onScreen(a, b) {
    return distance(a, b) * this._bench.view.scale;
  }

  /** @param {boolean} erases */
  _close(erases) {
    const points = this._isFree ? thinned(this._points, 0.4 / this._bench.view.scale) : this._points;
    if (points.length > 2) this._bench.board.edit((plane) => drawPolygon(plane, points, erases));
    this.drop();
  }
}
