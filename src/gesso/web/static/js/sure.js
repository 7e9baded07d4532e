// Questions before something that does not come back, asked in a dialog over the page instead of on a page of their own.

import { make, part } from "./dom.js";

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-sure]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  ask(link);
});

/** @param {HTMLAnchorElement} link */
async function ask(link) {
  let content;
  try {
    content = (await part(link.href)).querySelector("[data-sure-content]");
  } catch {
    content = null;
  }
  if (!content) {
    // The page itself says what is wrong.
    location.assign(link.href);
    return;
  }
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { "aria-labelledby": "sure-title" }, document.adoptNode(content)));
  dialog.querySelector("[data-back]")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  /** @type {HTMLElement | null} */ (dialog.querySelector("input:not([type=hidden]), [data-back]"))?.focus();
}
