// Tasks that have not ended, followed over one socket. What is stored comes again from the server as HTML; this only says when.

import { socketUrl } from "../api.js";

const RETRIES_MS = [500, 1000, 2000, 4000, 8000];
const ENDS = new Set(["task_postprocess_end", "task_cancel"]);

/** @typedef {{ type: string, tasktoken?: string, message?: any }} Frame */
/** @typedef {{ step: number, total: number }} Progress */

/**
 * @typedef {object} Listener
 * @property {(token: string) => void} onStep something is stored that the server tells better
 * @property {(token: string) => void} onEnd
 * @property {(token: string, progress: Progress) => void} onProgress
 * @property {(token: string, source: string) => void} onPreview
 * @property {(isLive: boolean) => void} onChange whether the socket holds
 */

export class Live {
  /** @param {Listener} listener */
  constructor(listener) {
    this._listener = listener;
    /** @type {Set<string>} */
    this._tokens = new Set();
    /** @type {WebSocket | null} */
    this._socket = null;
    this._tries = 0;
  }

  /**
   * Follow these tasks, and no others.
   * @param {string[]} tokens
   */
  follow(tokens) {
    const before = this._tokens;
    this._tokens = new Set(tokens);
    if (!this._tokens.size) {
      this._socket?.close();
      return;
    }
    if (!this._socket) this._open();
    else for (const token of this._tokens) if (!before.has(token)) this._register(token);
  }

  _open() {
    const socket = new WebSocket(socketUrl());
    this._socket = socket;
    socket.addEventListener("open", () => {
      this._tries = 0;
      this._listener.onChange(true);
      for (const token of this._tokens) this._register(token);
    });
    socket.addEventListener("message", (event) => this._hear(event.data));
    socket.addEventListener("close", () => {
      this._socket = null;
      if (!this._tokens.size) return;
      this._listener.onChange(false);
      const wait = RETRIES_MS[Math.min(this._tries++, RETRIES_MS.length - 1)];
      setTimeout(() => {
        if (this._tokens.size && !this._socket) this._open();
      }, wait);
    });
  }

  /** @param {string} token */
  _register(token) {
    if (this._socket?.readyState === WebSocket.OPEN) this._socket.send(JSON.stringify({ type: "task_info", tasktoken: token }));
  }

  /** @param {string} text */
  _hear(text) {
    /** @type {Frame} */
    const frame = JSON.parse(text);
    const token = frame.tasktoken || "";
    if (!this._tokens.has(token)) return;
    const { message } = frame;
    if (ENDS.has(frame.type)) {
      this._tokens.delete(token);
      this._listener.onEnd(token);
    } else if (frame.type === "task_output" && message?.type === "progressGenerate") {
      this._listener.onProgress(token, { step: Number(message.stepCurrent), total: Number(message.stepTotal) });
    } else if (frame.type === "task_preview") {
      this._listener.onPreview(token, `data:image/jpeg;base64,${message.base64}`);
    } else if (frame.type === "task_accept" || frame.type === "task_start" || frame.type === "task_queue") {
      this._listener.onStep(token);
    }
  }
}

/**
 * Show how far a task has come, in a row or a panel.
 * @param {Element} place
 * @param {Progress} progress
 */
export function showProgress(place, { step, total }) {
  if (!(total > 0)) return;
  const bar = place.querySelector("[data-bar]");
  if (bar instanceof HTMLElement) {
    bar.hidden = false;
    const fill = bar.firstElementChild;
    if (fill instanceof HTMLElement) fill.style.transform = `scaleX(${Math.min(1, step / total)})`;
  }
  const words = place.querySelector("[data-step]") || place.querySelector("[data-pill] .pill")?.lastChild;
  if (words) words.textContent = `Running ${step}/${total}`;
}

/** Let what has begun count on: seconds since the order. */
export function tick(within = document.body) {
  for (const time of within.querySelectorAll("[data-since]")) {
    if (!(time instanceof HTMLElement)) continue;
    const seconds = Math.max(0, (Date.now() - Number(time.dataset.since)) / 1000);
    time.textContent = seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  }
}
