// Results of models that need no stage: pictures, texts and files of any kind, one under the other, with the log of the run.

import { icon, make, one } from "../dom.js";
import { resultActions } from "./actions.js";
import { size } from "./file-field.js";
import { isPicture, outputsOf } from "./records.js";
import { duration, resultWords } from "./words.js";

/** @typedef {import("./session.js").Entry} Entry @typedef {import("./records.js").Output} Output */

const TEXT_MAX_BYTES = 200000;
const TEXT = /^(text\/|application\/(json|x-ndjson|xml|yaml))/;

export class PlainView {
  /** @param {import("./actions.js").Does} does */
  constructor(does) {
    this._body = one("[data-outputs]");
    this._place = one("[data-output-actions]");
    this._actions = resultActions(does, { hasPainter: false });
    this._empty = [...this._body.children];
  }

  get over() {
    return one("[data-over]");
  }

  /** @param {Entry} entry @param {number} index */
  show({ record }, index) {
    if (!record) return this.clear();
    const outputs = outputsOf(record);
    const facts = make("p", { class: "muted row flow" }, resultWords(record), make("span", { class: "mono" }, duration(Number(record.elapsedseconds) * 1000)));
    const pictures = outputs.filter(isPicture);
    const shown = pictures.length ? make("div", { class: "outputs-pictures" }, ...pictures.map((output) => picture(output, outputs.indexOf(output) === index))) : null;
    const files = outputs.filter((output) => !isPicture(output));
    const list = files.length ? make("ul", { class: "outputs-files" }, ...files.map(file)) : null;
    this._body.replaceChildren(facts, ...[shown, list, log(record.debugoutput)].filter((part) => part !== null));
    this._place.replaceChildren(...(outputs.length ? this._actions : this._actions.slice(0, 1)));
  }

  clear() {
    this._body.replaceChildren(...this._empty);
    this._place.replaceChildren();
  }

  /** A run that goes on: what it says. @param {Entry} entry */
  follow({ watch }) {
    if (!watch) return;
    this._place.replaceChildren();
    this._body.replaceChildren(make("pre", { class: "code outputs-log", tabindex: "0", "aria-label": "Log of the run" }, watch.lines.join("\n") || "Nothing said yet"));
  }

  /** @param {Entry} entry */
  async preview({ watch }) {
    if (!watch?.preview) return;
    const image = /** @type {HTMLImageElement} */ (make("img", { alt: "Preview, not finished" }));
    image.src = URL.createObjectURL(watch.preview);
    await image.decode().catch(() => {});
    this._body.querySelector(".outputs-preview")?.remove();
    this._body.append(make("div", { class: "outputs-preview" }, image));
    URL.revokeObjectURL(image.src);
  }
}

/** @param {Output} output @param {boolean} isShown */
function picture(output, isShown) {
  return make("figure", { "aria-current": isShown ? "true" : null }, make("img", { src: output.url, alt: output.name }), make("figcaption", { class: "row" }, make("span", { class: "mono cut grow" }, output.name), link(output)));
}

/** @param {Output} output */
function file(output) {
  const row = make("div", { class: "row" }, icon("document"), make("span", { class: "mono cut grow" }, output.name), make("span", { class: "muted mono" }, size(Number(output.size))), link(output));
  const item = make("li", {}, row);
  if (TEXT.test(output.contenttype) && Number(output.size) <= TEXT_MAX_BYTES) void showText(item, output.url);
  return item;
}

/** @param {HTMLElement} item @param {string} url */
async function showText(item, url) {
  const answer = await fetch(url);
  if (answer.ok) item.append(make("pre", { class: "code", tabindex: "0" }, await answer.text()));
}

/** @param {Output} output */
function link(output) {
  return make("a", { class: "button small", href: output.url, download: output.name, "aria-label": `Download ${output.name}` }, icon("download", "tiny"), "Download");
}

/** @param {string} text */
function log(text) {
  return text.trim() ? make("details", { class: "fold", open: true }, make("summary", {}, icon("down", "tiny"), "Log"), make("pre", { class: "code outputs-log", tabindex: "0" }, text)) : null;
}
