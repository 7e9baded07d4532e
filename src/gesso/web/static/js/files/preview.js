// A file, seen without leaving the list.

import { here } from "../api.js";
import { icon, make, one } from "../dom.js";

/** @type {Record<string, string>} */
const ELEMENTS = { image: "img", video: "video", audio: "audio" };

/** @param {HTMLAnchorElement} link of a file in the list */
export function openPreview(link) {
  const dialog = /** @type {HTMLDialogElement} */ (one("[data-preview-dialog]"));
  const { kind = "", type = "", size = "" } = link.dataset;
  const name = one(".kept-name", link).textContent || "";
  one("h2", dialog).textContent = name;
  one("[data-preview-facts]", dialog).textContent = `${type}, ${size}`;
  one(".file-preview-stage", dialog).replaceChildren(shown(kind, here(link.href), name));
  const deeds = link.closest("li")?.querySelector("[data-deeds]")?.cloneNode(true);
  const row = one(".file-preview-deeds", dialog);
  row.replaceChildren(...(deeds ? [.../** @type {Element} */ (deeds).children] : []).filter((deed) => deed.tagName !== "HR"));
  for (const deed of row.children) deed.className = "button small";
  row.firstElementChild?.classList.toggle("primary", row.firstElementChild.textContent?.includes("Use in"));
  dialog.onclick = (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target === dialog || target.closest("[data-close], [data-sure]")) dialog.close();
  };
  dialog.onclose = () => {
    // A film would play on.
    one(".file-preview-stage", dialog).replaceChildren();
    link.focus();
  };
  dialog.showModal();
}

/** @param {string} kind @param {string} url @param {string} name */
function shown(kind, url, name) {
  const tag = ELEMENTS[kind];
  if (!tag) return icon("document");
  const element = make(tag, { src: url, ...(tag === "img" ? { alt: name } : { controls: true, "aria-label": name }) });
  element.addEventListener("error", () => element.replaceWith(make("p", { class: "muted" }, "This browser cannot show it.")));
  return element;
}
