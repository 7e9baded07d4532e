/** The numbers panel: a rectangle by its place and size, for who uses no pointer or wants exact pixels. */

import { button, clamp, h } from "./dom.js";
import { panel, toggle } from "./popover.js";
import { drawRectangle } from "./raster.js";

const FIELDS = /** @type {const} */ (["x", "y", "width", "height"]);
const LABELS = { x: "From left", y: "From top", width: "Width", height: "Height" };

export class Numbers {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this._desk = desk;
    this._fields = FIELDS.map((name) => h("input", { type: "number", min: 0, step: 1, class: "input", name, id: `stage-${name}` }));
    this._done = h("p", { class: "hint", role: "status" });
    const labelled = this._fields.map((field, i) => h("div", {}, h("label", { for: field.id }, LABELS[FIELDS[i]]), field));
    const add = button("plus", "Add", () => this._draw(false));
    const subtract = button("minus", "Subtract", () => this._draw(true));
    this.element = panel("Rectangle by numbers", h("p", { class: "stage-panel-title" }, "Rectangle by numbers"), h("div", { class: "stage-grid" }, ...labelled), h("div", { class: "row" }, add, subtract), this._done);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
      event.preventDefault();
      this._draw(event.altKey);
    });
    this.element.addEventListener("toggle", () => this._fields[0].select());
  }

  /** @param {HTMLElement} beside */
  toggle(beside) {
    if (this._plane !== this._desk.board.plane) this._propose();
    toggle(this.element, beside);
  }

  /** There is another picture: the fields propose its middle. */
  _propose() {
    const { width, height } = this._desk.board.size;
    this._plane = this._desk.board.plane;
    const proposal = [width / 4, height / 4, width / 2, height / 2];
    this._fields.forEach((field, i) => {
      field.max = String(i % 2 ? height : width);
      field.value = String(Math.round(proposal[i]));
    });
    this._done.textContent = `In pixels; the picture is ${width} × ${height}.`;
  }

  /** @param {boolean} erase */
  _draw(erase) {
    const desk = this._desk;
    if (!desk.canPaint) return;
    const { width, height } = desk.board.size;
    const [x, y, w, tall] = this._fields.map((field) => Math.round(Number(field.value)));
    const left = clamp(x || 0, 0, width);
    const top = clamp(y || 0, 0, height);
    const box = { left, top, right: clamp(x + w || 0, left, width), bottom: clamp(y + tall || 0, top, height) };
    if (box.right === box.left || box.bottom === box.top) {
      this._done.textContent = `Nothing of this lies in the picture, which is ${width} × ${height}.`;
      return;
    }
    desk.board.edit((plane) => drawRectangle(plane, box, erase));
    this._done.textContent = `${erase ? "Taken away" : "Added"}: ${box.right - left} × ${box.bottom - top}. ${Math.round(desk.board.coverage * 100)}% masked.`;
  }
}
