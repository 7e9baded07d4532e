/** The dialog that lists the keys. */

import { button, h } from "./dom.js";
import { KEYS } from "./keys.js";

export function helpDialog() {
  const groups = KEYS.map(([title, keys]) =>
    h("section", {}, h("h3", {}, title), h("dl", {}, ...keys.flatMap(({ shown, label }) => [h("dt", {}, ...shown.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, label)]))),
  );
  const close = button("close", "Close", () => dialog.close(), { quiet: true });
  const dialog = h(
    "dialog",
    { class: "stage-help", "aria-labelledby": "stage-help-title" },
    h("header", {}, h("h2", { id: "stage-help-title" }, "Keys of the painter"), close),
    h("p", { class: "hint" }, "Letters work while the painter has the focus, so they never get into what you type elsewhere."),
    h("div", { class: "stage-keys" }, ...groups),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}
