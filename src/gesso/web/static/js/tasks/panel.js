// What one task shows: its pictures with a knife between them, and links to it.

import { toast } from "../toasts.js";

/**
 * Lay the picture after over the picture before. Without this they stand side by side.
 * @param {ParentNode} within
 */
export async function compare(within) {
  const pairs = within.querySelectorAll("[data-compare]");
  // Most lists are left without a look at a picture.
  if (pairs.length) await import("../compare.js");
  for (const pair of pairs) {
    const before = pair.querySelector("img[data-before]");
    const after = pair.querySelector("img[data-after]");
    if (!(before instanceof HTMLImageElement) || !(after instanceof HTMLImageElement)) continue;
    const element = /** @type {import("../compare.js").Compare} */ (document.createElement("g-compare"));
    pair.replaceWith(element);
    element.show({ before: before.src, after: after.src, margins: { left: 0, top: 0, right: 0, bottom: 0 }, beforeAlt: before.alt, afterAlt: after.alt });
  }
}

/** @param {HTMLElement} button with the path of the link */
export async function copyLink(button) {
  try {
    await navigator.clipboard.writeText(new URL(button.dataset.copyLink || "", location.href).href);
    toast("The link is in your clipboard");
  } catch {
    toast("The clipboard cannot be reached: copy the address of the task's page by hand.", "failed");
  }
}
