/** What the empty stage shows: how a picture gets here. */

import { button, h, icon } from "./dom.js";

/** @typedef {{choose: () => void, address: (address: string) => void, sample: (url: string, name: string) => void}} Actions */

/** Drawn by scripts/draw_samples.py. */
const SAMPLES = [
  ["window", "Mug at the window"],
  ["wall", "Poster on a wall"],
  ["shore", "Boat on the shore"],
];

/** @param {string} name @param {string} [kind] */
const address = (name, kind = "") => new URL(`../../samples/${name}${kind}.jpg`, import.meta.url).href;

export class Welcome {
  /** @param {Actions} actions */
  constructor(actions) {
    const samples = SAMPLES.map(([name, label]) =>
      h("button", { type: "button", class: "stage-sample", onclick: () => actions.sample(address(name), `${name}.jpg`) }, h("img", { src: address(name, "-small"), alt: "", width: 120, height: 87, loading: "lazy" }), label),
    );
    const field = h("input", { type: "url", class: "input", placeholder: "https://", "aria-label": "Address of a picture", autocomplete: "off" });
    this._url = h("form", { class: "stage-address", novalidate: true }, field, button("right", "Open", () => {}, { quiet: true, type: "submit" }));
    this._url.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim()) actions.address(field.value.trim());
    });
    this.restore = h("div", { class: "stage-restore", hidden: true });
    this.element = h(
      "div",
      { class: "stage-welcome" },
      this.restore,
      icon("easel"),
      h("p", { class: "stage-welcome-title" }, "Drop a picture, paste one, or choose a file"),
      h("p", { class: "hint" }, "Then paint over what should change."),
      button("upload", "Choose a file", actions.choose, { class: "primary" }),
      this._url,
      h("div", { class: "stage-samples", role: "group", "aria-label": "Sample pictures" }, ...samples),
    );
  }

  /** @param {boolean} isOffered */
  offerAddress(isOffered) {
    this._url.hidden = !isOffered;
  }

  /** @param {string} text @param {() => void} restore @param {() => void} discard */
  offerRestore(text, restore, discard) {
    const answered = (/** @type {() => void} */ action) => () => {
      this.restore.hidden = true;
      action();
    };
    this.restore.replaceChildren(
      h("p", {}, h("b", {}, "Restore your last edit?"), h("span", {}, text)),
      h("span", { class: "row" }, button("undo", "Restore", answered(restore), { class: "primary" }), button("close", "Discard", answered(discard))),
    );
    this.restore.hidden = false;
  }
}
