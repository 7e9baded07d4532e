// <g-file-drop>: files that are dropped anywhere on the page, or chosen, go up one by one, each with its progress and its own failure.
// Beside it: a dialog that shows a file, and the questions before deleting one.

import { part, one } from "./dom.js";
import { tellTimes } from "./frame.js";
import { openPreview } from "./files/preview.js";
import { Upload } from "./files/upload.js";
import { toast } from "./toasts.js";
import "./sure.js";

const AT_ONCE = 2;

export class FileDrop extends HTMLElement {
  connectedCallback() {
    this._list = one("[data-uploads]", this);
    this._told = one("[data-drop-told]", this);
    /** @type {Upload[]} */
    this._waiting = [];
    this._running = 0;
    this._added = 0;
    this._depth = 0;
    this._away = new AbortController();
    this._dress();
    this._listen(this._away.signal);
  }

  disconnectedCallback() {
    this._away?.abort();
  }

  /** With a script, choosing is enough: nothing is left to press. */
  _dress() {
    const input = /** @type {HTMLInputElement} */ (one("input[type=file]", this));
    const button = /** @type {HTMLButtonElement} */ (one("form > button", this));
    input.hidden = true;
    button.type = "button";
    one("[data-drop-words] b", this).textContent = "Drop files anywhere on this page, or choose them";
    button.replaceChildren(button.firstElementChild ?? "", "Choose files");
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.add([...(input.files ?? [])]);
      input.value = "";
    });
  }

  /** @param {AbortSignal} signal */
  _listen(signal) {
    const isFiles = (/** @type {DragEvent} */ event) => Boolean(event.dataTransfer?.types.includes("Files"));
    document.addEventListener("dragenter", (event) => isFiles(event) && this._over(1), { signal });
    document.addEventListener("dragleave", (event) => isFiles(event) && this._over(-1), { signal });
    document.addEventListener("dragover", (event) => isFiles(event) && event.preventDefault(), { signal });
    document.addEventListener(
      "drop",
      (event) => {
        if (!isFiles(event)) return;
        event.preventDefault();
        this._depth = 0;
        this._over(0);
        this.add([...(event.dataTransfer?.files ?? [])]);
      },
      { signal },
    );
    window.addEventListener("beforeunload", (event) => this._running && event.preventDefault(), { signal });
  }

  /** @param {number} step in or out of one more element under the pointer */
  _over(step) {
    this._depth = Math.max(0, (this._depth ?? 0) + step);
    this.classList.toggle("over", this._depth > 0);
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) {
      const upload = new Upload(file, this.dataset.folder || "", Number(this.dataset.max), (again) => this._line(again));
      this._list?.append(upload.element);
      this._line(upload);
    }
    if (this._list) this._list.hidden = !this._list.childElementCount;
  }

  /** @param {Upload} upload */
  _line(upload) {
    this._waiting?.push(upload);
    this._next();
  }

  _next() {
    while ((this._running ?? 0) < AT_ONCE && this._waiting?.length) {
      const upload = /** @type {Upload} */ (this._waiting.shift());
      this._running = (this._running ?? 0) + 1;
      upload.run().then((count) => this._ended(count));
    }
  }

  /** @param {number} count of files that were added by one upload */
  async _ended(count) {
    this._running = (this._running ?? 1) - 1;
    this._added = (this._added ?? 0) + count;
    if (this._running || this._waiting?.length) return this._next();
    const added = this._added;
    this._added = 0;
    if (this._list) this._list.hidden = !this._list.childElementCount;
    const failed = this._list?.querySelectorAll("[data-failed]").length ?? 0;
    const words = `${added === 1 ? "1 file was" : `${added} files were`} added${failed ? `, ${failed} could not be` : ""}.`;
    if (this._told) this._told.textContent = words;
    if (added) toast(words);
    if (added) await renew();
  }
}

/** Put the list as it is now in place of the one that is shown. */
async function renew() {
  try {
    const fresh = (await part(location.pathname + location.search)).querySelector("[data-files]");
    if (!fresh) throw new Error("no list");
    one("[data-files]").replaceWith(document.adoptNode(fresh));
    tellTimes();
  } catch {
    location.reload();
  }
}

// Pictures that cannot be made small leave their icon.
document.addEventListener("error", (event) => event.target instanceof HTMLImageElement && event.target.matches("[data-thumb]") && event.target.remove(), true);
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-preview]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openPreview(link);
});

customElements.define("g-file-drop", FileDrop);
