/** What a person set up and expects to find again: sizes, softness, the look of the mask. Kept by the browser, never sent. */

import { clamp } from "./dom.js";

export const LEAST_SIZE = 4;
export const MOST_SIZE = 512;
const KEY = "gesso.painter";

export class Settings extends EventTarget {
  constructor() {
    super();
    /** Diameters in picture pixels. */
    this.brushSize = 64;
    this.eraserSize = 64;
    /** The share of the radius over which the brush fades. */
    this.softness = 0;
    /** Whether a pen's pressure sets the size. */
    this.pressure = false;
    /** A name of COLOURS. */
    this.colour = "mask";
    this.opacity = 0.5;
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      for (const name of /** @type {const} */ (["brushSize", "eraserSize", "softness", "opacity"])) if (Number.isFinite(kept[name])) this[name] = kept[name];
      this.pressure = kept.pressure === true;
      if (typeof kept.colour === "string") this.colour = kept.colour;
    } catch {
      // Storage may be forbidden or hold what another version wrote: the defaults do.
    }
    this._hold();
  }

  /** @param {Partial<Settings>} changes */
  set(changes) {
    Object.assign(this, changes);
    this._hold();
    const { brushSize, eraserSize, softness, pressure, colour, opacity } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ brushSize, eraserSize, softness, pressure, colour, opacity }));
    } catch {
      // Then it lasts as long as the page.
    }
    this.dispatchEvent(new Event("change"));
  }

  _hold() {
    this.brushSize = clamp(Math.round(this.brushSize), LEAST_SIZE, MOST_SIZE);
    this.eraserSize = clamp(Math.round(this.eraserSize), LEAST_SIZE, MOST_SIZE);
    this.softness = clamp(this.softness, 0, 1);
    this.opacity = clamp(this.opacity, 0.15, 0.95);
  }
}
