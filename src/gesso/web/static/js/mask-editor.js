/**
 * `<g-mask-editor>`: a picture and what of it is to be filled. Light DOM; the style is stage.css.
 *
 * Attributes
 *   autosave="KEY"    keeps the last edit under this key in the browser and offers it again; without it nothing is kept
 *   account="ID"      who is signed in: nobody else is offered that edit
 *   multiple="16"     of which the extended sides must be multiples (the model's; 1 if absent)
 *   extend-most="2048" pixels a side
 *   no-extend         the model cannot fill past the edges: the tool is not offered
 *   tool="extend"     which tool is in hand at first
 *   proxy="/x?url="   where the server fetches pictures of other sites; without it no address is asked for
 *   disabled          nothing can be changed; looking, panning and zooming go on
 *
 * Properties and methods
 *   setPicture(source, {name}?)  a File, Blob or address; resolves to whether it was taken (a refusal is shown in the stage)
 *   picture        File or null: as it came, in its own size
 *   pictureFile()  Promise<File>: the picture with the extension's margins round it; the very `picture` without an extension
 *   maskFile({extended = true}?)  Promise<File>: 8-bit grey PNG, 255 = fill. Extended it fits `pictureFile()`; not, it fits `picture`
 *   setMask(file)  reads a mask; resolves to whether it was taken
 *   hasMask, coverage  is there anything to fill, margins included; its share of the whole, 0 to 1
 *   extend         {left, top, right, bottom}: pixels added to each side of `picture`; may be set
 *   size           {width, height} with the extension
 *   multiple, disabled  as the attributes
 *   feather        pixels over which the server will blend the mask's edge: shown as a blur
 *   view           "mask", "compare" or "result"
 *   transform      {scale, tx, ty}: picture pixels to CSS pixels of the stage
 *   setResult({available, fresh})  whether Compare and Result can be chosen; whether the mark "new" is on Compare until it is
 *   touched        whether a person did something in the stage; the page sets it to false when a task is sent
 *   parts          where the page puts its own: {compare, result} move and scale with the picture and have the size of picture plus extension;
 *                  {over} lies over the stage's lower edge; {bar} and {foot} are shown in the views compare and result
 *   toJSON()       what a page may keep: names, sizes, tool, view; no pixels
 *   restore({picture, mask, extend, name})  files or addresses of an earlier task
 *
 * Events, all bubbling
 *   g:picture {width, height, name}   another picture
 *   g:mask {coverage, width, height, extend}  the mask or the extension changed
 *   g:view {view, scale, tx, ty}      another view, or the picture moved
 *   g:run                             Ctrl and Enter, anywhere on the page
 */

import { Autosave } from "./painter/autosave.js";
import { Bar } from "./painter/bar.js";
import { Desk } from "./painter/desk.js";
import { h } from "./painter/dom.js";
import { NONE, isNone } from "./painter/extension.js";
import { Foot } from "./painter/foot.js";
import { Intake } from "./painter/intake.js";
import { Notice } from "./painter/notice.js";
import { Refusal, openPicture } from "./painter/pictures.js";
import { Rail } from "./painter/rail.js";
import { Welcome } from "./painter/welcome.js";

/** @typedef {import("./painter/extension.js").Margins} Margins */
/** @typedef {import("./painter/pictures.js").Picture} Picture */
/** @typedef {import("./painter/panels.js").Panels} Panels */

/** A mask with more white than this may be meant the other way round. */
const MOSTLY_WHITE = 0.6;
let count = 0;

export class MaskEditor extends HTMLElement {
  static observedAttributes = ["disabled", "multiple", "extend-most", "no-extend", "proxy"];

  constructor() {
    super();
    const summaryId = `stage-summary-${++count}`;
    const desk = (this._desk = new Desk(summaryId));
    /** @type {Picture|null} */
    this._picture = null;
    this._result = { hasResult: false, isNew: false };
    this._autosave = new Autosave("", "");
    this._feather = 0;
    this.touched = false;
    this._theme = new MutationObserver(() => this._look());
    this._intake = new Intake(this, {
      picture: (file) => void this.setPicture(file),
      mask: (file) => void this.setMask(file),
      hasPicture: () => desk.board.isOpen,
      canPaint: () => desk.canPaint,
    });
    const upload = () => this._intake.chooseMask();
    const choosePicture = () => this._intake.choosePicture();
    const numbers = (/** @type {HTMLElement} */ beside) => void this._panels().then((panels) => panels.numbers.toggle(beside));
    const more = (/** @type {HTMLElement} */ beside) => void this._panels().then((panels) => panels.more.toggle(beside));
    this._actions = { upload, choosePicture, numbers: () => numbers(this._bar.element), download: () => void this._download() };
    this._bar = new Bar(desk, { upload, numbers, more });
    this._rail = new Rail(desk);
    this._foot = new Foot(desk, summaryId);
    this._notice = new Notice();
    /** @type {Promise<Panels>|null} */
    this._opened = null;
    this._welcome = new Welcome({ choose: choosePicture, address: (url) => void this.setPicture(url), sample: (url, name) => void this.setPicture(url, { name }) });
    this._over = h("div", { class: "stage-over" });
    this.parts = { compare: desk.stage.compare, result: desk.stage.result, over: this._over, bar: this._bar.other, foot: this._foot.other };
    this._listen();
  }

  connectedCallback() {
    const key = this.getAttribute("autosave") ?? "";
    if (this._autosave.key !== key) this._autosave = new Autosave(key, this.getAttribute("account") ?? "");
    const stage = h("div", { class: "stage-ground" }, this._desk.stage.element, this._over, this._welcome.element, this._notice.element, this._intake.element);
    this.replaceChildren(this._bar.element, h("div", { class: "stage-body" }, this._rail.element, stage), this._foot.element);
    this._away = new AbortController();
    const { signal } = this._away;
    document.addEventListener("keydown", (event) => this._runKey(event), { signal });
    document.addEventListener("paste", (event) => this._intake.paste(event), { signal });
    window.addEventListener("blur", () => this._desk.releaseKeys(), { signal });
    this._theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._look(), { signal });
    this._adopt();
    const tool = this.getAttribute("tool");
    if (tool === "extend") this._desk.choose(tool);
    this._look();
    this._update();
    if (!this._picture) void this._offerRestore();
  }

  disconnectedCallback() {
    this._away?.abort();
    this._theme.disconnect();
    void this._autosave.flush();
  }

  attributeChangedCallback() {
    this._adopt();
    this._update();
  }

  /** What the attributes say. */
  _adopt() {
    const number = (/** @type {string} */ name, /** @type {number} */ otherwise) => Math.max(1, Number.parseInt(this.getAttribute(name) ?? "", 10) || otherwise);
    this._desk.board.limits = { multiple: number("multiple", 1), most: number("extend-most", 2048) };
    this._desk.isDisabled = this.disabled;
    this._desk.refresh();
    this._desk.canExtend = !this.hasAttribute("no-extend");
    this._rail.hideExtend(!this._desk.canExtend);
    this._welcome.offerAddress(this.hasAttribute("proxy"));
  }

  /** @param {File|Blob|string} source @param {{name?: string}} [options] @returns {Promise<boolean>} */
  async setPicture(source, { name } = {}) {
    return this._taking(async () => {
      const blob = await this._fetched(source);
      this._open(await openPicture(blob, name ?? (blob instanceof File ? blob.name : "picture")));
    });
  }

  /** @param {File|Blob|string} source @returns {Promise<boolean>} */
  async setMask(source) {
    const { board } = this._desk;
    return this._taking(async () => {
      if (!board.isOpen) throw new Refusal("Choose a picture first; the mask lies over it.");
      const [file, { readMask }] = await Promise.all([this._fetched(source), import("./painter/masks.js")]);
      const { bytes, whiteShare } = await readMask(file, board.size, board.extension);
      board.edit((plane) => plane.replace(bytes));
      this.view = "mask";
      if (whiteShare <= MOSTLY_WHITE) return;
      this._notice.show(`${Math.round(whiteShare * 100)}% of this mask is white, and white is what will be filled.`, [
        ["Invert it", () => board.invert()],
        ["Keep it", () => {}],
      ]);
    });
  }

  get picture() {
    return this._picture?.file ?? null;
  }

  /** @returns {Promise<File>} */
  async pictureFile() {
    if (!this._picture) throw new Refusal("There is no picture yet.");
    if (isNone(this.extend)) return this._picture.file;
    const { extendPicture } = await import("./painter/extended.js");
    return extendPicture(this._picture, this.extend);
  }

  /** @param {{extended?: boolean}} [options] @returns {Promise<File>} */
  async maskFile({ extended = true } = {}) {
    if (!this._picture) throw new Refusal("There is no picture yet.");
    const { writeMask } = await import("./painter/masks.js");
    return writeMask(this._desk.board.plane, extended ? this.extend : NONE, this._picture.file.name);
  }

  get hasMask() {
    return this._desk.board.hasMask;
  }

  get coverage() {
    return this._desk.board.isOpen ? this._desk.board.coverage : 0;
  }

  get size() {
    return this._desk.board.wholeSize;
  }

  get extend() {
    return { ...this._desk.board.extension };
  }

  set extend(margins) {
    this._desk.board.setExtension({ ...NONE, ...margins });
  }

  get multiple() {
    return this._desk.board.limits.multiple;
  }

  set multiple(multiple) {
    this.setAttribute("multiple", String(multiple));
  }

  get disabled() {
    return this.hasAttribute("disabled");
  }

  set disabled(isDisabled) {
    this.toggleAttribute("disabled", isDisabled);
  }

  get feather() {
    return this._feather;
  }

  set feather(pixels) {
    this._feather = pixels;
    this._desk.stage.blur(pixels);
  }

  get view() {
    return this._desk.shown;
  }

  set view(name) {
    this._desk.show(name);
  }

  get transform() {
    const { scale, tx, ty } = this._desk.view;
    return { scale, tx, ty };
  }

  /** @param {{available: boolean, fresh?: boolean}} result */
  setResult({ available, fresh = false }) {
    this._result = { hasResult: available, isNew: fresh };
    if (!available) this.view = "mask";
    this._bar.update(this._result);
  }

  toJSON() {
    const { board, tool } = this._desk;
    return { picture: this._picture && { name: this._picture.file.name, ...board.size }, extend: this.extend, coverage: this.coverage, tool: tool.name, view: this.view };
  }

  /** @param {{picture: File|Blob|string, mask?: File|Blob|string|null, extend?: Partial<Margins>, name?: string}} edit @returns {Promise<boolean>} */
  async restore({ picture, mask, extend, name }) {
    if (!(await this.setPicture(picture, { name }))) return false;
    if (extend && !isNone({ ...NONE, ...extend })) this.extend = { ...NONE, ...extend };
    return mask ? this.setMask(mask) : true;
  }

  _listen() {
    const desk = this._desk;
    desk.board.addEventListener("change", () => this._changed());
    desk.board.addEventListener("extend", () => this._foot.update());
    desk.settings.addEventListener("change", () => {
      this._bar.update();
      this._look();
    });
    desk.addEventListener("tool", () => {
      this._bar.chosen();
      this._update();
    });
    desk.addEventListener("view", () => this._viewed());
    desk.addEventListener("hide", () => this._update());
    desk.addEventListener("help", () => void this._panels().then((panels) => panels.help.open || panels.help.showModal()));
    desk.addEventListener("touch", () => {
      this.touched = true;
    });
    this.addEventListener("keydown", (event) => desk.keyDown(event));
    this.addEventListener("keyup", (event) => desk.keyUp(event));
  }

  /** @param {Picture} picture */
  _open(picture) {
    if (this._picture) URL.revokeObjectURL(this._picture.image.src);
    this._picture = picture;
    this._notice.hide();
    this._result = { hasResult: false, isNew: false };
    this._desk.open(picture);
    this.style.setProperty("--picture-ratio", String(picture.width / picture.height));
    this._update();
    this._tell("g:picture", { width: picture.width, height: picture.height, name: picture.file.name });
  }

  _changed() {
    this._update();
    if (!this._picture) return;
    const { board } = this._desk;
    this._tell("g:mask", { coverage: board.coverage, ...board.wholeSize, extend: this.extend });
    this._autosave.later(() => this._edit());
  }

  _viewed() {
    if (this.dataset.view !== this.view) {
      if (this.view !== "mask") this._result.isNew = false;
      this._update();
    }
    this._foot.zoomed();
    this._tell("g:view", { view: this.view, ...this.transform });
  }

  _update() {
    const { board, shown, isMaskHidden } = this._desk;
    this.dataset.view = shown;
    this.toggleAttribute("data-empty", !board.isOpen);
    this.toggleAttribute("data-mask-hidden", isMaskHidden);
    this._welcome.element.hidden = board.isOpen;
    this._rail.update();
    this._bar.update(this._result);
    this._foot.update();
  }

  /** The colour of the mask is a token of the theme, so it is asked for again when either changes. */
  _look() {
    const { colour, opacity } = this._desk.settings;
    const { stage } = this._desk;
    stage.element.dataset.colour = colour;
    stage.hatching.look(getComputedStyle(stage.element).getPropertyValue("--mask-colour").trim(), opacity);
    stage.draw();
  }

  /** @param {KeyboardEvent} event */
  _runKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
    event.preventDefault();
    this._tell("g:run", {});
  }

  /** What few people open is fetched when it is first asked for. @returns {Promise<Panels>} */
  _panels() {
    this._opened ??= import("./painter/panels.js").then(({ makePanels }) => makePanels(this._desk, this._actions));
    return this._opened.then((panels) => {
      if (!panels.help.isConnected) this.append(panels.more.element, panels.numbers.element, panels.help);
      return panels;
    });
  }

  async _download() {
    const mask = await this.maskFile();
    const link = h("a", { href: URL.createObjectURL(mask), download: mask.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  /** @returns {import("./painter/autosave.js").Edit} */
  _edit() {
    const { file, width, height } = /** @type {Picture} */ (this._picture);
    return { picture: file, name: file.name, width, height, mask: this._desk.board.plane.data, extension: this.extend, at: Date.now() };
  }

  async _offerRestore() {
    const edit = await this._autosave.load();
    if (!edit || this._picture) return;
    const text = `${edit.name}, ${edit.width} × ${edit.height}, ${new Date(edit.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`;
    this._welcome.offerRestore(text, () => void this._restore(edit), () => void this._autosave.forget());
  }

  /** @param {import("./painter/autosave.js").Edit} edit */
  async _restore(edit) {
    const { board } = this._desk;
    if (!(await this.setPicture(edit.picture, { name: edit.name })) || edit.mask.length !== board.plane.data.length) return;
    board.setExtension(edit.extension);
    board.edit((plane) => plane.replace(edit.mask));
    this._desk.stage.element.focus();
  }

  /** @param {File|Blob|string} source */
  async _fetched(source) {
    if (typeof source !== "string") return source;
    const { fetchPicture } = await import("./painter/addresses.js");
    return fetchPicture(source, this.getAttribute("proxy"));
  }

  /** @param {() => Promise<void>} take @returns {Promise<boolean>} */
  async _taking(take) {
    try {
      await take();
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._notice.show(error.message);
      return false;
    }
  }

  /** @param {string} type @param {object} detail */
  _tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }
}

customElements.define("g-mask-editor", MaskEditor);
