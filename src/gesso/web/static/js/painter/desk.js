/**
 * The painter at work, without its furniture: board, view, tools and stage put together, and what a button or a key can ask of them.
 *
 * Events: `tool`, `view` (it moved, or another of the three views was chosen), `hide`, `help`, `touch` (a gesture or command by a person).
 */

import { Board } from "./board.js";
import { isSame } from "./extension.js";
import { Gestures } from "./gestures.js";
import { isTyping, pressKey } from "./keys.js";
import { Outline } from "./outline.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { Brush } from "./tools/brush.js";
import { Extend } from "./tools/extend.js";
import { Hand } from "./tools/hand.js";
import { Lasso } from "./tools/lasso.js";
import { Rectangle } from "./tools/rectangle.js";
import { View } from "./view.js";

/** @typedef {import("./tools/tool.js").Tool} Tool */
/** @typedef {"brush"|"eraser"|"lasso"|"rectangle"|"extend"|"hand"} ToolName */
/** @typedef {"mask"|"compare"|"result"} ViewName */

const SIZE_STEP = 1.15;

export class Desk extends EventTarget {
  /** @param {string} summaryId */
  constructor(summaryId) {
    super();
    this.board = new Board();
    this.view = new View();
    this.outline = new Outline();
    this.settings = new Settings();
    this.stage = new Stage(this, summaryId);
    this.extend = new Extend(this);
    /** @type {Record<ToolName, Tool>} */
    this.tools = {
      brush: new Brush(this, "brush"),
      eraser: new Brush(this, "eraser"),
      lasso: new Lasso(this),
      rectangle: new Rectangle(this),
      extend: this.extend,
      hand: new Hand(),
    };
    /** @type {Tool} */
    this.tool = this.tools.brush;
    /** @type {ViewName} */
    this.shown = "mask";
    this.isDisabled = false;
    this.canExtend = true;
    this.isMaskHidden = false;
    this._isSpaceHeld = false;
    this.stage.element.append(this.extend.element);
    this._gestures = new Gestures({
      element: this.stage.element,
      view: this.view,
      tool: () => this.tool,
      primary: () => this._primary(),
      moved: () => this.moved(),
      touched: () => this._tell("touch"),
    });
    this.board.addEventListener("paint", () => this.stage.drawUnseen());
    this.board.addEventListener("extend", () => this._reframe(false));
    this.board.addEventListener("change", () => this._reframe(true));
    this.stage.addEventListener("drawn", () => this.tool.redraw?.());
    this._cursor();
  }

  get canPaint() {
    return this.board.isOpen && !this.isDisabled && this.shown === "mask";
  }

  /** @param {ToolName} name */
  choose(name) {
    if (this.tools[name] === this.tool || (name === "extend" && !this.canExtend)) return;
    this._gestures.drop();
    this.tool.leave?.();
    this.tool = this.tools[name];
    if (name === "extend" && this.canPaint) this.extend.enter();
    this._cursor();
    this._tell("tool");
  }

  /** @param {ViewName} name */
  show(name) {
    if (name === this.shown) return;
    this._gestures.drop();
    this.shown = name;
    this.refresh();
    this._tell("view");
  }

  /** Another picture. @param {import("./pictures.js").Picture} picture */
  open({ image, width, height }) {
    this._gestures.drop();
    this.tool.leave?.();
    this.shown = "mask";
    this.board.open(width, height);
    this.stage.show(image);
    this.refresh();
  }

  /** What can be done has changed: brings tools and cursor in line with it. */
  refresh() {
    if (!this.canPaint) {
      this._gestures.drop();
      this.tool.leave?.();
    } else if (this.tool === this.extend) this.extend.enter();
    this._cursor();
  }

  /** @param {number} direction 1 larger, -1 smaller @param {boolean} [fine] by one pixel */
  resizeBrush(direction, fine = false) {
    const name = this.tool.name === "eraser" ? "eraserSize" : "brushSize";
    const size = this.settings[name];
    const next = fine ? size + direction : direction > 0 ? Math.max(size + 1, size * SIZE_STEP) : Math.min(size - 1, size / SIZE_STEP);
    this.settings.set({ [name]: next });
    this.tool.redraw?.();
  }

  undo() {
    this._command(() => this.board.undo());
  }

  redo() {
    this._command(() => this.board.redo());
  }

  invert() {
    this._command(() => this.board.invert());
  }

  /** @param {number} byte */
  fill(byte) {
    this._command(() => this.board.fill(byte));
  }

  /** @param {boolean} isHidden */
  hideMask(isHidden) {
    this.isMaskHidden = isHidden;
    this._tell("hide");
  }

  help() {
    this._tell("help");
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.zoomTo(this.view.scale * factor);
  }

  /** @param {number} scale */
  zoomTo(scale) {
    if (!this.board.isOpen) return;
    this.view.zoomTo(scale);
    this.moved();
  }

  fit() {
    this.view.fit();
    this.moved();
  }

  moved() {
    this.stage.draw();
    this._tell("view");
  }

  /** A key went down somewhere in the painter. @param {KeyboardEvent} event */
  keyDown(event) {
    if (isTyping(event.target) || event.defaultPrevented) return;
    const onButton = event.target instanceof Element && event.target.closest("button, a, summary") !== null;
    if (event.key === " " && !onButton) {
      event.preventDefault();
      this._holdSpace(true);
    } else if (event.key === "\\") {
      this.stage.element.classList.add("is-peeking");
    } else if (event.key === "Escape" && this._gestures.isBusy) {
      this._gestures.drop();
    } else if ((!onButton && this.canPaint && this.tool.key?.(event)) || pressKey(this, event)) {
      event.preventDefault();
    }
  }

  /** @param {KeyboardEvent} event */
  keyUp(event) {
    if (event.key === " ") this._holdSpace(false);
    if (event.key === "\\") this.stage.element.classList.remove("is-peeking");
    // On Windows Alt alone would move the focus into the browser's menu.
    if (event.key === "Alt") event.preventDefault();
  }

  /** The window lost the keyboard: no key is held any more. */
  releaseKeys() {
    this._holdSpace(false);
    this.stage.element.classList.remove("is-peeking");
  }

  /** @param {boolean} isHeld */
  _holdSpace(isHeld) {
    this._isSpaceHeld = isHeld;
    if (isHeld) this.tool.hover(null);
    this._cursor();
  }

  /** @returns {"paint"|"pan"|"leave"} */
  _primary() {
    if (!this.board.isOpen) return "leave";
    if (this._isSpaceHeld || this.tool.name === "hand") return "pan";
    if (this.shown === "compare") return "leave";
    return this.canPaint && this.tool.name !== "extend" ? "paint" : "pan";
  }

  _cursor() {
    const pans = this._primary() === "pan";
    this.stage.element.style.cursor = pans ? "grab" : this.canPaint ? this.tool.cursor : "default";
  }

  /** The mask or the margins changed: a fitted view stays fitted, and only what must be drawn is. @param {boolean} isSettled */
  _reframe(isSettled) {
    const { view } = this;
    const { scale, tx, ty } = view;
    const isMoved = !isSame(view.frame, this.board.frame);
    view.frame = this.board.frame;
    if (isSettled && view.fitted) view.fit();
    if (isMoved || view.scale !== scale || view.tx !== tx || view.ty !== ty) this.moved();
    else this.stage.drawUnseen();
  }

  /** @param {() => void} change */
  _command(change) {
    if (!this.canPaint || this._gestures.isBusy) return;
    this._tell("touch");
    change();
  }

  /** @param {string} type */
  _tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
