// The record of a task, as the API gives it, in the words of these pages.

import { here } from "../api.js";

/**
 * @typedef {{ id: string, socketaccesstoken: string, status: string, pexit: string, parameters: Record<string, any>, outputs: Output[],
 *   elapsedseconds: string, totalcost: string, debugoutput: string, debugerror: string, createtime: string, accepttime: string,
 *   preprocessstarttime: string, preprocessendtime: string, starttime: string, endtime: string, postprocessendtime: string }} TaskRecord
 * @typedef {{ name: string, url: string, contenttype: string, size: string }} Output
 * @typedef {"queued" | "accepted" | "reading" | "running" | "saving" | "succeeded" | "failed" | "cancelled"} Phase
 */

/** What each status means for who waits; the steps that a page shows are the first five. @type {Record<string, Phase>} */
export const PHASES = {
  task_queue: "queued",
  task_accept: "accepted",
  task_preprocess_start: "reading",
  task_preprocess_end: "running",
  task_assign: "running",
  task_start: "running",
  task_end: "saving",
  task_postprocess_start: "saving",
  task_postprocess_end: "succeeded",
  task_cancel: "cancelled",
};

/** @type {Phase[]} */
export const STEPS = ["queued", "accepted", "reading", "running", "saving"];

/** @param {TaskRecord} record @returns {Phase} */
export function phaseOf(record) {
  const phase = PHASES[record.status] ?? "queued";
  return phase === "succeeded" && record.pexit !== "0" ? "failed" : phase;
}

/** @param {Phase} phase */
export function isOver(phase) {
  return !STEPS.includes(phase);
}

/** The addresses of the files that a parameter had, on this server. @param {TaskRecord} record @param {string} name @returns {string[]} */
export function inputsOf(record, name) {
  const given = record.parameters[name];
  return (Array.isArray(given) ? given : given ? [given] : []).filter((one) => typeof one === "string").map(here);
}

/** @param {TaskRecord} record @returns {Output[]} */
export function outputsOf(record) {
  return record.outputs.map((output) => ({ ...output, url: here(output.url) }));
}

/** @param {Output} output */
export function isPicture(output) {
  return /^image\/(png|jpeg|webp|gif|avif|bmp)/.test(output.contenttype);
}

/** The last line of what went wrong: what the model, or the server, says. @param {TaskRecord} record */
export function reasonOf(record) {
  return record.debugerror.trim().split("\n").pop() || "The run failed and did not say why.";
}

/** A copy that is small enough to be kept by the tab. @param {TaskRecord} record @returns {TaskRecord} */
export function compact(record) {
  const { id, socketaccesstoken, status, pexit, parameters, outputs, elapsedseconds, totalcost, createtime, accepttime } = record;
  const { preprocessstarttime, preprocessendtime, starttime, endtime, postprocessendtime } = record;
  const times = { createtime, accepttime, preprocessstarttime, preprocessendtime, starttime, endtime, postprocessendtime };
  const made = outputs.map(({ name, url, contenttype, size }) => ({ name, url, contenttype, size }));
  const logs = { debugoutput: record.debugoutput.slice(-8000), debugerror: record.debugerror.slice(-4000) };
  return { id, socketaccesstoken, status, pexit, parameters, outputs: made, elapsedseconds, totalcost, ...times, ...logs };
}
