/** The bar over the stage: which view, what the chosen tool can be set to, and what is done to the mask as a whole. */

import { button, h, icon } from "./dom.js";
import { quarterMore } from "./extension.js";
import { slider } from "./slider.js";
import { LEAST_SIZE, MOST_SIZE } from "./settings.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{upload: () => void, numbers: (button: HTMLElement) => void, more: (button: HTMLElement) => void}} Actions */

/** @type {[import("./desk.js").ViewName, string, string][]} */
const VIEWS = [
  ["mask", "brush", "Mask"],
  ["compare", "compare", "Compare"],
  ["result", "eye", "Result"],
];
/** @type {[string, number][]} */
const RATIOS = [
  ["1:1", 1],
  ["4:3", 4 / 3],
  ["16:9", 16 / 9],
];

export class Bar {
  /** @param {Desk} desk @param {Actions} actions */
  constructor(desk, actions) {
    this._desk = desk;
    this._views = VIEWS.map(([name, image, label]) => h("button", { type: "button", "data-view": name, onclick: () => desk.show(name) }, icon(image), h("span", {}, label)));
    this._options = h("div", { class: "stage-options" });
    this._invert = button("invert", "Invert", () => desk.invert(), { key: "I" });
    this._clear = button("trash", "Clear", () => desk.fill(0), { key: "Delete" });
    this._upload = button("upload", "Upload mask", actions.upload);
    this._more = button("more", "More", () => actions.more(this._more), { quiet: true, "aria-haspopup": "dialog" });
    this._own = h("div", { class: "stage-own" }, this._options, h("span", { class: "grow" }), this._invert, this._clear, this._upload, this._more);
    /** For what belongs to a result: filled by the page, shown in the other two views. */
    this.other = h("div", { class: "stage-other" });
    this.element = h("div", { class: "stage-bar" }, h("div", { class: "segments", role: "group", "aria-label": "View" }, ...this._views), this._own, this.other);
    this._size = slider("Size", { least: LEAST_SIZE, most: MOST_SIZE, unit: "px", isLogarithmic: true }, (size) => this._set(size));
    this._softness = slider("Softness", { least: 0, most: 100, unit: "%" }, (percent) => desk.settings.set({ softness: percent / 100 }));
    this._softness.element.classList.add("is-short");
    this._numbers = button("numbers", "Numbers", () => actions.numbers(this._numbers));
    this._extend = [
      ...RATIOS.map(([label, ratio]) => choice(label, () => desk.board.extendTo(ratio))),
      choice("+25 %", () => desk.board.setExtension(this._quarter()), "A quarter more on each side"),
      choice("None", () => desk.board.setExtension({ left: 0, top: 0, right: 0, bottom: 0 }), "Do not extend"),
    ];
    /** @type {() => import("./extension.js").Margins} */
    this._quarter = () => quarterMore(desk.board.size, desk.board.limits);
    this.chosen();
  }

  /** Another tool was chosen. */
  chosen() {
    const { name } = this._desk.tool;
    if (name === "brush" || name === "eraser") this._options.replaceChildren(this._size.element, this._softness.element);
    else if (name === "lasso") this._options.replaceChildren(h("span", { class: "hint" }, "Drag to draw, or click corners"));
    else if (name === "rectangle") this._options.replaceChildren(this._numbers);
    else if (name === "extend") this._options.replaceChildren(h("span", { class: "hint" }, "Extend to"), ...this._extend);
    else this._options.replaceChildren();
    this.update();
  }

  /** @param {{hasResult?: boolean, isNew?: boolean}} [result] */
  update({ hasResult, isNew } = {}) {
    const { settings, tool, shown, canPaint, board } = this._desk;
    for (const view of this._views) {
      view.setAttribute("aria-pressed", String(view.dataset.view === shown));
      if (hasResult !== undefined) view.disabled = view.dataset.view !== "mask" && !hasResult;
      if (isNew !== undefined) view.classList.toggle("is-new", isNew && view.dataset.view === "compare");
    }
    this._size.set(tool.name === "eraser" ? settings.eraserSize : settings.brushSize);
    this._softness.set(Math.round(settings.softness * 100));
    for (const one of [this._invert, this._upload, ...this._extend, this._numbers]) one.disabled = !canPaint;
    this._clear.disabled = !canPaint || board.plane.sum === 0;
  }

  /** @param {number} size */
  _set(size) {
    this._desk.settings.set(this._desk.tool.name === "eraser" ? { eraserSize: size } : { brushSize: size });
  }
}

/** @param {string} label @param {() => void} action @param {string} [title] */
const choice = (label, action, title) => h("button", { type: "button", class: "button small quiet", title, onclick: action }, label);
