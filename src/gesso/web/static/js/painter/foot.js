/** The line under the stage: the mask in words, which is also its accessible value, and the zoom. */

import { button, h } from "./dom.js";

/** @type {Record<string, string>} */
const HINTS = {
  brush: "Hold Alt to erase, [ and ] to change size",
  eraser: "[ and ] change size",
  lasso: "Enter closes, Backspace drops a point",
  rectangle: "Shift makes a square, Alt takes away",
  extend: "Drag a handle; Shift moves both sides",
  hand: "Ctrl and the wheel zoom",
};

export class Foot {
  /** @param {import("./desk.js").Desk} desk @param {string} summaryId */
  constructor(desk, summaryId) {
    this._desk = desk;
    this._share = h("b", {});
    this._words = h("span", {});
    this._size = h("span", { class: "mono" });
    this.summary = h("p", { class: "stage-summary", id: summaryId, role: "status" }, h("span", { class: "stage-dot", "aria-hidden": "true" }), this._share, this._words, this._size);
    this._hint = h("span", { class: "hint" });
    this._zoom = button("", "Zoom: 100 %", () => desk.zoomTo(1), { class: "quiet stage-zoom" });
    this._out = button("minus", "Zoom out", () => desk.zoomBy(0.8), { quiet: true, key: "−" });
    this._in = button("plus", "Zoom in", () => desk.zoomBy(1.25), { quiet: true, key: "+" });
    this._fit = button("", "Fit", () => desk.fit(), { key: "0", class: "quiet" });
    this._keys = button("help", "Keys", () => desk.help(), { quiet: true, key: "?" });
    /** For words of the page about a result. */
    this.other = h("span", { class: "hint stage-other-foot" });
    this.element = h("div", { class: "stage-foot" }, this.summary, this._hint, this.other, h("span", { class: "grow" }), this._keys, this._out, this._zoom, this._in, this._fit);
  }

  update() {
    const { board, tool, shown, canPaint } = this._desk;
    const { width, height } = board.wholeSize;
    const isEmpty = board.isOpen && !board.hasMask;
    this._share.textContent = !board.isOpen || isEmpty ? "" : percent(board.coverage);
    this._words.textContent = !board.isOpen ? "No picture yet" : isEmpty ? "Nothing masked yet" : "masked";
    this._size.textContent = board.isOpen ? `${width} × ${height}` : "";
    this._hint.textContent = canPaint ? HINTS[tool.name] : "";
    this._hint.hidden = shown !== "mask";
    for (const one of [this._zoom, this._in, this._out, this._fit]) one.disabled = !board.isOpen;
    this.zoomed();
  }

  zoomed() {
    const { board, view } = this._desk;
    this._zoom.replaceChildren(board.isOpen ? `${Math.round(view.scale * 100)}%` : "");
    this._zoom.setAttribute("aria-label", `Zoom ${Math.round(view.scale * 100)} percent, press for 100`);
    this._fit.setAttribute("aria-pressed", String(view.fitted));
  }
}

/** Small masks are there too: less than half a percent is not 0. @param {number} share */
function percent(share) {
  if (share < 0.005) return "under 1%";
  return share > 0.995 && share < 1 ? "over 99%" : `${Math.round(share * 100)}%`;
}
