// What the model is about to paint, while it paints: over the picture, inside the mask alone. A model may be looking at a part of the picture only;
// where that cannot be told to be the whole, its view is shown beside the picture instead of at a wrong place.

import { make } from "../dom.js";
import { fillsMost } from "./masks.js";

/** @typedef {import("./masks.js").Margins} Margins */
/** @typedef {{before: string, mask: Blob, margins: Margins, isWholeShown: boolean}} Ground */

const ASPECT_TOLERANCE = 0.03;

export class Preview {
  constructor() {
    this._before = /** @type {HTMLImageElement} */ (make("img", { class: "preview-before", alt: "", draggable: "false" }));
    this._veil = make("div", { class: "preview-veil" });
    this._inset = make("div", { class: "preview-inset" });
    this.element = make("div", { class: "preview" }, this._before, this._veil, this._inset);
    /** @type {string[]} */
    this._urls = [];
    this._isPlaced = false;
  }

  /** Another run. @param {Ground} ground */
  async open({ before, mask, margins, isWholeShown }) {
    this.close();
    this._before.src = before;
    await this._before.decode().catch(() => {});
    const width = this._before.naturalWidth + margins.left + margins.right;
    const height = this._before.naturalHeight + margins.top + margins.bottom;
    this._ratio = width / height;
    Object.assign(this._before.style, {
      left: `${(100 * margins.left) / width}%`,
      top: `${(100 * margins.top) / height}%`,
      width: `${(100 * this._before.naturalWidth) / width}%`,
      height: `${(100 * this._before.naturalHeight) / height}%`,
    });
    const url = this._url(mask);
    this._veil.style.maskImage = `url("${url}")`;
    this._isPlaced = isWholeShown || (await fillsMost(mask));
  }

  /** The next one fades in over the one before. @param {Blob} jpeg */
  async show(jpeg) {
    const image = /** @type {HTMLImageElement} */ (make("img", { class: "preview-frame", alt: "" }));
    image.src = URL.createObjectURL(jpeg);
    await image.decode().catch(() => {});
    const isFitting = this._ratio !== undefined && Math.abs(image.naturalWidth / image.naturalHeight / this._ratio - 1) < ASPECT_TOLERANCE;
    const place = this._isPlaced && isFitting ? this._veil : this._inset;
    place.append(image);
    while (place.children.length > 2) {
      const old = /** @type {HTMLImageElement} */ (place.firstElementChild);
      URL.revokeObjectURL(old.src);
      old.remove();
    }
  }

  close() {
    for (const image of this.element.querySelectorAll(".preview-frame")) URL.revokeObjectURL(/** @type {HTMLImageElement} */ (image).src);
    for (const url of this._urls.splice(0)) URL.revokeObjectURL(url);
    this._veil.replaceChildren();
    this._inset.replaceChildren();
  }

  /** @param {Blob} blob */
  _url(blob) {
    const url = URL.createObjectURL(blob);
    this._urls.push(url);
    return url;
  }
}
