// Elements and events without ceremony. Text always goes in as text.

/**
 * The first element that matches; it must be there.
 * @template {Element} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function one(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`nothing matches ${selector}`);
  return /** @type {T} */ (/** @type {unknown} */ (found));
}

/**
 * A new element: `make("p", { class: "muted", onclick }, "text", child)`. Properties that begin with "on" are listeners.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => /** @type {Node | string} */ (child)));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of the sprite.
 * @param {string} name
 * @param {string} [kind]
 */
export function icon(name, kind = "") {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", kind ? `icon ${kind}` : "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  drawing.append(use);
  return drawing;
}

/**
 * Tell the page that something happened.
 * @param {Element} from
 * @param {string} name as in "g:mask"
 * @param {any} [detail]
 */
export function tell(from, name, detail) {
  from.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
}

/**
 * The content of a `<script type="application/json" id="...">`.
 * @param {string} id
 */
export function data(id) {
  return JSON.parse(one(`#${id}`).textContent || "null");
}

/**
 * A piece of a page from the server, as elements.
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function part(url, options) {
  const answer = await fetch(url, { headers: { "x-part": "1" }, ...options });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html").body;
}
