/** The rail of tools: one stop for Tab, arrows inside, as a toolbar should be. */

import { button, h } from "./dom.js";

/** @type {[import("./desk.js").ToolName, string, string, string][]} */
const TOOLS = [
  ["brush", "brush", "Brush", "B"],
  ["eraser", "eraser", "Eraser", "E"],
  ["lasso", "lasso", "Lasso", "L"],
  ["rectangle", "rectangle", "Rectangle", "R"],
  ["extend", "extend", "Extend", "X"],
  ["hand", "hand", "Move", "H or Space"],
];

export class Rail {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this._desk = desk;
    /** @type {Map<string, HTMLButtonElement>} */
    this._tools = new Map(TOOLS.map(([name, image, label, key]) => [name, button(image, label, () => desk.choose(name), { quiet: true, key })]));
    this._undo = button("undo", "Undo", () => desk.undo(), { quiet: true, key: "Ctrl Z" });
    this._redo = button("redo", "Redo", () => desk.redo(), { quiet: true, key: "Ctrl Shift Z" });
    const line = () => h("hr", { "aria-hidden": "true" });
    const [hand] = [...this._tools.values()].slice(-1);
    this.element = h("div", { class: "stage-rail", role: "toolbar", "aria-label": "Mask tools", "aria-orientation": "vertical" }, ...this._tools.values(), line(), this._undo, this._redo);
    hand.before(line());
    this.element.addEventListener("keydown", (event) => this._arrows(event));
    this.element.addEventListener("focusin", (event) => this._stop(event.target));
  }

  update() {
    const { desk, _tools: tools } = { desk: this._desk, _tools: this._tools };
    for (const [name, tool] of tools) {
      tool.setAttribute("aria-pressed", String(desk.tool.name === name));
      tool.disabled = name === "hand" ? !desk.board.isOpen : !desk.canPaint;
    }
    this._undo.disabled = !desk.canPaint || !desk.board.history.canUndo;
    this._redo.disabled = !desk.canPaint || !desk.board.history.canRedo;
    const stop = this._buttons().find((one) => one.tabIndex === 0);
    if (!stop || stop.disabled) this._stop(tools.get(desk.tool.name));
  }

  /** Takes the tool off the rail. @param {boolean} isHidden */
  hideExtend(isHidden) {
    const tool = this._tools.get("extend");
    if (tool) tool.hidden = isHidden;
  }

  _buttons() {
    return [...this.element.querySelectorAll("button")].filter((one) => !one.hidden);
  }

  /** @param {EventTarget|null|undefined} target the one button that Tab reaches */
  _stop(target) {
    for (const one of this._buttons()) one.tabIndex = one === target ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  _arrows(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const buttons = this._buttons().filter((one) => !one.disabled);
    const at = buttons.findIndex((one) => one === document.activeElement);
    const next = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : step ? (at + step + buttons.length) % buttons.length : -1;
    if (next < 0) return;
    event.preventDefault();
    buttons[next].focus();
  }
}
