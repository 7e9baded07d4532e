/** The panel behind "More": how the mask looks, what else can be done with it, and the way to other pictures. */

import { button, h } from "./dom.js";
import { panel, toggle } from "./popover.js";
import { slider } from "./slider.js";

/** Colours of the mask by name; the values are in stage.css, so that each theme has its own. */
const COLOURS = ["mask", "blue", "green", "yellow", "violet"];
const NAMES = ["Vermilion", "Blue", "Green", "Yellow", "Violet"];

/** @typedef {{download: () => void, upload: () => void, numbers: () => void, choosePicture: () => void}} Actions */

export class More {
  /** @param {import("./desk.js").Desk} desk @param {Actions} actions */
  constructor(desk, actions) {
    this._desk = desk;
    const { settings } = desk;
    this._colours = COLOURS.map((name, i) =>
      h("label", { class: `stage-swatch is-${name}`, title: NAMES[i] }, h("input", { type: "radio", name: "stage-colour", value: name, "aria-label": NAMES[i], onchange: () => settings.set({ colour: name }) })),
    );
    this._opacity = slider("Opacity", { least: 15, most: 95, unit: "%" }, (percent) => settings.set({ opacity: percent / 100 }));
    this._softness = slider("Softness", { least: 0, most: 100, unit: "%" }, (percent) => settings.set({ softness: percent / 100 }));
    this._softness.element.classList.add("stage-if-narrow");
    this._pressure = h("input", { type: "checkbox", role: "switch", onchange: () => settings.set({ pressure: this._pressure.checked }) });
    const close = (/** @type {() => void} */ action) => () => {
      this.element.hidePopover();
      action();
    };
    this._hide = button("eye", "Hide mask", close(() => desk.hideMask(!desk.isMaskHidden)), { key: "M" });
    this._download = button("download", "Download mask", close(actions.download));
    this._edits = [
      button("rectangle", "Mask everything", close(() => desk.fill(255))),
      button("numbers", "Rectangle by numbers", close(actions.numbers)),
      button("upload", "Upload mask", close(actions.upload), { class: "quiet stage-if-narrow" }),
      button("invert", "Invert", close(() => desk.invert()), { class: "quiet stage-if-narrow" }),
      button("trash", "Clear", close(() => desk.fill(0)), { class: "quiet stage-if-narrow" }),
    ];
    this.element = panel(
      "More",
      h("div", { class: "stage-menu" }, ...this._edits, this._download, this._hide, h("hr"), button("picture", "Choose another picture", close(actions.choosePicture)), button("help", "Keys", close(() => desk.help()), { key: "?" })),
      h("hr"),
      this._softness.element,
      h("fieldset", { class: "stage-look" }, h("legend", {}, "Colour of the mask, on screen only"), h("div", { class: "row" }, ...this._colours), this._opacity.element),
      h("label", { class: "switch" }, this._pressure, "Pen pressure sets the size"),
    );
  }

  /** @param {HTMLElement} beside */
  toggle(beside) {
    this.update();
    toggle(this.element, beside);
  }

  update() {
    const { settings, canPaint, isMaskHidden, board } = this._desk;
    COLOURS.forEach((name, i) => {
      const input = this._colours[i].querySelector("input");
      if (input) input.checked = name === settings.colour;
    });
    this._opacity.set(Math.round(settings.opacity * 100));
    this._softness.set(Math.round(settings.softness * 100));
    this._pressure.checked = settings.pressure;
    for (const one of this._edits) one.disabled = !canPaint;
    this._download.disabled = !board.isOpen;
    const word = this._hide.querySelector("span");
    if (word) word.textContent = isMaskHidden ? "Show mask" : "Hide mask";
  }
}
