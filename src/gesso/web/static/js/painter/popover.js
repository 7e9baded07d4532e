/** A panel that opens beside a button and closes by Escape or a click elsewhere, which the browser does. */

import { clamp, h } from "./dom.js";

const GAP_PX = 6;

/** @param {string} label @param {...Node} children */
export function panel(label, ...children) {
  return h("div", { class: "stage-panel", popover: "auto", role: "dialog", "aria-label": label }, ...children);
}

/** @param {HTMLElement} element made by `panel` and in the page @param {HTMLElement} beside */
export function toggle(element, beside) {
  if (element.matches(":popover-open")) return element.hidePopover();
  element.showPopover();
  const at = beside.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = element;
  const { clientWidth, clientHeight } = document.documentElement;
  element.style.left = `${clamp(at.right - width, GAP_PX, clientWidth - width - GAP_PX)}px`;
  const below = at.bottom + GAP_PX;
  element.style.top = `${below + height > clientHeight ? Math.max(GAP_PX, at.top - height - GAP_PX) : below}px`;
}
