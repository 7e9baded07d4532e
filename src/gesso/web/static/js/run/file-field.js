// A parameter that takes files: chosen, dropped, or an address in their place.

import { icon, make, one } from "../dom.js";

export class FileField {
  /**
   * @param {HTMLElement} element
   * @param {() => void} changed
   */
  constructor(element, changed) {
    this._input = /** @type {HTMLInputElement} */ (one("input[type=file]", element));
    this._url = /** @type {HTMLInputElement} */ (one("[data-url]", element));
    this._list = one("[data-files]", element);
    this._changed = changed;
    this._most = this._input.multiple ? Number(this._input.dataset.most) : 1;
    /** @type {File[]} */
    this.files = [];
    this._input.addEventListener("change", () => {
      this.add([...(this._input.files ?? [])]);
      this._input.value = "";
    });
    const drop = one("[data-drop]", element);
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      drop.addEventListener(type, (event) => this._dragged(drop, /** @type {DragEvent} */ (event)));
    }
  }

  get isEmpty() {
    return !this.files.length && !this._url.value.trim();
  }

  /** The addresses, as they are typed. */
  get url() {
    return this._url.value.trim();
  }

  set url(address) {
    this._url.value = address;
  }

  /** What the request carries of it. @returns {(File | string)[]} */
  sent() {
    return [...this.files, ...(this.url ? [this.url] : [])];
  }

  /** @param {File[]} files */
  add(files) {
    this.files = this._input.multiple ? [...this.files, ...files] : files.slice(-1);
    this._show();
    this._changed();
  }

  /** @param {File[]} files */
  set(files) {
    this.files = files;
    this._show();
  }

  problem() {
    const count = this.files.length + (this.url ? 1 : 0);
    if (count > this._most) return this._most === 1 ? "One file or one address, not both." : `At most ${this._most} files.`;
    return this.url && !/^(https?:\/\/|\/v1\/File\/)/i.test(this.url) ? "An address begins with https:// or http://" : "";
  }

  _show() {
    this._list.replaceChildren(
      ...this.files.map((file) => {
        const remove = make("button", { type: "button", class: "tool", "aria-label": `Remove ${file.name}` }, icon("close", "tiny"));
        remove.addEventListener("click", () => {
          this.set(this.files.filter((other) => other !== file));
          this._changed();
          this._input.focus();
        });
        return make("li", {}, icon("document", "tiny"), make("span", { class: "cut" }, file.name), make("span", { class: "muted mono" }, size(file.size)), remove);
      }),
    );
  }

  /** @param {HTMLElement} drop @param {DragEvent} event */
  _dragged(drop, event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.toggle("is-over", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") this.add([...event.dataTransfer.files]);
  }
}

/** Bytes as people read them. @param {number} bytes */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let amount = bytes;
  let at = 0;
  for (; amount >= 1000 && at < units.length - 1; at++) amount /= 1000;
  return `${at === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[at]}`;
}
