/** Extend: eight handles round the picture, each a button that is dragged or moved with the arrow keys. Shift moves both sides. */

import { h } from "../dom.js";
import { withSides } from "../extension.js";

/** @typedef {import("../extension.js").Margins} Margins */
/** @typedef {"left"|"top"|"right"|"bottom"} Side */

/** @type {[string, Side[]][]} */
const HANDLES = [
  ["top left corner", ["left", "top"]],
  ["top side", ["top"]],
  ["top right corner", ["right", "top"]],
  ["right side", ["right"]],
  ["bottom right corner", ["right", "bottom"]],
  ["bottom side", ["bottom"]],
  ["bottom left corner", ["left", "bottom"]],
  ["left side", ["left"]],
];
const OPPOSITE = /** @type {const} */ ({ left: "right", right: "left", top: "bottom", bottom: "top" });
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** How far an arrow key moves a side that needs no multiple. */
const STEP_PX = 8;

/** @implements {Tool} @typedef {import("./tool.js").Tool} Tool */
export class Extend {
  /** @param {import("./tool.js").Bench} bench */
  constructor(bench) {
    this.name = "extend";
    this.cursor = "grab";
    this._bench = bench;
    this._readout = h("output", { class: "stage-readout" });
    this._handles = HANDLES.map(([label, sides]) => this._handle(label, sides));
    /** Lies over the stage; shown while the tool is chosen. */
    this.element = h("div", { class: "stage-handles", hidden: true }, ...this._handles, this._readout);
    /** @type {{x: number, y: number, margins: Margins}|null} where a drag began */
    this._from = null;
  }

  press() {}
  move() {}
  lift() {}
  drop() {}
  hover() {}

  enter() {
    this.element.hidden = false;
    this.redraw();
  }

  leave() {
    this.element.hidden = true;
    this._end(false);
    this._bench.outline.hideFrame();
  }

  redraw() {
    if (this.element.hidden) return;
    const { board, outline, view } = this._bench;
    const low = view.toScreen(board.frame.left, board.frame.top);
    const high = view.toScreen(board.frame.right, board.frame.bottom);
    outline.showFrame(low, high);
    HANDLES.forEach(([, sides], i) => {
      const x = sides.includes("left") ? low.x : sides.includes("right") ? high.x : (low.x + high.x) / 2;
      const y = sides.includes("top") ? low.y : sides.includes("bottom") ? high.y : (low.y + high.y) / 2;
      this._handles[i].style.translate = `${x}px ${y}px`;
    });
    const { width, height } = board.wholeSize;
    this._readout.value = `${width} × ${height}`;
    this._readout.style.translate = `${(low.x + high.x) / 2}px ${low.y}px`;
  }

  /** @param {string} label @param {Side[]} sides */
  _handle(label, sides) {
    const handle = h("button", { type: "button", class: `stage-handle is-${sides.join("-")}`, "aria-label": `Extend ${label}`, title: `Extend ${label}`, "data-own-pointer": true });
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this._bench.board.isOpen) return;
      handle.setPointerCapture(event.pointerId);
      this._from = { x: event.clientX, y: event.clientY, margins: this._bench.board.extension };
    });
    handle.addEventListener("pointermove", (event) => {
      if (!this._from) return;
      const { scale } = this._bench.view;
      this._pull(sides, (event.clientX - this._from.x) / scale, (event.clientY - this._from.y) / scale, this._from.margins, event.shiftKey);
    });
    handle.addEventListener("pointerup", () => this._end(true));
    handle.addEventListener("pointercancel", () => this._end(false));
    handle.addEventListener("keydown", (event) => this._key(event, sides));
    return handle;
  }

  /** @param {KeyboardEvent} event @param {Side[]} sides */
  _key(event, sides) {
    if (event.key === "Escape" && this._from) {
      event.stopPropagation();
      this._end(false);
    }
    const arrow = ARROWS[event.key];
    if (!arrow || !this._bench.board.isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    const { board } = this._bench;
    const step = Math.max(STEP_PX, board.limits.multiple);
    this._pull(sides, arrow[0] * step, arrow[1] * step, board.extension, event.shiftKey);
    this._end(true);
  }

  /** @param {Side[]} sides @param {number} dx picture pixels @param {number} dy @param {Margins} from @param {boolean} both */
  _pull(sides, dx, dy, from, both) {
    const { board } = this._bench;
    /** @type {Partial<Margins>} */
    const wanted = {};
    for (const side of sides) {
      const out = { left: -dx, right: dx, top: -dy, bottom: dy }[side];
      wanted[side] = from[side] + out;
      if (both) wanted[OPPOSITE[side]] = from[OPPOSITE[side]] + out;
    }
    board.stretch(withSides(board.size, from, wanted, board.limits));
  }

  /** @param {boolean} isKept */
  _end(isKept) {
    this._from = null;
    this._bench.board.settle(isKept);
  }
}
