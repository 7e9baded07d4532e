// What a run is called while it goes on and after, and what to do when it does not go well.

import { Refused } from "../api.js";
import { isPicture, outputsOf, phaseOf, reasonOf } from "./records.js";

/** @typedef {import("./watch.js").Watch} Watch @typedef {import("./records.js").TaskRecord} TaskRecord */
/** @typedef {{text: string, advice?: string, href?: string, action?: string}} Trouble */

const MINUTE_MS = 60000;

/** @param {number} ms */
export function duration(ms) {
  if (ms < 995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / MINUTE_MS)} min ${String(Math.floor((ms % MINUTE_MS) / 1000)).padStart(2, "0")} s`;
}

/** Where the run is, in a word or two. @param {Watch} watch */
export function stateWord(watch) {
  if (watch.phase === "running" && !watch.hasStarted) return "Waiting for the model";
  if (watch.phase === "queued" && watch.place) return `Queued (place ${watch.place})`;
  return { queued: "Queued", accepted: "Accepted", reading: "Reading inputs", running: "Running", saving: "Saving", succeeded: "Done", failed: "Failed", cancelled: "Cancelled" }[watch.phase];
}

/** For the title of the page: 14/25, or a word. @param {Watch} watch */
export function titleWord(watch) {
  return watch.phase === "running" && watch.total > 1 ? `${watch.step}/${watch.total}` : stateWord(watch);
}

/** A run that failed: why, and what may help. @param {TaskRecord|null} record @returns {Trouble} */
export function failure(record) {
  if (!record) return { text: "The run is no longer known to the server.", advice: "Run again: the form is as you left it." };
  const text = reasonOf(record);
  if (/memory/i.test(text)) return { text, advice: "Try a smaller picture or size, or fewer samples." };
  if (/mask/i.test(text)) return { text, advice: "Look at the mask, then run again." };
  return { text, advice: "Nothing was charged." };
}

/** A run that was refused. @param {unknown} refusal @returns {Trouble} */
export function refusalWords(refusal) {
  if (!(refusal instanceof Refused)) return { text: refusal instanceof Error ? refusal.message : String(refusal) };
  const code = refusal.errors[0]?.code;
  if (refusal.status === 0) return { text: "The server cannot be reached.", advice: "The form is kept. Pressing Run again sends the same run once." };
  if (refusal.status === 503) return { text: refusal.message, advice: "The form is kept: run again in a moment." };
  if (code === 97) return { text: refusal.message, href: "/billing", action: "Look at the billing" };
  if (code === 96) return { text: refusal.message, href: "/tasks?tab=running", action: "Look at what is running" };
  const [, told] = refusal.message.split("tool-not-accessible: ");
  return { text: told ?? refusal.message };
}

/** The parameter that a refusal names, if it names one. @param {unknown} refusal */
export function refusedName(refusal) {
  const found = refusal instanceof Refused ? refusal.message.match(/Request (?:parameter|files) \[([^\]]+)\]\s*(.*)/) : null;
  return found ? { name: found[1], text: sentence(found[2]) } : null;
}

/** @param {string} words of the wire, after the name */
function sentence(words) {
  if (words === "required") return "This is needed.";
  const reason = words.replace(/^cannot be used: /, "").replace(/^must be/, "It must be");
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${/[.!?]$/.test(reason) ? "" : "."}`;
}

/** What came out of it, for who cannot see it. @param {TaskRecord} record */
export function resultWords(record) {
  const phase = phaseOf(record);
  if (phase !== "succeeded") return phase === "cancelled" ? "The run was cancelled." : "The run failed.";
  const outputs = outputsOf(record);
  const pictures = outputs.filter(isPicture).length;
  if (!outputs.length) return "Done. It made no files.";
  if (pictures === outputs.length) return pictures === 1 ? "Done: one picture." : `Done: ${pictures} pictures.`;
  return `Done: ${outputs.length} ${outputs.length === 1 ? "file" : "files"}.`;
}
