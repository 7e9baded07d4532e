// How a page goes on from before: after a reload, from an earlier task, from values in the address, or back from the sign-in.

import { call } from "../api.js";
import { toast } from "../toasts.js";
import { openQuery, openStage, openTask, taskNamed } from "./opening.js";
import { isOver, phaseOf } from "./records.js";
import { RESUME } from "./session.js";
import { pack, unpack } from "./trip.js";
import { refusalWords } from "./words.js";

/** @typedef {import("../run.js").RunTab} RunTab @typedef {import("./session.js").Entry} Entry */

/** @param {RunTab} tab @param {Entry | null} going a run that this tab left behind */
export async function begin(tab, going) {
  const query = new URLSearchParams(location.search);
  // After a reload what is kept is newer than the address.
  const isReload = performance.getEntriesByType("navigation").some((entry) => /** @type {PerformanceNavigationTiming} */ (entry).type === "reload");
  if (!isReload) await openQuery(query, tab.form, tab.editor, tab.page);
  const task = query.get("task");
  if (sessionStorage.getItem(RESUME + tab.page.name)) await resume(tab);
  else if (task && tab.page.isSignedIn) await openNamed(tab, task);
  else if (going) await pickUp(tab, going);
  else tab.showLast();
}

/** To the sign-in, with everything packed for the way back. @param {RunTab} tab */
export async function leave({ form, editor, page }) {
  const files = Object.fromEntries([...form.files].map(([name, field]) => [name, field.files]));
  const urls = Object.fromEntries([...form.files].map(([name, field]) => [name, field.url]));
  const mask = editor?.hasMask ? await editor.maskFile({ extended: false }) : null;
  const extend = editor?.extend ?? { left: 0, top: 0, right: 0, bottom: 0 };
  form.keep();
  await pack(page.name, { values: form.values(), files, urls, picture: editor?.picture ?? null, mask, extend, at: Date.now() });
  sessionStorage.setItem(RESUME + page.name, "1");
  location.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** @param {RunTab} tab */
async function resume(tab) {
  sessionStorage.removeItem(RESUME + tab.page.name);
  const luggage = await unpack(tab.page.name);
  if (!luggage) return;
  tab.form.fill(luggage.values);
  for (const [name, field] of tab.form.files) {
    field.set(luggage.files[name] ?? []);
    field.url = luggage.urls[name] ?? "";
  }
  const { picture, mask, extend } = luggage;
  if (picture && tab.editor) await tab.editor.restore({ picture, mask, extend, name: picture.name });
  if (tab.page.isSignedIn) toast("You are signed in, and everything is as you left it.");
}

/** @param {RunTab} tab @param {Entry} entry */
async function pickUp(tab, entry) {
  // It may have ended while this module was on its way.
  if (!entry.watch) return tab.showLast();
  tab.follow(entry);
  const answer = await call("/Task/Detail", { tasktoken: entry.token }).catch(() => null);
  const record = answer?.tasklist[0];
  if (!record) return;
  if (tab.editor && !tab.editor.picture) await openStage(record, tab.editor, tab.page);
  if (tab.editor?.picture) entry.inputs = { picture: tab.editor.picture, mask: tab.editor.hasMask ? await tab.editor.maskFile({ extended: false }) : null };
  entry.values = record.parameters;
  if (tab.current === entry) tab.progress.follow(entry.watch, tab.pairs(record.parameters));
  // It may have ended while its picture was on its way.
  if (entry.record && tab.current === null) tab.show(entry, 0, !tab.editor?.touched);
}

/** The task that the address names, which then names it no longer: a reload is about what came after. @param {RunTab} tab @param {string} id */
async function openNamed(tab, id) {
  const url = new URL(location.href);
  url.searchParams.delete("task");
  history.replaceState(null, "", url);
  try {
    const record = await taskNamed(id, tab.page.page);
    const gone = await openTask(record, tab.form, tab.editor, tab.page);
    const entry = tab.session.add(record.id, record.socketaccesstoken, null);
    if (isOver(phaseOf(record))) entry.record = record;
    else tab.watch(entry);
    tab.session.keep();
    if (phaseOf(record) === "succeeded" && (!tab.editor || tab.editor.picture)) tab.show(entry, 0, false);
    tab.list();
    if (gone.length) tab.tell({ text: gone.join(" ") });
  } catch (refusal) {
    const words = refusalWords(refusal).text;
    tab.tell({ text: /no task/i.test(words) ? `Task ${id} is not in this project, or was never there.` : words });
  }
}
