// One task beside the list: opened by a click, left by Esc, moved by the arrow keys; the address always says which.

import { part } from "../dom.js";
import { tellTimes } from "../frame.js";
import { toast } from "../toasts.js";
import { compare } from "./panel.js";

export class Peek {
  /**
   * @param {HTMLElement} room
   * @param {import("./rows.js").Rows} rows
   */
  constructor(room, rows) {
    this._rows = rows;
    this._room = room;
    this.panel = /** @type {HTMLElement} */ (room.querySelector("[data-peek]"));
    this._layout = /** @type {HTMLElement} */ (room.querySelector("[data-layout]"));
    this._asked = 0;
    void compare(this.panel);
  }

  /** The task that is shown; empty when none is. */
  get id() {
    const body = this.panel.hidden ? null : this.panel.querySelector("[data-panel]");
    return body?.getAttribute("data-panel") || "";
  }

  /**
   * @param {string} id
   * @param {{ push?: boolean, focus?: boolean }} [options]
   */
  async open(id, { push = true, focus = false } = {}) {
    const asked = ++this._asked;
    const waiting = setTimeout(() => this.panel.setAttribute("aria-busy", "true"), 300);
    try {
      const fresh = await part(`/tasks/${id}/peek`);
      if (asked !== this._asked) return;
      this.panel.replaceChildren(...fresh.children);
      this.panel.hidden = false;
      this._layout.classList.add("open");
      this._mark(id);
      if (push) history.pushState({ task: id }, "", this._address(id));
      void compare(this.panel);
      tellTimes(this.panel);
      if (focus) this.panel.focus({ preventScroll: true });
      if (getComputedStyle(this._layout).display !== "grid") this.panel.scrollIntoView({ block: "start" });
    } catch {
      if (asked === this._asked) toast("The task cannot be shown now. Try again, or load the page anew.", "failed");
    } finally {
      clearTimeout(waiting);
      this.panel.removeAttribute("aria-busy");
    }
  }

  /** @param {{ push?: boolean }} [options] */
  close({ push = true } = {}) {
    const { id } = this;
    this._asked++;
    this.panel.hidden = true;
    this.panel.replaceChildren();
    this._layout.classList.remove("open");
    this._mark("");
    if (push && id) history.pushState({ task: "" }, "", this._address(""));
    if (id) /** @type {HTMLElement | null | undefined} */ (this._rows.find(id)?.querySelector(".title"))?.focus({ preventScroll: true });
  }

  /**
   * Show the next task up or down the list.
   * @param {number} step
   */
  async move(step) {
    const rows = this._rows.all();
    const at = rows.findIndex((row) => row.dataset.task === this.id);
    const next = rows[at + step];
    if (at < 0 || !next?.dataset.task) return;
    next.scrollIntoView({ block: "nearest" });
    const title = /** @type {HTMLElement | null} */ (next.querySelector(".title"));
    title?.focus({ preventScroll: true });
    // One entry of the history for all that is passed by.
    history.replaceState({ task: next.dataset.task }, "", this._address(next.dataset.task));
    await this.open(next.dataset.task, { push: false });
  }

  /** Show what the address says. */
  async follow() {
    const id = new URLSearchParams(location.search).get("task") || "";
    if (id === this.id) return;
    if (id) await this.open(id, { push: false });
    else this.close({ push: false });
  }

  /** @param {string} id */
  _address(id) {
    const url = new URL(this._room.dataset.place || "", location.origin);
    if (id) url.searchParams.set("task", id);
    return url.pathname + url.search;
  }

  /** @param {string} id */
  _mark(id) {
    for (const row of this._rows.all()) {
      const isChosen = row.dataset.task === id;
      row.classList.toggle("chosen", isChosen);
      const title = row.querySelector(".title");
      if (isChosen) title?.setAttribute("aria-current", "true");
      else title?.removeAttribute("aria-current");
    }
  }
}
