// One file on its way up: its line in the list, its progress, why it failed, and once more.

import { Refused, send } from "../api.js";
import { icon, make } from "../dom.js";

export class Upload {
  /**
   * @param {File} file
   * @param {string} folder
   * @param {number} maxBytes
   * @param {(upload: Upload) => void} again puts this upload in line once more
   */
  constructor(file, folder, maxBytes, again) {
    this._file = file;
    this._folder = folder;
    this._maxBytes = maxBytes;
    this._share = make("span");
    this._share.style.transform = "scaleX(0)";
    this._state = make("span", { class: "muted mono" }, "Waiting");
    this._why = make("p", { class: "hint wrong upload-why", hidden: true });
    this._stop = new AbortController();
    this._again = make("button", { class: "button small", type: "button", hidden: true, onclick: () => this._retry(again) }, icon("rerun"), "Try again");
    this._drop = make("button", { class: "tool", type: "button", "aria-label": `Leave out ${file.name}`, onclick: () => this._remove() }, icon("close"));
    this._bar = make("span", { class: "bar" }, this._share);
    this.element = make("li", {}, make("span", { class: "cut" }, file.name), make("span", { class: "row" }, this._state, this._again), this._drop, this._bar, this._why);
  }

  /** @returns {Promise<number>} how many files it added */
  async run() {
    if (this._stop.signal.aborted) return 0;
    try {
      // It would travel for minutes to be refused.
      if (this._file.size > this._maxBytes) throw new Refused(`It is larger than ${Math.floor(this._maxBytes / 2 ** 20)} MB, which is the most.`, 0);
      if (!this._file.size) throw new Refused("It is empty.", 0);
      const form = new FormData();
      if (this._folder) form.append("folderid", this._folder);
      form.append("file", this._file, this._file.name);
      const answer = await send("/File/Upload", form, { signal: this._stop.signal, onProgress: (share) => this._show(share) });
      this._done(answer);
      return answer.list.length;
    } catch (error) {
      if (!this._stop.signal.aborted) this._fail(error instanceof Refused ? error : new Refused("It could not be sent.", 0));
      return 0;
    }
  }

  /** @param {number} share */
  _show(share) {
    this._share.style.transform = `scaleX(${share})`;
    this._state.textContent = share < 1 ? `${Math.floor(share * 100)} %` : "Keeping it";
  }

  /** @param {{ list: any[], skipped?: { name: string, reason: string }[] }} answer */
  _done(answer) {
    const skipped = answer.skipped ?? [];
    if (!skipped.length) return this.element.remove();
    this._bar.hidden = true;
    this._why.classList.remove("wrong");
    this._state.textContent = `${answer.list.length} of ${answer.list.length + skipped.length} kept`;
    const named = skipped.slice(0, 5).map((one) => `${one.name} (${one.reason})`);
    this._tell(`Left out: ${named.join("; ")}${skipped.length > named.length ? `; and ${skipped.length - named.length} more` : ""}.`);
  }

  /** @param {Refused} refusal */
  _fail(refusal) {
    this.element.dataset.failed = "";
    this._bar.hidden = true;
    this._state.textContent = "Not added";
    this._again.hidden = false;
    this._tell(refusal.isSignedOut ? "Your sign-in has ended. Sign in in another tab, then try again." : refusal.message);
  }

  /** @param {string} text */
  _tell(text) {
    this._why.textContent = text;
    this._why.hidden = false;
  }

  /** @param {(upload: Upload) => void} again */
  _retry(again) {
    delete this.element.dataset.failed;
    this._again.hidden = this._why.hidden = true;
    this._bar.hidden = false;
    this._show(0);
    again(this);
  }

  _remove() {
    this._stop.abort();
    const list = this.element.parentElement;
    this.element.remove();
    if (list) list.hidden = !list.childElementCount;
  }
}
