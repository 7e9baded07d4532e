// Forms of tasks, sent without leaving the page.

import { toast } from "../toasts.js";

/**
 * Send a form, and say what the server says.
 * @param {HTMLFormElement} form
 * @returns {Promise<{ isDone: boolean, task: string }>}
 */
export async function sendForm(form) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) fields.append(name, String(value));
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { "x-part": "1" } });
    if (answer.redirected) {
      // The sign-in has ended: the page would only pretend.
      location.assign(answer.url);
      return { isDone: false, task: "" };
    }
    const isText = (answer.headers.get("content-type") || "").startsWith("text/plain");
    const text = isText ? await answer.text() : `The server answered ${answer.status}.`;
    toast(text, answer.ok ? "ok" : "failed");
    return { isDone: answer.ok, task: answer.headers.get("x-task") || "" };
  } catch {
    toast("The server cannot be reached.", "failed");
    return { isDone: false, task: "" };
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}
