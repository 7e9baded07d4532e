// <g-gallery>: what this session made, newest first, the samples of a run together. It tells `g:choose` with {id, index}.

import { icon, make, tell } from "./dom.js";
import { isPicture, outputsOf, phaseOf } from "./run/records.js";
import { duration, stateWord } from "./run/words.js";

/** @typedef {import("./run/session.js").Entry} Entry */

class Gallery extends HTMLElement {
  constructor() {
    super();
    this._strip = make("ul", { class: "shots" });
    this._strip.addEventListener("keydown", (event) => this._key(event));
  }

  connectedCallback() {
    this.replaceChildren(this._strip);
  }

  /**
   * @param {readonly Entry[]} entries newest first
   * @param {{id: string, index: number} | null} shown
   * @param {string} seedName the parameter that tells samples apart
   */
  show(entries, shown, seedName) {
    const focused = this.contains(document.activeElement) ? document.activeElement?.getAttribute("data-thumb") : null;
    this._strip.replaceChildren(...entries.map((entry) => make("li", { class: "shots-run" }, ...this._thumbs(entry, shown, seedName))));
    if (focused) /** @type {HTMLElement|null} */ (this.querySelector(`[data-thumb="${focused}"]`))?.focus();
  }

  /** @param {Entry} entry @param {{id: string, index: number} | null} shown @param {string} seedName */
  _thumbs(entry, shown, seedName) {
    const { record, watch } = entry;
    const choose = (/** @type {number} */ index) => () => tell(this, "g:choose", { id: entry.id, index });
    const isShown = (/** @type {number} */ index) => (shown?.id === entry.id && shown.index === index ? "true" : null);
    const properties = (/** @type {number} */ index) => ({ type: "button", class: "shot", "data-thumb": `${entry.id}-${index}`, "aria-current": isShown(index), onclick: choose(index) });
    if (!record || phaseOf(record) !== "succeeded") {
      const word = record ? { failed: "Failed", cancelled: "Cancelled" }[/** @type {string} */ (phaseOf(record))] : watch ? stateWord(watch) : "Not known";
      const share = watch && !record && watch.total ? watch.step / watch.total : 0;
      const bar = make("i");
      bar.style.transform = `scaleX(${share})`;
      const face = make("span", { class: "shot-face" }, icon(record ? "warning" : "clock"), record ? null : make("span", { class: "bar" }, bar));
      return [make("button", properties(0), face, make("span", { class: "shot-line" }, word ?? ""))];
    }
    const outputs = outputsOf(record);
    const time = duration(Number(record.elapsedseconds) * 1000);
    const seed = record.parameters[seedName];
    if (!outputs.length) return [make("button", properties(0), make("span", { class: "shot-face" }, icon("document")), make("span", { class: "shot-line" }, make("span", {}, "No files"), time))];
    return outputs.map((output, index) => {
      const name = !isPicture(output) ? output.name : seed === undefined ? record.id : sampleSeed(seed, index);
      const face = isPicture(output) ? make("img", { src: output.url, alt: "", loading: "lazy" }) : make("span", { class: "shot-face" }, icon("document"));
      face.addEventListener("error", () => face.replaceWith(make("span", { class: "shot-face" }, icon("trash"), make("span", { class: "hidden" }, "deleted"))));
      const label = `Result ${index + 1} of ${outputs.length}, ${seed === undefined || !isPicture(output) ? "" : "seed "}${name}`;
      return make("button", { ...properties(index), "aria-label": label }, face, make("span", { class: "shot-line" }, make("span", { class: "mono cut" }, name), time));
    });
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const thumbs = [...this.querySelectorAll("button")];
    const at = thumbs.findIndex((one) => one === document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? thumbs.length - 1 : step ? at + step : -1;
    if (at < 0 || !thumbs[next]) return;
    event.preventDefault();
    thumbs[next].focus();
  }
}

/** Sample k is made with the seed plus k; seeds are longer than numbers are exact. @param {any} seed @param {number} index */
export function sampleSeed(seed, index) {
  return /^\d+$/.test(String(seed)) ? String(BigInt(seed) + BigInt(index)) : String(seed);
}

customElements.define("g-gallery", Gallery);

export { Gallery };
