/** One message over the stage: what went wrong, or a question with its answers. A new one takes the place of the old. */

import { button, h } from "./dom.js";

export class Notice {
  constructor() {
    this._text = h("p", {});
    this._answers = h("span", { class: "row" });
    this._close = button("close", "Dismiss", () => this.hide(), { quiet: true });
    this.element = h("div", { class: "stage-notice", role: "alert", hidden: true }, this._text, this._answers, this._close);
  }

  /** @param {string} text @param {[string, () => void][]} [answers] each closes it */
  show(text, answers = []) {
    this._text.textContent = text;
    this._answers.replaceChildren(
      ...answers.map(([label, action], i) =>
        h("button", { type: "button", class: `button small ${i ? "" : "primary"}`, onclick: () => {
          this.hide();
          action();
        } }, label),
      ),
    );
    this.element.hidden = false;
  }

  hide() {
    this.element.hidden = true;
  }
}
