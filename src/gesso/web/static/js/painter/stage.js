/** The stage: picture, mask and outlines over one another under one view. It puts them in place and draws them, once a frame at most. */

import { h } from "./dom.js";
import { Hatching } from "./hatching.js";

/** Above this, pixels are shown as squares. */
const PIXELATED_FROM = 4;

export class Stage extends EventTarget {
  /** @param {import("./tools/tool.js").Bench} bench @param {string} summaryId what describes the mask in words */
  constructor(bench, summaryId) {
    super();
    this._bench = bench;
    this._frame = 0;
    this._isWhole = true;
    this.picture = h("div", { class: "stage-picture" });
    this.compare = h("div", { class: "stage-compare" });
    this.result = h("div", { class: "stage-result" });
    this.layer = h("div", { class: "stage-layer" }, this.picture, this.compare, this.result);
    this._canvas = h("canvas", { class: "stage-mask" });
    this.hatching = new Hatching(this._canvas, bench.board, bench.view);
    /** Takes the pointer and the keys. */
    this.element = h(
      "div",
      { class: "stage-view", tabindex: "0", role: "application", "aria-label": "Picture and mask", "aria-describedby": summaryId },
      this.layer,
      this._canvas,
      bench.outline.element,
    );
    new ResizeObserver(() => this._resize()).observe(this.element);
  }

  /** @param {HTMLImageElement} image */
  show(image) {
    image.alt = "";
    image.draggable = false;
    this.picture.replaceChildren(image);
    this.hatching.open();
    this._bench.view.frame = this._bench.board.frame;
    this._bench.view.fit();
    this.draw();
  }

  /** All again with the next frame: the view, the look or all of the mask changed. */
  draw() {
    this._isWhole = true;
    this.drawUnseen();
  }

  /** What was painted, with the next frame. */
  drawUnseen() {
    this._frame ||= requestAnimationFrame(() => this._draw());
  }

  /** The mask's edge as it will be blended, in picture pixels. @param {number} feather */
  blur(feather) {
    this._feather = feather;
    this.draw();
  }

  _draw() {
    this._frame = 0;
    if (!this._isWhole) return this.hatching.drawUnseen();
    this._isWhole = false;
    const { board, view } = this._bench;
    const { frame } = board;
    if (this.hatching.isStale) this.hatching.resize(view.width, view.height);
    this.layer.style.transform = `matrix(${view.scale}, 0, 0, ${view.scale}, ${view.tx}, ${view.ty})`;
    this.layer.classList.toggle("is-pixelated", view.scale > PIXELATED_FROM);
    place(this.picture, { left: 0, top: 0, right: board.plane.width, bottom: board.plane.height });
    place(this.compare, frame);
    place(this.result, frame);
    this._canvas.style.filter = this._feather ? `blur(${(this._feather * view.scale) / 3}px)` : "";
    this.hatching.drawAll();
    this.dispatchEvent(new Event("drawn"));
  }

  _resize() {
    const { width, height } = this.element.getBoundingClientRect();
    if (!width || !height) return;
    this._bench.view.resize(width, height);
    this.hatching.resize(width, height);
    this.draw();
  }
}

/** @param {HTMLElement} element @param {import("./view.js").Box} box */
function place({ style }, { left, top, right, bottom }) {
  style.left = `${left}px`;
  style.top = `${top}px`;
  style.width = `${right - left}px`;
  style.height = `${bottom - top}px`;
}
