/** A slider with its number beside it: the number is a field, so it can be typed. */

import { clamp, h } from "./dom.js";

let count = 0;

/**
 * @param {string} label
 * @param {{least: number, most: number, unit: string, isLogarithmic?: boolean}} range
 * @param {(value: number) => void} changed
 */
export function slider(label, { least, most, unit, isLogarithmic = false }, changed) {
  const id = `stage-slider-${++count}`;
  const steps = isLogarithmic ? 200 : most - least;
  const toValue = (/** @type {number} */ step) => Math.round(isLogarithmic ? least * (most / least) ** (step / steps) : least + step);
  const toStep = (/** @type {number} */ value) => (isLogarithmic ? (steps * Math.log(value / least)) / Math.log(most / least) : value - least);
  const range = h("input", { type: "range", id, min: 0, max: steps, step: 1, class: "stage-range" });
  const number = h("input", { type: "text", inputmode: "numeric", class: "stage-number", "aria-label": `${label} in ${unit === "%" ? "percent" : "pixels"}`, size: 3 });
  /** @param {number} value */
  const set = (value) => {
    range.value = String(Math.round(toStep(value)));
    range.setAttribute("aria-valuetext", `${value} ${unit === "%" ? "percent" : "pixels"}`);
    range.style.setProperty("--share", String(toStep(value) / steps));
    if (document.activeElement !== number) number.value = String(value);
  };
  range.addEventListener("input", () => changed(toValue(Number(range.value))));
  number.addEventListener("change", () => {
    const typed = Number.parseFloat(number.value);
    if (Number.isFinite(typed)) changed(clamp(Math.round(typed), least, most));
  });
  number.addEventListener("blur", () => {
    number.value = String(toValue(Number(range.value)));
  });
  const element = h("div", { class: "stage-slider" }, h("label", { for: id }, label), range, h("span", { class: "stage-amount" }, number, h("span", { "aria-hidden": "true" }, unit)));
  return { element, set };
}
