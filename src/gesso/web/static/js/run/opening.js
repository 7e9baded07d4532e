// What a page begins with: the inputs of an earlier task, values in its address, or what waited while somebody signed in.

import { Refused, call } from "../api.js";
import { fetched } from "./downloads.js";
import { marginsOf } from "./masks.js";
import { inputsOf } from "./records.js";

/** @typedef {import("../mask-editor.js").MaskEditor} MaskEditor @typedef {import("../param-form.js").ParamForm} ParamForm */
/** @typedef {import("./records.js").TaskRecord} TaskRecord */
/** @typedef {{picture: string, mask: string, pictureLabel: string, maskLabel: string, extension: Record<string, string>, page: string}} Names */

/** The task that the address names. Throws Refused. @param {string} id @param {string} page the address of the model's page @returns {Promise<TaskRecord & {modelslugowner: string, modelslugproject: string}>} */
export async function taskNamed(id, page) {
  const answer = await call("/Task/Detail", { taskid: id });
  const [record] = answer.tasklist;
  if (`/models/${record.modelslugowner}/${record.modelslugproject}` !== page) throw new Refused(`Task ${id} is of another model: ${record.modelslugowner}/${record.modelslugproject}.`, 200);
  return record;
}

/**
 * Fill the form and the stage with what a task was made from.
 * @param {TaskRecord} record @param {ParamForm} form @param {MaskEditor | null} editor @param {Names} names
 * @returns {Promise<string[]>} sentences about what is no longer there
 */
export async function openTask(record, form, editor, names) {
  form.clear();
  form.fill(record.parameters);
  if (record.parameters.callbackUrl === undefined) form.fill({ callbackUrl: "" });
  const missing = [];
  for (const [name, field] of form.files) {
    const files = [];
    for (const url of inputsOf(record, name)) {
      const file = await fileAt(url);
      if (file) files.push(file);
      else missing.push(`A file of “${name}” was deleted on the server. Choose it again.`);
    }
    field.set(files);
  }
  if (editor) missing.push(...(await openStage(record, editor, names)));
  return missing;
}

/** The stage alone. @param {TaskRecord} record @param {MaskEditor} editor @param {Names} names @returns {Promise<string[]>} as `openTask` */
export async function openStage(record, editor, names) {
  const picture = await fileAt(inputsOf(record, names.picture)[0]);
  if (!picture) return [`The ${names.pictureLabel.toLowerCase()} of task ${record.id} was deleted on the server. Choose it again.`];
  const mask = await fileAt(inputsOf(record, names.mask)[0]);
  await editor.restore({ picture, mask, extend: marginsOf(record.parameters, names.extension), name: picture.name });
  return mask || !record.parameters[names.mask] ? [] : [`The ${names.maskLabel.toLowerCase()} of task ${record.id} was deleted on the server. Paint it again.`];
}

/**
 * Values in the address: `?prompt=...&steps=...`. A file is named by its address on this server.
 * @param {URLSearchParams} query @param {ParamForm} form @param {MaskEditor | null} editor @param {Names} names
 */
export async function openQuery(query, form, editor, names) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const name of form.names) {
    const given = query.getAll(name);
    if (!given.length) continue;
    const field = form.files.get(name);
    if (field) [field.url] = given;
    else values[name] = given.join(",");
  }
  form.fill(values);
  const picture = query.get(names.picture);
  if (editor && names.picture && picture) await editor.setPicture(picture);
}

/** @param {string | undefined} url @returns {Promise<File | null>} */
async function fileAt(url) {
  if (!url || !new URL(url, location.href).pathname.startsWith("/v1/File/") || new URL(url, location.href).origin !== location.origin) return null;
  try {
    const blob = await fetched(url);
    return new File([blob], decodeURIComponent(url.split("/").pop() ?? "file"), { type: blob.type });
  } catch {
    return null;
  }
}
