/** Making elements without markup strings, with their types kept: what comes from outside can only ever become text. */

import { icon } from "../dom.js";

export { icon };

/**
 * An element with attributes, listeners (`onclick`: a function) and children; what is null or false is left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string|number>} [attributes]
 * @param {...Node} children
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A small button with an icon, and a word beside it or (with `quiet`) only as its label.
 * @param {string} name the icon, or nothing
 * @param {string} label
 * @param {(event: MouseEvent) => void} action
 * @param {{quiet?: boolean, key?: string, class?: string, [more: string]: any}} [more]
 */
export function button(name, label, action, { quiet = false, key = "", class: kind = "quiet", ...more } = {}) {
  const title = key ? `${label} (${key})` : quiet ? label : null;
  return h(
    "button",
    { type: "button", class: quiet ? "tool" : `button small ${kind}`, title, "aria-label": quiet ? label : null, onclick: action, ...more },
    name ? icon(name, quiet ? "" : "tiny") : null,
    !quiet && h("span", {}, label),
  );
}

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
