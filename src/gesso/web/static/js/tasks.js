// Lists of tasks and the page of one: rows that live, a task beside the list, and what is done to them.

import { part } from "./dom.js";
import { tellTimes } from "./frame.js";
import { sendForm } from "./tasks/actions.js";
import { Live, showProgress, tick } from "./tasks/live.js";
import { compare, copyLink } from "./tasks/panel.js";
import { Peek } from "./tasks/peek.js";
import { Picking } from "./tasks/picking.js";
import { Rows } from "./tasks/rows.js";

const LOOK_MS = 10000;
const TICK_MS = 200;
const STEP_WAIT_MS = 150;
const ZONE_MAX_S = 31536000;

// So that the server's Today is the reader's.
document.cookie = `gesso_zone=${-new Date().getTimezoneOffset()}; path=/; max-age=${ZONE_MAX_S}; samesite=lax`;

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy-link]") : null;
  if (button instanceof HTMLElement) void copyLink(button);
});

const room = document.querySelector("[data-tasks]");
const page = document.querySelector("[data-task-page]");
if (room instanceof HTMLElement && room.querySelector("[data-list]")) live(room);
if (page instanceof HTMLElement) alone(page);
setInterval(tick, TICK_MS);

/** @param {string} text for who does not see the page */
function say(text) {
  const place = document.querySelector("[data-told]");
  if (place) place.textContent = text;
}

/**
 * The page of one task.
 * @param {HTMLElement} article
 */
function alone(article) {
  const body = /** @type {HTMLElement} */ (article.querySelector("[data-body]"));
  void compare(body);
  const renew = async () => {
    const fresh = await part(`/tasks/${article.dataset.panel}/peek`);
    const panel = fresh.querySelector("[data-panel]");
    body.replaceChildren(.../** @type {Element} */ (fresh.querySelector(".body")).children);
    article.querySelector("[data-pill]")?.replaceChildren(.../** @type {Element} */ (fresh.querySelector("[data-pill]")).children);
    article.dataset.state = panel?.getAttribute("data-state") || "";
    void compare(body);
    tellTimes(body);
  };
  // What cannot be fetched now is fetched at the next sign of life.
  const quietly = () => void renew().catch(() => {});
  const socket = new Live({
    onStep: () => quietly(),
    onEnd: () => void renew().then(() => say(`The task has ended: ${article.dataset.state}.`), () => {}),
    onProgress: (_, progress) => showProgress(body, progress),
    onPreview: (_, source) => preview(body, source),
    onChange: (isLive) => isLive && quietly(),
  });
  if (article.dataset.token) socket.follow([article.dataset.token]);
  article.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("[data-stop]")) return;
    event.preventDefault();
    void sendForm(form).then(quietly);
  });
}

/**
 * @param {ParentNode} within
 * @param {string} source
 */
function preview(within, source) {
  const image = within.querySelector("[data-preview]");
  if (!(image instanceof HTMLImageElement)) return;
  image.src = source;
  image.hidden = false;
}

/**
 * A list with its rows and the task beside it.
 * @param {HTMLElement} room
 */
function live(room) {
  const rows = new Rows(room);
  const peek = new Peek(room, rows);
  const picking = new Picking(room, rows);
  let stepping = 0;

  const renew = async () => {
    await rows.renew();
    const shown = peek.panel.querySelector("[data-panel]");
    const row = rows.find(peek.id);
    if (shown && row && shown.getAttribute("data-state") !== row.dataset.state) await peek.open(peek.id, { push: false });
    follow();
  };
  const follow = () => {
    const shown = /** @type {HTMLElement | null} */ (peek.panel.querySelector("[data-token]"));
    socket.follow([...rows.all(), ...(shown ? [shown] : [])].map((one) => one.dataset.token || "").filter(Boolean));
  };
  const quietly = () => void renew().catch(() => {});
  const socket = new Live({
    onStep: () => {
      clearTimeout(stepping);
      stepping = window.setTimeout(quietly, STEP_WAIT_MS);
    },
    onEnd: (token) => {
      const id = rows.all().find((row) => row.dataset.token === token)?.dataset.task;
      void renew()
        .then(() => id && say(`Task ${id}: ${rows.find(id)?.querySelector("[data-pill]")?.textContent || "ended"}`))
        .catch(() => {});
    },
    onProgress: (token, progress) => {
      for (const place of room.querySelectorAll(`[data-token="${token}"]`)) showProgress(place, progress);
    },
    onPreview: (token, source) => {
      const shown = peek.panel.querySelector(`[data-token="${token}"]`);
      if (shown) preview(shown, source);
    },
    onChange: (isLive) => isLive && quietly(),
  });

  follow();
  setInterval(() => document.visibilityState === "visible" && quietly(), LOOK_MS);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && quietly());
  window.addEventListener("popstate", () => void peek.follow().then(follow));
  room.addEventListener("click", (event) => clicked(event, rows, peek, picking, follow));
  room.addEventListener("submit", (event) => submitted(event, renew));
  document.addEventListener("keydown", (event) => pressed(event, rows, peek, picking));
}

/**
 * @param {MouseEvent} event
 * @param {Rows} rows
 * @param {Peek} peek
 * @param {Picking} picking
 * @param {() => void} follow
 */
function clicked(event, rows, peek, picking, follow) {
  const target = event.target instanceof Element ? event.target : null;
  const more = target?.closest("[data-more]");
  if (more instanceof HTMLElement) {
    event.preventDefault();
    if (more.getAttribute("aria-disabled") !== "true") void rows.more(more);
    return;
  }
  if (target?.closest("[data-close]")) {
    event.preventDefault();
    peek.close();
    follow();
    return;
  }
  const row = target?.closest("tr[data-task]");
  if (!(row instanceof HTMLTableRowElement) || target?.closest("button, input, label")) return;
  // A click that asks for a new tab is the browser's.
  if (event.ctrlKey || event.metaKey || event.button) return;
  event.preventDefault();
  if (event.shiftKey) {
    getSelection()?.removeAllRanges();
    picking.extend(row, peek.id);
  } else if (row.dataset.task === peek.id) peek.close();
  else void peek.open(row.dataset.task || "").then(follow);
}

/**
 * @param {SubmitEvent} event
 * @param {() => Promise<void>} renew
 */
function submitted(event, renew) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches("[data-again], [data-stop]")) return;
  event.preventDefault();
  void sendForm(form).then(({ isDone }) => (isDone ? renew() : undefined)).catch(() => {});
}

/**
 * @param {KeyboardEvent} event
 * @param {Rows} rows
 * @param {Peek} peek
 * @param {Picking} picking
 */
function pressed(event, rows, peek, picking) {
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input:not(.pick), textarea, select, dialog, [role=slider], details[open]")) return;
  if (event.key === "/") {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector("[data-search]"))?.focus();
  } else if (event.key === "Escape") {
    if (picking.isOn) picking.clear();
    else if (peek.id) peek.close();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && peek.id) {
    event.preventDefault();
    void peek.move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === " " && target.matches(".title")) {
    const row = target.closest("tr");
    if (row instanceof HTMLTableRowElement) {
      event.preventDefault();
      picking.toggle(row);
    }
  }
}
