// Code in the language that the reader chose, with the values of their form on the Run tab, and a button to copy each piece.

import { icon, make, part } from "./dom.js";
import { toast } from "./toasts.js";

class CodeSamples extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.#click(event));
    const form = document.querySelector("form[data-samples-form]");
    if (form instanceof HTMLFormElement) this.#choose(form);
    this.#dress();
    if (!this.#hasValues()) this.#fill();
  }

  /**
   * A choice counts at once, so the button that is there without a script goes.
   * @param {HTMLFormElement} form
   */
  #choose(form) {
    form.querySelector("button")?.remove();
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => {
      const query = this.#query();
      for (const select of form.querySelectorAll("select")) query.set(select.name, select.value);
      query.delete("reveal");
      this.#show(query);
    });
  }

  /** Whether the address names values itself; they come before those of the form. */
  #hasValues() {
    const own = new Set(["lang", "project", "auth", "reveal"]);
    return [...new URLSearchParams(location.search).keys()].some((name) => !own.has(name));
  }

  /** Take over what the form of the Run tab holds. */
  #fill() {
    const query = this.#query();
    const names = [...query.keys()].length;
    for (const [name, value] of Object.entries(this.#form())) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== null && one !== undefined && one !== "") query.append(name, String(one));
      }
    }
    if ([...query.keys()].length > names) this.#show(query, false);
  }

  /** @returns {Record<string, unknown>} */
  #form() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(`g:form:${this.dataset.form}`) || "{}");
      return kept && typeof kept === "object" ? kept : {};
    } catch {
      return {};
    }
  }

  /** What the code on show was asked for with. */
  #query() {
    return new URLSearchParams(this.querySelector("[data-query][aria-current]")?.getAttribute("data-query") || "");
  }

  /** @param {Event} event */
  #click(event) {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a[data-query]");
    const copying = target?.closest("button[data-copy-code]");
    if (copying) {
      this.#copy(copying);
    } else if (link && event instanceof MouseEvent && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.#show(new URLSearchParams(link.getAttribute("data-query") || ""), true, link.textContent || "");
    }
  }

  /**
   * @param {URLSearchParams} query
   * @param {boolean} [isChoice] whether the address should say so
   * @param {string} [focus] the words of the link to come back to
   */
  async #show(query, isChoice = true, focus = "") {
    const before = this.querySelector(".samples");
    before?.setAttribute("aria-busy", "true");
    try {
      const fresh = (await part(`${this.dataset.src}?${query}`)).querySelector(".samples");
      if (!fresh) throw new Error("no samples");
      const open = this.#open();
      before?.replaceWith(fresh);
      this.#dress();
      this.#open(open);
      query.delete("reveal");
      if (isChoice) history.replaceState(null, "", `${this.dataset.page}?${query}${location.hash}`);
      const links = [...this.querySelectorAll("a[data-query]")];
      const again = links.find((link) => link.textContent === focus) ?? (focus ? this.querySelector(".samples-key a") : null);
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    } catch {
      before?.removeAttribute("aria-busy");
      toast("The code could not be fetched. It may be that a value is too long to be shown here.", "failed");
    }
  }

  /**
   * Which answers are unfolded; with `ids`, unfold these.
   * @param {string[]} [ids]
   */
  #open(ids) {
    const answers = [...this.querySelectorAll("details.sample-answer")];
    const name = (/** @type {Element} */ answer) => answer.closest("section")?.getAttribute("aria-labelledby") || "";
    for (const answer of ids ? answers : []) answer.toggleAttribute("open", ids?.includes(name(answer)));
    return answers.filter((answer) => answer.hasAttribute("open")).map(name);
  }

  /** Give each piece its button. */
  #dress() {
    for (const code of this.querySelectorAll(".sample-code")) {
      const what = code.querySelector("pre")?.getAttribute("aria-label") || "";
      code.append(make("button", { class: "button small", type: "button", "data-copy-code": true, "aria-label": `Copy ${what}` }, icon("copy", "tiny"), "Copy"));
    }
  }

  /** @param {Element} button */
  async #copy(button) {
    const code = button.parentElement?.querySelector("code");
    if (!code) return;
    try {
      await navigator.clipboard.writeText(code.textContent || "");
      toast("Copied");
    } catch {
      getSelection()?.selectAllChildren(code);
      toast("The clipboard cannot be reached. The code is selected: copy it by hand.", "failed");
    }
  }
}

customElements.define("g-code-samples", CodeSamples);
