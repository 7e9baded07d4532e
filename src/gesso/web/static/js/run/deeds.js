// What the buttons beside a result do.

import { call } from "../api.js";
import { tellProblem } from "../param-form.js";
import { toast } from "../toasts.js";
import { marginsOf, wholeMask } from "./masks.js";
import { inputsOf, isPicture, outputsOf } from "./records.js";

/** @typedef {import("../run.js").RunTab} RunTab @typedef {import("./session.js").Entry} Entry @typedef {import("./records.js").TaskRecord} TaskRecord */

/** @param {RunTab} tab @returns {import("./actions.js").Does} */
export function resultDeeds(tab) {
  const shown = () => {
    const entry = tab.shown && tab.session.find(tab.shown.id);
    const output = entry?.record && outputsOf(entry.record)[tab.shown?.index ?? 0];
    return entry?.record && output ? { entry, record: entry.record, output } : null;
  };
  /** @param {(what: {entry: Entry, record: TaskRecord, output: import("./records.js").Output}) => Promise<void>} deed */
  const doing = (deed) => async () => {
    const what = shown();
    if (!what) return;
    try {
      await deed(what);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "failed");
    }
  };
  return {
    rerun: () => void doing(async ({ entry, record }) => tab.again(sameAgain(tab, record), entry))(),
    edit: (keepsMask) => void doing(async ({ entry, record, output }) => editResult(tab, entry, record, output, keepsMask))(),
    download: (kind) => void doing(async ({ record, output }) => download(tab, record, output, kind))(),
    copy: () => void doing(async ({ output }) => copyPicture(output))(),
    link: () => void doing(async ({ record }) => copyLink(record))(),
    openTask: () => void doing(async ({ record }) => location.assign(`/tasks/${record.id}`))(),
    remove: () => void doing(async ({ entry, record }) => remove(tab, entry, record))(),
  };
}

/** The fields of the run once more, its files by their addresses; a new seed unless it is kept. @param {RunTab} tab @param {TaskRecord} record */
function sameAgain(tab, record) {
  const body = new FormData();
  const files = new Set([tab.page.picture, tab.page.mask, ...tab.form.files.keys()]);
  if (!tab.form.keepsSeed) tab.form.drawSeeds();
  const seed = tab.seedName ? tab.form.values()[tab.seedName] : undefined;
  for (const [name, value] of Object.entries(record.parameters)) {
    if (files.has(name)) for (const url of inputsOf(record, name)) body.append(name, url);
    else if (name === tab.seedName && !tab.form.keepsSeed) body.append(name, String(seed));
    else body.append(name, Array.isArray(value) ? JSON.stringify(value) : String(value));
  }
  return body;
}

/** @param {RunTab} tab @param {Entry} entry @param {TaskRecord} record @param {import("./records.js").Output} output @param {boolean} keepsMask */
async function editResult(tab, entry, record, output, keepsMask) {
  const { editor } = tab;
  if (!editor) return;
  const { fetched } = await import("./downloads.js");
  const [picture, mask] = await Promise.all([fetched(output.url), keepsMask ? (entry.inputs?.mask ?? fetched(inputsOf(record, tab.page.mask)[0])) : null]);
  const whole = mask && (await wholeMask(mask, marginsOf(record.parameters, tab.page.extension)));
  await editor.restore({ picture: new File([picture], fileName(tab, record, output), { type: picture.type }), mask: whole });
  editor.view = "mask";
  tellProblem(tab.form);
}

/** @param {RunTab} tab @param {TaskRecord} record @param {import("./records.js").Output} output @param {"whole" | "plain" | "webp"} kind */
async function download(tab, record, output, kind) {
  const { asWebp, fetched, save, withTexts } = await import("./downloads.js");
  const blob = await fetched(output.url);
  const name = fileName(tab, record, output);
  if (kind === "plain" || !isPicture(output)) return save(blob, name);
  if (kind === "webp") return save(await asWebp(blob), name.replace(/\.\w+$/, ".webp"));
  const files = new Set([tab.page.picture, tab.page.mask, ...tab.form.files.keys(), "callbackUrl"]);
  const values = Object.fromEntries(Object.entries(record.parameters).filter(([key]) => !files.has(key)));
  save(await withTexts(blob, { Software: "gesso", parameters: JSON.stringify({ model: tab.page.name, task: record.id, ...values }) }), name);
}

/** @param {RunTab} tab @param {TaskRecord} record @param {import("./records.js").Output} output */
function fileName(tab, record, output) {
  const index = outputsOf(record).findIndex((one) => one.url === output.url);
  const ending = output.name.match(/\.\w+$/)?.[0] ?? "";
  return `${tab.page.slug}-${record.id}${record.outputs.length > 1 ? `-${index + 1}` : ""}${ending}`;
}

/** @param {import("./records.js").Output} output */
async function copyPicture(output) {
  if (!isPicture(output) || !navigator.clipboard?.write) throw new Error("This cannot be copied here. Download it instead.");
  // Safari lets a page write only what it was promised at the click.
  const picture = import("./downloads.js").then(({ fetched }) => fetched(output.url));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
  toast("The picture is in your clipboard");
}

/** @param {TaskRecord} record */
async function copyLink(record) {
  const url = new URL(`/tasks/${record.id}`, location.href).href;
  if (!navigator.clipboard) throw new Error(`The clipboard cannot be reached. The link is ${url}`);
  await navigator.clipboard.writeText(url);
  toast("The link is in your clipboard. Members of the project can open it.");
}

/** @param {RunTab} tab @param {Entry} entry @param {TaskRecord} record */
async function remove(tab, entry, record) {
  if (!window.confirm("Delete the files of this run, inputs and results? They cannot be brought back.")) return;
  await call("/Task/InputOutputDelete", { tasktoken: record.socketaccesstoken });
  tab.session.remove(entry);
  tab.showLast();
  toast("The files of the run are deleted.");
}
