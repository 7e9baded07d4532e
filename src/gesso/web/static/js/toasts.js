// Short messages that go by themselves, and wait while somebody reads them.

import { icon, make } from "./dom.js";

const SHOWN_MS = 6000;

class Toasts extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.setAttribute("aria-live", "polite");
  }

  /**
   * @param {string} text
   * @param {"ok" | "failed"} [kind]
   */
  show(text, kind = "ok") {
    const toast = make("div", { class: `toast ${kind}` }, icon(kind === "ok" ? "check" : "warning"), text);
    let timer = setTimeout(() => toast.remove(), SHOWN_MS);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => (timer = setTimeout(() => toast.remove(), SHOWN_MS)));
    this.append(toast);
  }
}

customElements.define("g-toasts", Toasts);

/**
 * @param {string} text
 * @param {"ok" | "failed"} [kind]
 */
export function toast(text, kind) {
  const toasts = document.querySelector("g-toasts");
  if (toasts instanceof Toasts) toasts.show(text, kind);
}
