/**
 * Pointers on the stage: which of them paint, pan or pinch. It tells a tool what happens and moves the view; it draws nothing.
 *
 * One pointer is captured from down to up, so strokes go on outside the stage. A second finger makes a pinch of what one finger began,
 * and takes that back, as does the system when it cancels a pointer.
 */

import { clamp } from "./dom.js";

/** @typedef {import("./tools/tool.js").Spot} Spot */
/** @typedef {import("./tools/tool.js").Tool} Tool */

/**
 * @typedef {object} Host what the gestures work on
 * @property {HTMLElement} element the stage
 * @property {import("./view.js").View} view
 * @property {() => Tool} tool the chosen one
 * @property {() => "paint"|"pan"|"leave"} primary what the first button does now
 * @property {() => void} moved the view has changed
 * @property {() => void} touched something was begun
 */

const ERASER_BUTTON = 5;
const ERASER_BUTTONS = 32;

export class Gestures {
  /** @param {Host} host */
  constructor(host) {
    this._host = host;
    /** @type {Tool|null} the tool in use */
    this._tool = null;
    this._pointer = -1;
    this._erase = false;
    this._isPanning = false;
    /** @type {{x: number, y: number}} */
    this._last = { x: 0, y: 0 };
    /** @type {Map<number, {x: number, y: number}>} */
    this._fingers = new Map();
    const { element } = host;
    element.addEventListener("pointerdown", (event) => this._down(event));
    element.addEventListener("pointermove", (event) => this._move(event));
    element.addEventListener("pointerup", (event) => this._up(event));
    element.addEventListener("pointercancel", (event) => this._cancel(event));
    element.addEventListener("pointerleave", () => this._tool || host.tool().hover(null));
    // The middle button would scroll the page by itself. The others may go on: they bring the focus here.
    element.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
  }

  get isBusy() {
    return this._tool !== null || this._isPanning;
  }

  /** Ends what is under way as if it had never begun. */
  drop() {
    this._tool?.drop();
    this._tool = null;
    this._stopPanning();
  }

  /** @param {PointerEvent} event */
  _down(event) {
    const { element, tool, primary } = this._host;
    const wish = primary();
    if (event.target instanceof Element && event.target.closest("[data-own-pointer]")) return;
    if (event.pointerType === "touch") {
      this._fingers.set(event.pointerId, this._place(event));
      if (this._fingers.size > 1) {
        this.drop();
        return;
      }
    }
    const pans = event.button === 1 || wish === "pan";
    if ((wish === "leave" && !pans) || this.isBusy || (event.button > 2 && event.button !== ERASER_BUTTON)) return;
    element.setPointerCapture(event.pointerId);
    this._pointer = event.pointerId;
    this._last = this._place(event);
    this._host.touched();
    if (pans) {
      this._isPanning = true;
      element.classList.add("is-panning");
      return;
    }
    this._erase = event.button === 2 || event.button === ERASER_BUTTON || (event.buttons & ERASER_BUTTONS) > 0;
    this._tool = tool();
    this._tool.press(this._spot(event));
  }

  /** @param {PointerEvent} event */
  _move(event) {
    const place = this._place(event);
    if (this._fingers.has(event.pointerId) && this._fingers.size > 1) return this._pinch(event.pointerId, place);
    if (this._fingers.has(event.pointerId)) this._fingers.set(event.pointerId, place);
    if (!this.isBusy) {
      if (event.pointerType !== "touch") this._host.tool().hover(this._spot(event));
      return;
    }
    if (event.pointerId !== this._pointer) return;
    if (this._isPanning) {
      this._host.view.pan(place.x - this._last.x, place.y - this._last.y);
      this._last = place;
      this._host.moved();
      return;
    }
    const events = event.getCoalescedEvents?.() ?? [];
    this._tool?.move((events.length ? events : [event]).map((one) => this._spot(one)));
  }

  /** @param {PointerEvent} event */
  _up(event) {
    this._fingers.delete(event.pointerId);
    if (event.pointerId !== this._pointer) return;
    this._pointer = -1;
    this._stopPanning();
    const tool = this._tool;
    this._tool = null;
    tool?.lift(this._spot(event));
    if (event.pointerType === "touch") this._host.tool().hover(null);
  }

  /** @param {PointerEvent} event */
  _cancel(event) {
    this._fingers.delete(event.pointerId);
    if (event.pointerId === this._pointer) this.drop();
  }

  _stopPanning() {
    this._isPanning = false;
    this._host.element.classList.remove("is-panning");
  }

  /** Two fingers: what is under them stays under them. @param {number} id @param {{x: number, y: number}} place */
  _pinch(id, place) {
    const [[first, a], [second, b]] = this._fingers;
    if (id !== first && id !== second) return;
    const [c, d] = id === first ? [place, b] : [a, place];
    this._fingers.set(id, place);
    const before = Math.hypot(a.x - b.x, a.y - b.y);
    const middle = { x: (c.x + d.x) / 2, y: (c.y + d.y) / 2 };
    const { view } = this._host;
    view.pan(middle.x - (a.x + b.x) / 2, middle.y - (a.y + b.y) / 2);
    if (before > 0) view.zoomTo((view.scale * Math.hypot(c.x - d.x, c.y - d.y)) / before, middle.x, middle.y);
    this._host.moved();
  }

  /**
   * Ctrl and the wheel zoom, which is also how browsers tell of a pinch on a touchpad. Without Ctrl the page scrolls, unless someone works
   * here on an enlarged picture: then it is moved.
   * @param {WheelEvent} event
   */
  _wheel(event) {
    const { view, element } = this._host;
    const zooms = event.ctrlKey || event.metaKey;
    if (!zooms && (view.fitted || !element.contains(document.activeElement))) return;
    event.preventDefault();
    const place = this._place(event);
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (zooms) view.zoomTo(view.scale * Math.exp(-clamp(event.deltaY * unit, -120, 120) / 300), place.x, place.y);
    else view.pan(-event.deltaX * unit, -event.deltaY * unit);
    this._host.moved();
  }

  /** @param {MouseEvent} event */
  _place(event) {
    const { left, top } = this._host.element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /** @param {PointerEvent} event @returns {Spot} */
  _spot(event) {
    const place = this._place(event);
    const isPen = event.pointerType === "pen";
    return {
      ...this._host.view.toPicture(place.x, place.y),
      sx: place.x,
      sy: place.y,
      pressure: isPen && event.pressure > 0 ? event.pressure : 1,
      erase: this._erase || event.altKey,
      shift: event.shiftKey,
    };
  }
}
