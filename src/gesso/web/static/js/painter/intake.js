/** How files reach the painter: dropped on it, pasted into the page, or chosen. It says what came, as picture or as mask; it reads nothing. */

import { h } from "./dom.js";
import { isTyping } from "./keys.js";

/** @typedef {{picture: (file: File) => void, mask: (file: File) => void, hasPicture: () => boolean, canPaint: () => boolean}} Taker */

/** Lies over the stage while a file is dragged: two fields if there is a picture already, for it may be a mask. */
export class Intake {
  /** @param {HTMLElement} root @param {Taker} taker */
  constructor(root, taker) {
    this._root = root;
    this._taker = taker;
    this._picture = chooser("image/*", taker.picture);
    this._mask = chooser("image/*", taker.mask);
    this._maskZone = h("div", { class: "stage-zone" }, "Use as mask");
    this._pictureZone = h("div", { class: "stage-zone" }, "Use as picture");
    this.element = h("div", { class: "stage-drop", hidden: true }, this._pictureZone, this._maskZone, this._picture, this._mask);
    root.addEventListener("dragenter", (event) => this._over(event));
    root.addEventListener("dragover", (event) => this._over(event));
    root.addEventListener("dragleave", (event) => {
      if (!(event.relatedTarget instanceof Node) || !root.contains(event.relatedTarget)) this.element.hidden = true;
    });
    root.addEventListener("drop", (event) => this._drop(event));
  }

  choosePicture() {
    this._picture.click();
  }

  chooseMask() {
    this._mask.click();
  }

  /** @param {ClipboardEvent} event of the whole page */
  paste(event) {
    const file = firstPicture(event.clipboardData);
    if (!file || isTyping(event.target)) return;
    event.preventDefault();
    this._taker.picture(file);
  }

  /** @param {DragEvent} event */
  _over(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.element.hidden = false;
    this._maskZone.hidden = !this._taker.hasPicture() || !this._taker.canPaint();
    for (const zone of [this._pictureZone, this._maskZone]) zone.classList.toggle("is-over", event.target === zone);
  }

  /** @param {DragEvent} event */
  _drop(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.element.hidden = true;
    const file = firstPicture(event.dataTransfer);
    if (!file) return;
    if (event.target === this._maskZone) this._taker.mask(file);
    else this._taker.picture(file);
  }
}

/** @param {string} accept @param {(file: File) => void} take */
function chooser(accept, take) {
  const input = h("input", { type: "file", accept, hidden: true, tabindex: -1, "aria-hidden": "true" });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) take(file);
  });
  return input;
}

/** @param {DataTransfer|null} data */
const firstPicture = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/") || !file.type) ?? null;
