// <g-compare>: before and after, one over the other with a knife between them, or side by side. It fills what it lies in, and neither picture is bent.

import { icon, make } from "./dom.js";

/** @typedef {{left: number, top: number, right: number, bottom: number}} Margins */
/** @typedef {{before: string, after: string, margins: Margins, beforeAlt: string, afterAlt: string}} Pair addresses, and how far after reaches beyond before */

const MIDDLE = 50;

export class Compare extends HTMLElement {
  constructor() {
    super();
    this._after = /** @type {HTMLImageElement} */ (make("img", { class: "compare-after", draggable: "false" }));
    this._before = /** @type {HTMLImageElement} */ (make("img", { class: "compare-before", draggable: "false" }));
    this._grip = make("span", { class: "compare-grip" }, icon("compare"));
    this._knife = make("div", { class: "compare-knife", role: "slider", tabindex: "0", "aria-label": "Compare before and after", "aria-valuemin": "0", "aria-valuemax": "100" }, this._grip);
    this._sheet = make(
      "div",
      { class: "compare-sheet" },
      make("div", { class: "compare-under" }, this._before),
      make("div", { class: "compare-over" }, this._after),
      this._knife,
      make("span", { class: "compare-tag is-before", "aria-hidden": "true" }, "Before"),
      make("span", { class: "compare-tag is-after", "aria-hidden": "true" }, "After"),
    );
    /** @type {Margins} */
    this._margins = { left: 0, top: 0, right: 0, bottom: 0 };
    this._position = MIDDLE;
    this._after.addEventListener("load", () => this._fit());
    this._before.addEventListener("load", () => this._fit());
    this._sheet.addEventListener("pointerdown", (event) => this._grab(event));
    this._sheet.addEventListener("dblclick", () => (this.position = MIDDLE));
    this._knife.addEventListener("keydown", (event) => this._key(event));
    this._observer = new ResizeObserver(() => this._fit());
  }

  connectedCallback() {
    this.replaceChildren(this._sheet);
    this._observer.observe(this);
    this.position = this._position;
  }

  disconnectedCallback() {
    this._observer.disconnect();
  }

  /** @param {Pair} pair */
  show({ before, after, margins, beforeAlt, afterAlt }) {
    this._margins = margins;
    this._before.alt = beforeAlt;
    this._after.alt = afterAlt;
    if (this._before.src !== new URL(before, location.href).href) this._before.src = before;
    if (this._after.src !== new URL(after, location.href).href) this._after.src = after;
    this._fit();
  }

  /** How much of the width shows before, in percent. */
  get position() {
    return this._position;
  }

  set position(percent) {
    this._position = Math.min(100, Math.max(0, percent));
    const whole = Math.round(this._position);
    this._sheet.style.setProperty("--at", `${this._position}%`);
    this._knife.setAttribute("aria-valuenow", String(whole));
    this._knife.setAttribute("aria-valuetext", `${whole} % before`);
  }

  get isBeside() {
    return this.classList.contains("is-beside");
  }

  set isBeside(isBeside) {
    this.classList.toggle("is-beside", isBeside);
    this._knife.hidden = isBeside;
    this._fit();
  }

  /** Before alone, while it is held. @param {boolean} isHeld */
  flicker(isHeld) {
    this.classList.toggle("is-flicker", isHeld);
  }

  /** The sheet takes the shape of the after picture, as large as there is room. */
  _fit() {
    const { naturalWidth: width, naturalHeight: height } = this._after;
    if (!width || !this.offsetWidth) return;
    const share = Math.min(this.offsetWidth / width, this.offsetHeight / height);
    this._sheet.style.width = `${width * share}px`;
    this._sheet.style.height = `${height * share}px`;
    this._sheet.classList.toggle("is-wide", width >= height);
    const { left, top, right, bottom } = this._margins;
    const own = { width: this._before.naturalWidth + left + right, height: this._before.naturalHeight + top + bottom };
    if (!this._before.naturalWidth) return;
    this._before.style.left = `${(100 * left) / own.width}%`;
    this._before.style.top = `${(100 * top) / own.height}%`;
    this._before.style.width = `${(100 * this._before.naturalWidth) / own.width}%`;
    this._before.style.height = `${(100 * this._before.naturalHeight) / own.height}%`;
  }

  /** @param {PointerEvent} event */
  _grab(event) {
    if (event.button !== 0 || this.isBeside) return;
    event.preventDefault();
    const move = (/** @type {PointerEvent} */ moved) => {
      const { left, width } = this._sheet.getBoundingClientRect();
      this.position = (100 * (moved.clientX - left)) / width;
    };
    const away = new AbortController();
    const { signal } = away;
    this._sheet.setPointerCapture(event.pointerId);
    this._knife.focus({ preventScroll: true });
    move(event);
    this._sheet.addEventListener("pointermove", move, { signal });
    for (const type of ["pointerup", "pointercancel"]) this._sheet.addEventListener(type, () => away.abort(), { signal });
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const step = event.shiftKey ? 10 : 1;
    /** @type {Record<string, number>} */
    const places = {
      ArrowLeft: this.position - step,
      ArrowDown: this.position - step,
      ArrowRight: this.position + step,
      ArrowUp: this.position + step,
      PageDown: this.position - 10,
      PageUp: this.position + 10,
      Home: 0,
      End: 100,
    };
    if (!(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    this.position = Math.round(places[event.key]);
  }
}

customElements.define("g-compare", Compare);
