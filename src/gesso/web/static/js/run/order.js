// From the page to a request: the form's values, and what is painted, in the way the model takes it.

import { hasMargins } from "./masks.js";

/** @typedef {import("../mask-editor.js").MaskEditor} MaskEditor @typedef {import("../param-form.js").ParamForm} ParamForm */
/** @typedef {{path: string, picture: string, mask: string, extension: Record<string, string>}} Names */
/** @typedef {{body: FormData, key: string, inputs: import("./session.js").Inputs | null, values: Record<string, any>}} Order */

/** Why nothing can be sent yet; empty when it can. @param {MaskEditor | null} editor @param {{isMaskRequired: boolean}} page */
export function missing(editor, { isMaskRequired }) {
  if (!editor) return "";
  if (!editor.picture) return "There is no picture yet. Drop one on the stage, or choose a file.";
  return isMaskRequired && !editor.hasMask ? "Mask is empty: nothing to fill. Paint over what should change." : "";
}

/** @param {ParamForm} form @param {MaskEditor | null} editor @param {Names} names @returns {Promise<Order>} */
export async function orderOf(form, editor, names) {
  const body = new FormData();
  for (const [name, value] of form.entries()) body.append(name, value);
  const inputs = editor ? await painted(editor, names) : null;
  if (inputs) {
    body.append(names.picture, inputs.picture);
    if (inputs.mask) body.append(names.mask, inputs.mask);
  }
  return { body, key: newKey(), inputs, values: form.values() };
}

/** The margins of the stage as parameters of a model that has them. @param {MaskEditor} editor @param {Names} names @returns {Record<string, number>} */
export function extensionOf(editor, names) {
  const margins = /** @type {Record<string, number>} */ (/** @type {unknown} */ (editor.extend));
  if (!hasMargins(editor.extend)) return {};
  return Object.fromEntries(Object.entries(names.extension).map(([side, name]) => [name, margins[side]]));
}

/**
 * A model that extends by itself gets the picture as it came, every byte of it; another one gets it with its margins.
 * @param {MaskEditor} editor @param {Names} names
 */
async function painted(editor, names) {
  const extendsItself = Object.keys(names.extension).length > 0;
  const picture = extendsItself ? /** @type {File} */ (editor.picture) : await editor.pictureFile();
  return { picture, mask: editor.hasMask ? await editor.maskFile({ extended: !extendsItself }) : null };
}

/** A key that nobody else sends; `crypto.randomUUID` is there on encrypted origins only. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
