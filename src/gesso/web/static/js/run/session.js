// The runs of this tab: kept for as long as the tab lives, so that a reload in the middle finds them again.

import { compact } from "./records.js";

/** @typedef {import("./records.js").TaskRecord} TaskRecord @typedef {import("./watch.js").Watch} Watch */
/** @typedef {{picture: Blob, mask: Blob | null}} Inputs as they were sent, while the page that sent them lives */
/** @typedef {{id: string, token: string, at: number, record: TaskRecord | null, watch: Watch | null, inputs: Inputs | null, values: Record<string, any>}} Entry */

const PREFIX = "g:runs:";
/** Set, by the name of the model, while somebody is on the way to the sign-in and back. */
export const RESUME = "g:resume:";
const MOST = 24;

export class Session {
  /** @param {string} model */
  constructor(model) {
    this._key = PREFIX + model;
    /** Newest first. @type {Entry[]} */
    this.entries = this._read();
  }

  /** @param {string} id */
  find(id) {
    return this.entries.find((entry) => entry.id === id) ?? null;
  }

  /** @param {string} id @param {string} token @param {Inputs | null} inputs @returns {Entry} */
  add(id, token, inputs) {
    const known = this.find(id);
    if (known) return known;
    /** @type {Entry} */
    const entry = { id, token, at: Date.now(), record: null, watch: null, inputs, values: {} };
    this.entries.unshift(entry);
    for (const old of this.entries.splice(MOST)) old.watch?.stop();
    this.keep();
    return entry;
  }

  /** @param {Entry} entry */
  remove(entry) {
    entry.watch?.stop();
    this.entries = this.entries.filter((other) => other !== entry);
    this.keep();
  }

  keep() {
    const kept = this.entries.map(({ id, token, at, record }) => ({ id, token, at, record: record && compact(record) }));
    try {
      sessionStorage.setItem(this._key, JSON.stringify(kept));
    } catch {
      // Full: the older half must do.
      sessionStorage.setItem(this._key, JSON.stringify(kept.slice(0, MOST / 4)));
    }
  }

  /** @returns {Entry[]} */
  _read() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this._key) ?? "[]");
      return kept.map((/** @type {any} */ entry) => ({ ...entry, watch: null, inputs: null, values: {} }));
    } catch {
      return [];
    }
  }
}
