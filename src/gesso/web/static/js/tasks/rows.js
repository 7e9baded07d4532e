// The rows of the list: put in place of older ones without losing pictures, choice or focus.

import { part } from "../dom.js";
import { tellTimes } from "../frame.js";

/** @param {Element} row */
const idOf = (row) => row.getAttribute("data-task") || "";

export class Rows {
  /** @param {HTMLElement} room */
  constructor(room) {
    this.room = room;
    this.list = /** @type {HTMLElement} */ (room.querySelector("[data-list]"));
    this._again = false;
    /** @type {Promise<void> | null} */
    this._renewing = null;
  }

  /** @returns {HTMLTableRowElement[]} */
  all() {
    return [.../** @type {NodeListOf<HTMLTableRowElement>} */ (this.list.querySelectorAll("tr[data-task]"))];
  }

  /** @param {string} id */
  find(id) {
    return this.all().find((row) => idOf(row) === id);
  }

  /** Fetch all that is shown, and what came since. One at a time; who asks meanwhile gets one more round. */
  renew() {
    if (this._renewing) {
      this._again = true;
      return this._renewing;
    }
    this._renewing = this._renew().finally(() => {
      this._renewing = null;
      if (this._again) {
        this._again = false;
        this.renew().catch(() => {});
      }
    });
    return this._renewing;
  }

  async _renew() {
    const url = new URL(this.room.dataset.rows || "", location.origin);
    const ended = this.all().filter((row) => !row.dataset.token);
    const oldest = Math.min(...ended.map((row) => Number(idOf(row))));
    // From the oldest that is shown: pages that were asked for stay.
    if (Number.isFinite(oldest)) url.searchParams.set("after", String(oldest - 1));
    const fresh = await rowsOf(url.pathname + url.search);
    const foot = this.list.querySelector("[data-older]");
    const groups = [...fresh.querySelectorAll(".group")];
    if (!groups.length && !ended.length && !this.list.querySelector(".group")) return;
    this._keep(groups);
    // Whether the last day goes on below what was asked for, only the page that ended there knew.
    const last = groups.at(-1);
    if (last && this.list.querySelector(`.group[data-whole][data-day="${last.getAttribute("data-day")}"]`)) {
      last.toggleAttribute("data-whole", true);
      count(last);
    }
    for (const old of this.list.querySelectorAll(".group, [data-empty]")) old.remove();
    this.list.prepend(...groups);
    if (!foot) this.list.append(...fresh.querySelectorAll("[data-older]"));
    tellTimes(this.list);
  }

  /**
   * Put rows that have not changed in place of their fresh copies, and what a person did to the others into them.
   * @param {Element[]} groups
   */
  _keep(groups) {
    const focused = document.activeElement;
    const old = new Map(this.all().map((row) => [idOf(row), row]));
    for (const fresh of groups.flatMap((group) => [...group.querySelectorAll("tr[data-task]")])) {
      const known = old.get(idOf(fresh));
      if (!(known instanceof HTMLTableRowElement) || !(fresh instanceof HTMLTableRowElement)) continue;
      const isSame = known.dataset.state === fresh.dataset.state && known.querySelector("[data-note]")?.textContent === fresh.querySelector("[data-note]")?.textContent;
      if (isSame) {
        fresh.replaceWith(known);
        continue;
      }
      fresh.classList.toggle("chosen", known.classList.contains("chosen"));
      const [was, is] = [known, fresh].map((row) => /** @type {HTMLInputElement | null} */ (row.querySelector(".pick")));
      if (was && is) is.checked = was.checked;
      if (known.contains(focused)) queueMicrotask(() => /** @type {HTMLElement | null} */ (fresh.querySelector(".title"))?.focus());
    }
    if (focused instanceof HTMLElement && old.size) queueMicrotask(() => focused.isConnected && focused !== document.activeElement && focused.closest("tr") && focused.focus());
  }

  /**
   * Add the next page below. A day that goes on there stays one group.
   * @param {HTMLElement} button
   */
  async more(button) {
    button.setAttribute("aria-disabled", "true");
    const fresh = await rowsOf(button.dataset.more || "").catch(() => null);
    if (!fresh) {
      // The page itself can say what is wrong.
      location.assign(/** @type {HTMLAnchorElement} */ (button).href);
      return;
    }
    const shown = new Set(this.all().map(idOf));
    for (const row of fresh.querySelectorAll("tr[data-task]")) if (shown.has(idOf(row))) row.remove();
    const first = /** @type {HTMLElement | null} */ (fresh.querySelector("tr[data-task] .title"));
    this.list.querySelector("[data-empty]")?.remove();
    for (const group of fresh.querySelectorAll(".group")) {
      const same = this.list.querySelector(`.group[data-day="${group.getAttribute("data-day")}"]`);
      if (!same) this.list.append(group);
      else {
        same.querySelector("tbody")?.append(...group.querySelectorAll("tr[data-task]"));
        same.toggleAttribute("data-whole", group.hasAttribute("data-whole"));
        count(same);
      }
    }
    this.list.querySelector("[data-older]")?.remove();
    this.list.append(...fresh.querySelectorAll("[data-older]"));
    tellTimes(this.list);
    first?.focus({ preventScroll: true });
  }
}

/**
 * Rows from the server. Throws when it answers with anything else, as it does once the sign-in has ended.
 * @param {string} url
 */
async function rowsOf(url) {
  const fresh = await part(url);
  if (!fresh.querySelector("[data-part]")) throw new Error("these are no rows");
  return fresh;
}

/**
 * Say how many tasks a day has, where all of them are there.
 * @param {Element} group
 */
function count(group) {
  const place = group.querySelector("[data-count]");
  const number = group.querySelectorAll("tr[data-task]").length;
  if (place && group.hasAttribute("data-whole")) place.textContent = `${number} ${number === 1 ? "task" : "tasks"}`;
}
