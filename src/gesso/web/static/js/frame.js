// What every page does: menus that close, copying, the theme without a new page, moments as people say them, Ctrl K.

import { toast } from "./toasts.js";

const THEME_MAX_S = 31536000;

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.removeAttribute("open");
  }
  const button = target?.closest("[data-copy], [data-copy-from]");
  if (button instanceof HTMLElement) copy(button);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.querySelector("details[data-menu][open]");
    menu?.removeAttribute("open");
    menu?.querySelector("summary")?.focus();
  }
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    const find = document.querySelector("[data-find]");
    if (find instanceof HTMLElement && find.offsetParent) find.focus();
    else location.href = "/search";
  }
});

document.querySelector("[data-theme-form]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const root = document.documentElement;
  const chosen = root.dataset.theme;
  const isDark = chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = isDark ? "light" : "dark";
  document.cookie = `gesso_theme=${root.dataset.theme}; path=/; max-age=${THEME_MAX_S}; samesite=lax`;
});

/** @param {HTMLElement} button */
async function copy(button) {
  const { copy: text, copyFrom: url, copied = "Copied" } = button.dataset;
  try {
    // Safari lets a page write only what it was promised at the click.
    const content = url ? fetch(url).then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error("no text")))) : Promise.resolve(text ?? "");
    await navigator.clipboard.writeText(await content);
    toast(copied);
  } catch {
    toast("The clipboard cannot be reached: select the text and copy it by hand.", "failed");
  }
}

const STEPS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
]);
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Write how long ago each `<time data-ago>` was, the exact moment staying as its title. */
export function tellTimes(within = document.body) {
  for (const time of within.querySelectorAll("time[data-ago]")) {
    if (!(time instanceof HTMLTimeElement)) continue;
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (!time.title) time.title = time.textContent || "";
    const step = STEPS.find(([, length]) => seconds >= length);
    if (seconds > 30 * 86400) continue;
    time.textContent = step ? words.format(-Math.floor(seconds / step[1]), step[0]) : "just now";
  }
}

tellTimes();
setInterval(tellTimes, 30000);
