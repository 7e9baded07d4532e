// Results on the stage: in the painter's views Compare and Result, with what can be done with them in its bar.

import { icon, make } from "../dom.js";
import { Compare } from "../compare.js";
import { sampleSeed } from "../gallery.js";
import { resultActions } from "./actions.js";
import { marginsOf, wholeMask } from "./masks.js";
import { inputsOf, outputsOf } from "./records.js";
import { duration } from "./words.js";

/** @typedef {import("../mask-editor.js").MaskEditor} MaskEditor @typedef {import("./session.js").Entry} Entry */
/** @typedef {{picture: string, mask: string, extension: Record<string, string>, slug: string}} Names */

export class StageView {
  /** @param {MaskEditor} editor @param {Names} names @param {import("./actions.js").Does} does @param {string} seedName */
  constructor(editor, names, does, seedName) {
    this._editor = editor;
    this._names = names;
    this._seedName = seedName;
    this.compare = new Compare();
    this._image = /** @type {HTMLImageElement} */ (make("img", { class: "stage-shown", draggable: "false" }));
    /** @type {import("./preview.js").Preview | null} */
    this._preview = null;
    /** @type {Entry | null} */
    this._previewed = null;
    /** @type {WeakMap<Blob, string>} */
    this._urls = new WeakMap();
    this._facts = make("span", { class: "result-facts" });
    this._beside = make("button", { type: "button", class: "tool", "aria-pressed": "false", "aria-label": "Side by side", title: "Side by side", onclick: () => this._toggle() }, icon("beside"));
    this._flicker = this._flickerButton();
    this._actions = resultActions(does, { hasPainter: true });
    editor.parts.compare.replaceChildren(this.compare);
    editor.parts.bar.replaceChildren(this._facts, make("span", { class: "grow" }), this._beside, this._flicker, ...this._actions);
    editor.addEventListener("g:view", () => this._scaled());
    new ResizeObserver(() => this._scaled()).observe(editor);
  }

  get over() {
    return this._editor.parts.over;
  }

  /**
   * Show a result. `steals`: whether the stage turns to it; otherwise a mark says that there is something new.
   * @param {Entry} entry @param {number} index @param {boolean} steals
   */
  show(entry, index, steals) {
    const { record } = entry;
    const output = record && outputsOf(record)[index];
    if (!record || !output) return this.clear();
    this._previewed = null;
    this._preview?.close();
    this._offer(true);
    const words = String(record.parameters.prompt || "The result");
    const before = this._before(entry);
    this.compare.show({ before, after: output.url, margins: marginsOf(record.parameters, this._names.extension), beforeAlt: `The picture before: ${this._editor.picture?.name ?? ""}`, afterAlt: words });
    this._image.alt = words;
    this._image.src = output.url;
    this._editor.parts.result.replaceChildren(this._image);
    const seed = record.parameters[this._seedName];
    const time = duration(Number(record.elapsedseconds) * 1000);
    this._facts.replaceChildren(...(seed === undefined ? [] : ["Seed ", make("b", { class: "mono" }, sampleSeed(seed, index)), " "]), make("span", { class: "mono" }, time));
    this._editor.setResult({ available: true, fresh: !steals });
    if (steals) this._editor.view = "compare";
    this._scaled();
    void this._look(entry, output.url);
  }

  /** Nothing is shown. */
  clear() {
    this._editor.setResult({ available: false });
    this._editor.parts.result.replaceChildren();
    this._editor.parts.foot.replaceChildren();
  }

  /** A preview of a run that goes on. @param {Entry} entry */
  async preview(entry) {
    const jpeg = entry.watch?.preview;
    if (!jpeg || !entry.inputs?.mask) return;
    if (this._previewed !== entry) {
      this._previewed = entry;
      this._preview ??= new (await import("./preview.js")).Preview();
      this._editor.parts.result.replaceChildren(this._preview.element);
      this._facts.replaceChildren("Not finished");
      this._offer(false);
      this._editor.parts.foot.replaceChildren();
      const margins = marginsOf(entry.values, this._names.extension);
      const mask = await wholeMask(entry.inputs.mask, margins);
      await this._preview.open({ before: this._before(entry), mask, margins, isWholeShown: (entry.values.crop ?? "off") === "off" });
      if (this._previewed !== entry) return;
      this._editor.setResult({ available: true });
      if (!this._editor.touched) this._editor.view = "result";
    }
    await this._preview?.show(jpeg);
  }

  /** What can be done with a result, where there is one. @param {boolean} hasResult */
  _offer(hasResult) {
    for (const element of [this._beside, this._flicker, ...this._actions]) element.hidden = !hasResult;
  }

  /** Whether the stage shows a preview of it. @param {Entry} entry */
  isPreviewing(entry) {
    return this._previewed === entry;
  }

  /** @param {Entry} entry */
  _before(entry) {
    const blob = entry.inputs?.picture;
    if (!blob) return entry.record ? (inputsOf(entry.record, this._names.picture)[0] ?? "") : "";
    let url = this._urls.get(blob);
    if (!url) this._urls.set(blob, (url = URL.createObjectURL(blob)));
    return url;
  }

  /** Is everything outside the mask as it was? @param {Entry} entry @param {string} url */
  async _look(entry, url) {
    const { foot } = this._editor.parts;
    foot.replaceChildren();
    const { record } = entry;
    if (!record) return;
    try {
      const [{ changedOutside }, { fetched }] = await Promise.all([import("./sameness.js"), import("./downloads.js")]);
      const [picture, mask, result] = await Promise.all([
        entry.inputs?.picture ?? fetched(inputsOf(record, this._names.picture)[0]),
        entry.inputs?.mask ?? fetched(inputsOf(record, this._names.mask)[0]),
        fetched(url),
      ]);
      const share = await changedOutside(picture, mask, result, marginsOf(record.parameters, this._names.extension));
      if (share === null || !this._image.src.endsWith(url)) return;
      foot.replaceChildren(share === 0 ? "Same picture outside the mask: yes" : `Changed outside the mask: ${share < 0.001 ? "under 0.1" : (100 * share).toFixed(1)} %`);
    } catch {
      // A file is gone: nothing is claimed.
    }
  }

  _toggle() {
    this.compare.isBeside = !this.compare.isBeside;
    this._beside.setAttribute("aria-pressed", String(this.compare.isBeside));
    this._editor.view = "compare";
  }

  _flickerButton() {
    const button = make("button", { type: "button", class: "tool", "aria-label": "Hold to see before", title: "Hold to see before" }, icon("eye"));
    const hold = (/** @type {boolean} */ isHeld) => () => {
      if (isHeld) this._editor.view = "compare";
      this.compare.flicker(isHeld);
      button.setAttribute("aria-pressed", String(isHeld));
    };
    button.addEventListener("pointerdown", hold(true));
    for (const type of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(type, hold(false));
    button.addEventListener("keydown", (event) => (event.key === " " || event.key === "Enter") && !event.repeat && hold(true)());
    button.addEventListener("keyup", hold(false));
    return button;
  }

  /** Lines and handles keep their size on the screen. */
  _scaled() {
    this._editor.style.setProperty("--unit", String(1 / (this._editor.transform.scale || 1)));
  }
}
