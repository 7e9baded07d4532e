// One task, followed to its end: over the socket while it holds, by asking every two seconds while it does not.
//
// Tells `change` (anything), `step` (a step of the model), `preview` and `end` (with `record` set). Unknown frames are ignored.

import { Refused, call, socketUrl } from "../api.js";
import { Line } from "./line.js";
import { PHASES, STEPS, isOver, phaseOf } from "./records.js";

/** @typedef {import("./records.js").Phase} Phase @typedef {import("./records.js").TaskRecord} TaskRecord */

const RETRIES_MS = [500, 1000, 2000, 4000, 8000];
const POLL_MS = 2000;
const OFF_AFTER_MS = 30000;
/** A socket that is open and says nothing for so long may be one that nobody serves. */
const SILENT_MS = 5000;
/** Before so many steps nobody can tell how long the rest takes. */
const STEPS_UNTOLD = 2;
const LINES_KEPT = 400;

export class Watch extends EventTarget {
  /** @param {{id: string, token: string}} task */
  constructor({ id, token }) {
    super();
    this.id = id;
    this.token = token;
    /** @type {Phase} */
    this.phase = "queued";
    /** Place in line, 1 for the next one; 0 while it is not known. */
    this.place = 0;
    this._queue = new Line(id, (place) => this._stand(place));
    this._queue.wait();
    /** Whether a worker has the model in hand: until then the fourth step waits for it. */
    this.hasStarted = false;
    this.step = 0;
    this.total = 0;
    /** Milliseconds that each step of the list took, as seen here. @type {Partial<Record<Phase, number>>} */
    this.spent = {};
    this.since = performance.now();
    /** What an attempt was lost by, if one was. */
    this.loss = "";
    /** @type {string[]} */
    this.lines = [];
    /** @type {Blob|null} */
    this.preview = null;
    /** @type {TaskRecord|null} */
    this.record = null;
    /** Whether nothing has come by itself for long. */
    this.isOff = false;
    /** Whether the sign-in has ended, so that asking is refused. */
    this.isSignedOut = false;
    this._seq = 0;
    /** @type {number[]} */
    this._stepTimes = [];
    this._stepAt = 0;
    this._tries = 0;
    this._isDone = false;
    this._isToldEnd = false;
    this._poll = 0;
    this._retry = 0;
    this._off = 0;
    this._heardAt = performance.now();
    this._silence = window.setInterval(() => this._listenAgain(), SILENT_MS);
    /** @type {WebSocket|null} */
    this._socket = null;
    this._connect();
  }

  get isOver() {
    return isOver(this.phase);
  }

  /** Milliseconds until the model is through, by its median step; null while nobody can tell. */
  get leftMs() {
    if (this.phase !== "running" || this.step < STEPS_UNTOLD || this._stepTimes.length < STEPS_UNTOLD || this.total <= this.step) return null;
    const sorted = [...this._stepTimes].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] * (this.total - this.step);
  }

  /** Withdraw it while it waits. @returns {Promise<string>} what happened, when it was something else; empty when it is cancelled */
  cancel() {
    return this._ask("/Task/Cancel", "It had started meanwhile, so it was not cancelled. Kill stops a run.");
  }

  /** Stop it while it runs. @returns {Promise<string>} as `cancel` */
  kill() {
    return this._ask("/Task/Kill", "It had ended before it could be killed.");
  }

  /** Follow it no longer; the task itself goes on. */
  stop() {
    this._isDone = true;
    clearTimeout(this._poll);
    clearTimeout(this._retry);
    clearTimeout(this._off);
    clearInterval(this._silence);
    this._queue.leave();
    this._socket?.close();
  }

  /** @param {string} path @param {string} otherwise */
  async _ask(path, otherwise) {
    try {
      const answer = await call(path, { tasktoken: this.token });
      this._learn(answer.tasklist[0]);
      return "";
    } catch (refusal) {
      await this._look();
      if (this.phase === "cancelled") return "";
      return refusal instanceof Refused && refusal.status === 200 ? otherwise : String(refusal instanceof Error ? refusal.message : refusal);
    }
  }

  _connect() {
    const socket = (this._socket = new WebSocket(socketUrl()));
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ type: "task_info", tasktoken: this.token, since: this._seq }));
      clearTimeout(this._poll);
      // What happened before the server knew of this listener is in the record, whatever the socket tells.
      void this._look();
    });
    socket.addEventListener("message", (event) => {
      this._tries = 0;
      this._heardAt = performance.now();
      this._on();
      this._hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => this._cut());
  }

  /** The socket is gone: ask instead, and try to have it back. */
  _cut() {
    if (this._isDone) return;
    this._retry = window.setTimeout(() => this._connect(), RETRIES_MS[Math.min(this._tries++, RETRIES_MS.length - 1)]);
    this._off ||= window.setTimeout(() => {
      this.isOff = true;
      this._tell("change");
    }, OFF_AFTER_MS);
    clearTimeout(this._poll);
    this._poll = window.setTimeout(() => this._pollAgain(), POLL_MS);
  }

  _on() {
    clearTimeout(this._off);
    this._off = 0;
    if (this.isOff) {
      this.isOff = false;
      this._tell("change");
    }
  }

  async _pollAgain() {
    await this._look();
    if (this._isDone || (this._socket?.readyState === WebSocket.OPEN && !this._isToldEnd)) return;
    this._poll = window.setTimeout(() => this._pollAgain(), POLL_MS);
  }

  _listenAgain() {
    if (this._socket?.readyState === WebSocket.OPEN && performance.now() - this._heardAt > SILENT_MS) void this._look();
  }

  /** Ask for the record. */
  async _look() {
    try {
      const answer = await call("/Task/Detail", { tasktoken: this.token });
      this.isSignedOut = false;
      if (answer.tasklist[0]) this._learn(answer.tasklist[0]);
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      if (refusal.isSignedOut !== this.isSignedOut) {
        this.isSignedOut = refusal.isSignedOut;
        this._tell("change");
      }
      // It does not exist, or no longer: nobody will ever tell its end.
      if (refusal.status === 200) this._lose();
    }
  }

  _lose() {
    if (this._isDone) return;
    this.phase = "failed";
    this.stop();
    this._tell("end");
  }

  /** @param {TaskRecord} record */
  _learn(record) {
    if (this._isDone) return;
    const phase = phaseOf(record);
    if (isOver(phase)) {
      this.record = record;
      this._enter(phase);
      this.stop();
      this._tell("end");
    } else if (STEPS.indexOf(phase) > STEPS.indexOf(this.phase)) this._enter(phase);
    if (record.status === "task_start") this.hasStarted = true;
  }

  /** @param {any} frame */
  _hear(frame) {
    if (this._isDone || frame.tasktoken !== this.token) return;
    if (typeof frame.seq === "number") this._seq = frame.seq;
    if (frame.terminal) {
      // The record has the times and the cost as well.
      this._isToldEnd = true;
      void this._pollAgain();
      return;
    }
    const phase = PHASES[frame.type];
    if (frame.type === "task_start") this.hasStarted = true;
    if (phase === "queued" && this.phase !== "queued") this._begin();
    if (phase && !isOver(phase)) this._enter(phase);
    else if (frame.type === "task_output" && frame.message?.type === "progressGenerate") this._progress(frame.message);
    else if (frame.type === "task_output" || frame.type === "task_error") this._line(frame);
    else if (frame.type === "task_preview") this._see(frame.message);
  }

  /** Another attempt: all steps again. */
  _begin() {
    this.spent = {};
    this.step = this.total = 0;
    this.hasStarted = false;
    this._stepTimes = [];
  }

  /** @param {number} place */
  _stand(place) {
    if (place === this.place) return;
    this.place = place;
    this._tell("change");
  }

  /** @param {Phase} phase */
  _enter(phase) {
    if (phase !== this.phase) {
      this.place = 0;
      if (phase === "queued") this._queue.wait();
      else this._queue.leave();
      const now = performance.now();
      this.spent[this.phase] = now - this.since;
      this.since = now;
      this.phase = phase;
      this._stepAt = now;
    }
    this._tell("change");
  }

  /** @param {{stepCurrent: string, stepTotal: string}} progress */
  _progress({ stepCurrent, stepTotal }) {
    const now = performance.now();
    const step = Number(stepCurrent);
    if (step > this.step && this.step > 0) this._stepTimes.push((now - this._stepAt) / (step - this.step));
    this._stepAt = now;
    this.step = step;
    this.total = Number(stepTotal);
    this.hasStarted = true;
    this._tell("step");
  }

  /** @param {{type: string, message: any}} frame */
  _line({ type, message }) {
    if (typeof message !== "string") return;
    if (type === "task_error" && this.phase !== "running") this.loss = message;
    this.lines.push(message);
    if (this.lines.length > LINES_KEPT) this.lines.shift();
    this._tell("change");
  }

  /** @param {{contenttype: string, base64: string}} message */
  _see({ contenttype, base64 }) {
    if (!/^image\/(jpeg|png|webp)$/.test(contenttype)) return;
    this.preview = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: contenttype });
    this._tell("preview");
  }

  /** @param {string} type */
  _tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
