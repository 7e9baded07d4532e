// A seed: drawn for each run and shown, until somebody types one or locks it.

import { one } from "../dom.js";

export class SeedField {
  /**
   * @param {HTMLElement} element
   * @param {() => void} changed
   */
  constructor(element, changed) {
    this._input = /** @type {HTMLInputElement} */ (one("input", element));
    this._lock = one("[data-lock]", element);
    this._note = one("[data-seed-note]", element);
    this.isKept = false;
    this._input.addEventListener("input", () => this._keep(this._input.value.trim() !== ""));
    this._lock.addEventListener("click", () => {
      if (!this.isKept && !this._input.value.trim()) this._input.value = drawn();
      this._keep(!this.isKept);
      changed();
    });
    one("[data-dice]", element).addEventListener("click", () => {
      this._input.value = drawn();
      changed();
    });
  }

  /** A new one, unless it is kept. */
  draw() {
    if (!this.isKept || !this._input.value.trim()) this._input.value = drawn();
  }

  /** @param {string} seed an empty one is drawn again for each run */
  set(seed) {
    this._input.value = seed;
    this._keep(seed !== "");
  }

  /** @param {boolean} isKept */
  _keep(isKept) {
    this.isKept = isKept;
    this._lock.setAttribute("aria-pressed", String(isKept));
    this._note.textContent = isKept ? "kept" : "random";
  }
}

/** Of 32 bits: short enough to read, and to be told over the phone. */
function drawn() {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}
