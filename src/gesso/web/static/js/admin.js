// The list of models, renewed while something is loaded or fetched.

import { part } from "./dom.js";

const EVERY_MS = 1500;

async function renew() {
  const shown = document.querySelector("#machine");
  if (!(shown instanceof HTMLElement) || !("busy" in shown.dataset)) return;
  // Somebody is about to press a button of it.
  if (!shown.contains(document.activeElement)) {
    try {
      const fresh = (await part("/admin/models/rows")).querySelector("#machine");
      if (fresh) shown.replaceWith(fresh);
    } catch {
      // The server may be starting anew: the next look finds it.
    }
  }
  setTimeout(renew, EVERY_MS);
}

setTimeout(renew, EVERY_MS);
