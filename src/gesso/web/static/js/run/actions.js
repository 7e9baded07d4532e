// What can be done with a result, as buttons: the same beside the stage and over a plain one.

import { icon, make } from "../dom.js";

/**
 * What the page does for each.
 * @typedef {{rerun: () => void, edit: (keepsMask: boolean) => void, download: (kind: "whole" | "plain" | "webp") => void, copy: () => void,
 *   link: () => void, openTask: () => void, remove: () => void}} Does
 */

/** @param {Does} does @param {{hasPainter: boolean}} options @returns {HTMLElement[]} */
export function resultActions(does, { hasPainter }) {
  const rerun = make("button", { type: "button", class: "button small quiet", "aria-label": "Re-run", onclick: does.rerun }, icon("rerun", "tiny"), make("span", {}, "Re-run"));
  const edit = make("button", { type: "button", class: "button small quiet", "aria-label": "Edit this result", onclick: () => does.edit(false) }, icon("edit", "tiny"), make("span", {}, "Edit this result"));
  const download = menu("Download", "download", [
    ["The file, with its parameters", () => does.download("whole")],
    ["The file as it is", () => does.download("plain")],
    ["As WebP", () => does.download("webp")],
  ]);
  download.classList.add("is-download");
  const more = menu("More about this result", "more", [
    ...(hasPainter
      ? /** @type {[string, () => void][]} */ ([
          ["Use as picture", () => does.edit(false)],
          ["Use as picture, with the same mask", () => does.edit(true)],
        ])
      : []),
    ["Copy the picture", does.copy],
    ["Copy a link to the task", does.link],
    ["Open the task", does.openTask],
    ["Delete its files", does.remove],
  ]);
  return hasPainter ? [rerun, edit, download, more] : [rerun, download, more];
}

/** @param {string} label @param {string} image @param {[string, () => void][]} entries */
function menu(label, image, entries) {
  const isQuiet = image === "more";
  const face = isQuiet ? make("summary", { class: "tool", "aria-label": label, title: label }, icon(image)) : make("summary", { class: "button small", "aria-label": label }, icon(image, "tiny"), make("span", {}, label));
  const details = make("details", { class: "menu", "data-menu": "" }, face);
  details.append(
    make(
      "div",
      { class: "sheet" },
      ...entries.map(([word, action]) =>
        make("button", { type: "button", onclick: () => {
          details.removeAttribute("open");
          action();
        } }, word),
      ),
    ),
  );
  return details;
}
