// <g-task-progress>: a run on its way, as five steps with their times; beside it, for the lower edge of the picture, a bar with the way to stop it.

import { icon, make, tell } from "./dom.js";
import { STEPS } from "./run/records.js";
import { duration, resultWords, stateWord } from "./run/words.js";

/** @typedef {import("./run/watch.js").Watch} Watch @typedef {import("./run/records.js").Phase} Phase */

const TICK_MS = 100;
const QUARTERS = 4;

/** @type {Record<string, string>} */
const WORDS = { queued: "Queued", accepted: "Accepted", reading: "Inputs read", running: "Run", saving: "Results saved" };

class TaskProgress extends HTMLElement {
  constructor() {
    super();
    /** @type {Watch|null} */
    this._watch = null;
    this._head = make("div", { class: "label" });
    this._steps = make("ol", { class: "task-steps" });
    this._notes = make("div", { class: "task-notes" });
    this._pairs = make("dl", { class: "pairs" });
    this._status = make("p", { class: "hidden", role: "status", "aria-live": "polite" });
    this._told = "";
    this._tick = 0;
    this._leaving = new AbortController();
  }

  connectedCallback() {
    const again = make("button", { type: "button", class: "button", onclick: () => tell(this, "g:another") }, icon("plus", "tiny"), "Queue another run");
    const stay = make("p", { class: "hint" }, "You can leave this page. The task keeps running and appears in History.");
    this.replaceChildren(make("div", {}, this._head, this._steps), this._notes, this._pairs, stay, again, this._status);
  }

  /**
   * Show another run, or none.
   * @param {Watch|null} watch
   * @param {[string, string][]} pairs what it was asked for, in words
   */
  follow(watch, pairs = []) {
    this._leaving.abort();
    clearInterval(this._tick);
    this._watch = watch;
    this._told = "";
    if (!watch) return;
    this._leaving = new AbortController();
    const { signal } = this._leaving;
    for (const type of ["change", "step", "end"]) watch.addEventListener(type, () => this._show(), { signal });
    this._head.replaceChildren(make("span", {}, "Task"), make("span", { class: "grow" }), make("a", { class: "mono muted", href: `/tasks/${watch.id}` }, watch.id));
    this._pairs.replaceChildren(...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { class: /^[\d.,]+$/.test(value) ? "mono" : null }, value)]));
    this._tick = window.setInterval(() => this._time(), TICK_MS);
    this._show();
  }

  _show() {
    const watch = this._watch;
    if (!watch) return;
    if (watch.isOver) clearInterval(this._tick);
    const at = watch.isOver ? STEPS.length : STEPS.indexOf(watch.phase);
    this._steps.replaceChildren(...STEPS.map((phase, i) => this._step(watch, phase, i < at ? "done" : i === at ? "now" : "later")));
    const notes = [
      watch.loss,
      watch.isSignedOut ? "Your sign-in has ended. The task goes on; sign in to see its result." : "",
      watch.isOff ? "Live updates are off, still checking." : "",
    ].filter(Boolean);
    this._notes.replaceChildren(...notes.map((text) => make("p", { class: "notice plain" }, icon("warning"), make("span", {}, text))));
    this._announce(watch);
  }

  /** @param {Watch} watch @param {Phase} phase @param {"done" | "now" | "later"} state */
  _step(watch, phase, state) {
    const took = watch.spent[phase];
    const word = state !== "now" ? WORDS[phase] : phase === "running" && watch.total > 1 ? `Running, step ${watch.step} of ${watch.total}` : stateWord(watch);
    const time = state === "done" && took !== undefined ? duration(took) : state === "now" ? duration(performance.now() - watch.since) : "";
    const mark = make("span", { class: "task-mark" }, state === "done" ? icon("check") : null);
    const hidden = { done: "done", now: "now", later: "to come" }[state];
    return make("li", { class: `is-${state}`, "data-step": phase, "aria-current": state === "now" ? "step" : null }, mark, make("span", {}, word, make("span", { class: "hidden" }, `, ${hidden}`)), make("b", { "data-time": state === "now" }, time));
  }

  _time() {
    const time = this._steps.querySelector("[data-time]");
    if (time && this._watch) time.textContent = duration(performance.now() - this._watch.since);
  }

  /** Where a step begins and at each quarter, not at every step of the model. @param {Watch} watch */
  _announce(watch) {
    const quarter = watch.phase === "running" && watch.total > 1 ? Math.floor((QUARTERS * watch.step) / watch.total) : 0;
    const text = watch.isOver && watch.record ? resultWords(watch.record) : quarter ? `${25 * quarter} percent` : stateWord(watch);
    if (text === this._told) return;
    this._told = text;
    this._status.textContent = text;
  }
}

customElements.define("g-task-progress", TaskProgress);

/** The bar over the picture: how far it is, how long it takes yet, and the way to stop it, which says what it will do. */
export class LiveBar {
  /** @param {(watch: Watch) => void} stop */
  constructor(stop) {
    /** @type {Watch|null} */
    this._watch = null;
    this._word = make("span", { class: "live-word" });
    this._share = make("i");
    this._left = make("span", { class: "mono live-left" });
    this._button = /** @type {HTMLButtonElement} */ (make("button", { type: "button", class: "live-stop", onclick: () => this._watch && stop(this._watch) }));
    this.element = make("div", { class: "live", hidden: true }, this._word, make("span", { class: "bar" }, this._share), this._left, this._button);
    this._leaving = new AbortController();
  }

  /** @param {Watch|null} watch */
  follow(watch) {
    this._leaving.abort();
    this._watch = watch;
    this.element.hidden = !watch || watch.isOver;
    if (!watch) return;
    this._leaving = new AbortController();
    const { signal } = this._leaving;
    for (const type of ["change", "step", "end"]) watch.addEventListener(type, () => this._show(watch), { signal });
    this._button.disabled = false;
    this._show(watch);
  }

  /** @param {boolean} isBusy */
  wait(isBusy) {
    this._button.disabled = isBusy;
  }

  /** @param {Watch} watch */
  _show(watch) {
    this.element.hidden = watch.isOver;
    this._word.textContent = watch.phase === "running" && watch.total > 1 ? `${watch.step} / ${watch.total}` : stateWord(watch);
    this._share.style.transform = `scaleX(${watch.phase === "saving" ? 1 : watch.total ? watch.step / watch.total : 0})`;
    const left = watch.leftMs;
    this._left.textContent = left === null ? "" : `${duration(left)} left`;
    this._button.textContent = watch.phase === "queued" ? "Cancel" : "Kill";
  }
}
