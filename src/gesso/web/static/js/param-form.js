// <g-param-form>: the parameters of a run. The server draws the controls; here they are read, filled, checked and kept.
//
// What is typed is kept for this tab under `g:form:OWNER/SLUG`, as JSON from parameter to value and without files, because the API tab shows it.
// It tells `g:form` when anything changed.

import { make, tell } from "./dom.js";
import { FileField } from "./run/file-field.js";
import { SeedField } from "./run/seed-field.js";
import { placeTips } from "./run/tips.js";

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

const PREFIX = "g:form:";
const COUNTED_FROM = 0.8;

export class ParamForm extends HTMLElement {
  constructor() {
    super();
    /** @type {Map<string, HTMLElement>} */
    this._params = new Map();
    /** @type {Map<string, FileField>} */
    this.files = new Map();
    /** @type {Map<string, SeedField>} */
    this._seeds = new Map();
    /** Values of parameters that other tools of the page hold, as the margins of the picture. @type {Record<string, any>} */
    this.others = {};
  }

  connectedCallback() {
    for (const element of this.querySelectorAll("[data-param]")) {
      if (element instanceof HTMLElement && element.dataset.param) this._params.set(element.dataset.param, element);
    }
    for (const [name, element] of this._params) {
      if (element.dataset.control === "file") this.files.set(name, new FileField(element, () => this._changed(name)));
      if (element.dataset.control === "seed") this._seeds.set(name, new SeedField(element, () => this._changed(name)));
      this._listen(name, element);
    }
    placeTips(this);
    // What the server has filled in from the address is for browsers without scripts: here the page decides which is newer.
    this.clear();
    this.fill(this._kept());
    for (const name of this._params.keys()) this._show(name);
  }

  get form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  get names() {
    return [...this._params.keys()];
  }

  /** The values that are filled in, in their own types and without files. */
  values() {
    /** @type {Record<string, any>} */
    const values = {};
    for (const [name, element] of this._params) {
      const value = this._value(name, element);
      if (value !== "" && value !== undefined && !(Array.isArray(value) && !value.length)) values[name] = value;
    }
    return { ...values, ...this.others };
  }

  /** Seeds that nobody keeps, drawn anew; called for each run. */
  drawSeeds() {
    for (const seed of this._seeds.values()) seed.draw();
  }

  /** Whether a seed is the reader's own choice. */
  get keepsSeed() {
    return [...this._seeds.values()].some((seed) => seed.isKept);
  }

  /** All that the form sends, as fields of a request. */
  entries() {
    /** @type {[string, string | File][]} */
    const entries = Object.entries(this.values()).map(([name, value]) => [name, Array.isArray(value) ? JSON.stringify(value) : String(value)]);
    for (const [name, field] of this.files) for (const one of field.sent()) entries.push([name, one]);
    return entries;
  }

  /**
   * Fill in what is named and known; the rest stays. A seed that is given is kept.
   * @param {Record<string, any>} values
   */
  fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const element = this._params.get(name);
      if (!element || value === null || value === undefined) continue;
      if (this.files.has(name)) continue;
      this._set(name, element, value);
      this._show(name);
    }
    if (Object.keys(values).some((name) => this._isAdvancedChange(name))) this.querySelector("[data-more]")?.setAttribute("open", "");
  }

  /** The size of the picture, for fields that stay empty to keep it. @param {Record<string, number>} size */
  suggest(size) {
    for (const [name, element] of this._params) {
      if (element.dataset.control === "size" && size[name]) control(element).setAttribute("placeholder", String(size[name]));
    }
  }

  /** Everything as it was at first. */
  clear() {
    for (const [name, element] of this._params) {
      const field = this.files.get(name);
      if (field) field.url = "";
      else this._set(name, element, element.dataset.default ?? "");
      this._show(name);
    }
  }

  /** Keep what is typed for this tab. */
  keep() {
    const { model } = this.dataset;
    const kept = { ...this.values() };
    // A seed that is drawn for each run belongs to no run yet.
    for (const [name, seed] of this._seeds) if (!seed.isKept) delete kept[name];
    sessionStorage.setItem(PREFIX + model, JSON.stringify(kept));
  }

  /** Whether every control holds what it may; shows what does not, and goes to the first. */
  check() {
    this.forgive();
    let first = "";
    for (const [name, element] of this._params) {
      const problem = this._problem(name, element);
      if (!problem) continue;
      first ||= name;
      this._mark(element, problem);
    }
    if (first) this._go(first);
    return !first;
  }

  /** A problem that the server tells of. @param {string} name @param {string} text @returns {boolean} whether there is such a control */
  wrong(name, text) {
    const element = this._params.get(name);
    if (!element) return false;
    this._mark(element, text);
    this._go(name);
    return true;
  }

  forgive() {
    for (const element of this._params.values()) this._mark(element, "");
  }

  /** @returns {Record<string, any>} */
  _kept() {
    try {
      return JSON.parse(sessionStorage.getItem(PREFIX + this.dataset.model) ?? "{}");
    } catch {
      return {};
    }
  }

  /** @param {string} name @param {HTMLElement} element */
  _listen(name, element) {
    element.addEventListener("input", (event) => {
      const { target } = event;
      if (target instanceof HTMLInputElement && target.matches("[data-slide]")) control(element).value = target.value;
      this._changed(name);
    });
    element.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button?.matches("[data-reset]")) {
        this._set(name, element, element.dataset.default ?? "");
        this._changed(name);
        control(element).focus();
      } else if (button instanceof HTMLElement && button.dataset.step) {
        const number = /** @type {HTMLInputElement} */ (control(element));
        number.stepUp(Number(button.dataset.step));
        this._changed(name);
      }
    });
  }

  /** @param {string} name */
  _changed(name) {
    const element = this._params.get(name);
    if (element) this._mark(element, "");
    this._show(name);
    this.keep();
    tell(this, "g:form", { name });
  }

  /** Bring all that stands beside the control in line with it. @param {string} name */
  _show(name) {
    const element = this._params.get(name);
    if (!element) return;
    const isChanged = this._isChanged(name, element);
    element.classList.toggle("is-changed", isChanged);
    const reset = element.querySelector("[data-reset]");
    if (reset instanceof HTMLElement) reset.hidden = !isChanged;
    const slide = element.querySelector("[data-slide]");
    if (slide instanceof HTMLInputElement) {
      slide.value = control(element).value;
      const low = Number(slide.min);
      slide.style.setProperty("--share", String((Number(slide.value) - low) / (Number(slide.max) - low)));
    }
    const word = element.querySelector("[data-word]");
    if (word) word.textContent = this._value(name, element) ? "On" : "Off";
    const own = element.querySelector("[data-own]");
    if (own instanceof HTMLElement) own.hidden = isChanged;
    count(element);
    const dot = this.querySelector("[data-more-dot]");
    if (dot instanceof HTMLElement) dot.hidden = !this.names.some((one) => this._isAdvancedChange(one));
  }

  /** @param {string} name @param {HTMLElement} element */
  _isChanged(name, element) {
    const seed = this._seeds.get(name);
    if (seed) return seed.isKept;
    if (this.files.has(name)) return false;
    const value = this._value(name, element);
    return (Array.isArray(value) ? value.join(",") : String(value)) !== (element.dataset.default ?? "");
  }

  /** @param {string} name */
  _isAdvancedChange(name) {
    const element = this._params.get(name);
    return Boolean(element?.closest("[data-more]")) && this._isChanged(name, /** @type {HTMLElement} */ (element));
  }

  /** @param {string} name @param {HTMLElement} element @returns {any} */
  _value(name, element) {
    const chosen = [...element.querySelectorAll("input:checked")].map((one) => /** @type {HTMLInputElement} */ (one).value);
    switch (element.dataset.control) {
      case "file":
        return undefined;
      case "switch":
        return chosen.length > 0;
      case "checks":
        return chosen;
      case "segments":
        return chosen[0] ?? "";
      default: {
        const { value } = control(element);
        const isNumber = ["integer", "number"].includes(element.dataset.kind ?? "");
        return isNumber && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
      }
    }
  }

  /** @param {string} name @param {HTMLElement} element @param {any} value */
  _set(name, element, value) {
    const text = Array.isArray(value) ? value.join(",") : String(value);
    const seed = this._seeds.get(name);
    if (seed) {
      seed.set(text);
      return;
    }
    const { control: kind } = element.dataset;
    if (kind === "switch") /** @type {HTMLInputElement} */ (control(element)).checked = ["true", "1", "yes", "on"].includes(text.toLowerCase());
    else if (kind === "segments" || kind === "checks") {
      const wanted = new Set(kind === "checks" ? text.split(",") : [text]);
      for (const one of element.querySelectorAll("input")) one.checked = wanted.has(one.value);
    } else control(element).value = kind === "size" && text === "0" ? "" : text;
  }

  /** @param {string} name @param {HTMLElement} element */
  _problem(name, element) {
    const { label = name, control: kind } = element.dataset;
    const field = this.files.get(name);
    if (field) return "required" in element.dataset && field.isEmpty ? `${label} is needed: choose a file.` : field.problem();
    if (kind === "checks" || kind === "segments" || kind === "switch") return "";
    const input = control(element);
    if ("required" in element.dataset && !input.value.trim() && !element.dataset.default) return `${label} is needed.`;
    if (kind === "seed") return /^\d*$/.test(input.value.trim()) ? "" : "A seed is a whole number of up to 20 digits.";
    const { validity } = input;
    if (validity.valid) return "";
    if (input instanceof HTMLInputElement && (validity.rangeUnderflow || validity.rangeOverflow)) return `It goes from ${input.min} to ${input.max}.`;
    if (validity.stepMismatch && element.dataset.kind === "integer") return "A whole number is needed.";
    if (validity.stepMismatch) return "";
    if (validity.badInput) return "A number is needed.";
    return validity.typeMismatch ? "An address begins with https:// or http://" : input.validationMessage;
  }

  /** @param {HTMLElement} element @param {string} text */
  _mark(element, text) {
    const line = element.querySelector("[data-wrong]");
    if (!(line instanceof HTMLElement)) return;
    line.hidden = !text;
    line.textContent = text;
    const input = control(element);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  /** @param {string} name */
  _go(name) {
    const element = /** @type {HTMLElement} */ (this._params.get(name));
    element.closest("details")?.setAttribute("open", "");
    control(element).focus();
  }
}

/** The control that holds the value. @param {HTMLElement} element @returns {Control} */
function control(element) {
  return /** @type {Control} */ (element.querySelector("textarea, select, input:not([data-slide])"));
}

/** Characters of a text, once they are worth counting. @param {HTMLElement} element */
function count(element) {
  const counter = element.querySelector("[data-count]");
  const text = element.querySelector("textarea");
  if (!(counter instanceof HTMLElement) || !text) return;
  const most = Number(counter.dataset.count);
  counter.hidden = most >= 10000 && text.value.length < COUNTED_FROM * most;
  counter.textContent = `${text.value.length} / ${most}`;
}

customElements.define("g-param-form", ParamForm);

/**
 * A problem of the form as a whole, over it.
 * @param {ParamForm} form @param {...(Node | string)} text
 */
export function tellProblem(form, ...text) {
  const place = form.querySelector("[data-problem]");
  place?.replaceChildren(...(text.length ? [make("div", { class: "problem" }, make("span", {}, ...text))] : []));
  if (text.length) place?.scrollIntoView({ block: "nearest" });
}
