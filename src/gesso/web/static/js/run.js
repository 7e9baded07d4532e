// The Run tab: the stage or the outputs, the form, the run that goes on, and what this session made, put together.

import { Refused, send } from "./api.js";
import { data, make, one } from "./dom.js";
import { tellProblem } from "./param-form.js";
import { toast } from "./toasts.js";
import { LiveBar } from "./task-progress.js";
import { Gallery } from "./gallery.js";
import { resultDeeds } from "./run/deeds.js";
import { extensionOf, missing, newKey, orderOf } from "./run/order.js";
import { phaseOf } from "./run/records.js";
import { RESUME, Session } from "./run/session.js";
import { Watch } from "./run/watch.js";
import { duration, failure, refusalWords, refusedName, stateWord, titleWord } from "./run/words.js";

/** @typedef {import("./run/session.js").Entry} Entry @typedef {import("./run/order.js").Order} Order @typedef {import("./run/words.js").Trouble} Trouble */
/** @typedef {import("./mask-editor.js").MaskEditor} MaskEditor @typedef {import("./param-form.js").ParamForm} ParamForm */
/** @typedef {import("./run/stage-view.js").StageView} StageView @typedef {import("./run/plain-view.js").PlainView} PlainView */

export class RunTab {
  constructor() {
    this.page = data("run-data");
    this.form = /** @type {ParamForm} */ (one("g-param-form"));
    this.editor = /** @type {MaskEditor | null} */ (document.querySelector("g-mask-editor"));
    this.session = new Session(this.page.name);
    this.progress = /** @type {any} */ (one("g-task-progress"));
    this._gallery = /** @type {Gallery} */ (one("g-gallery"));
    this._button = /** @type {HTMLButtonElement} */ (one("[data-run]"));
    this._live = new LiveBar((watch) => void this._stop(watch));
    this._title = document.title;
    this._isSending = false;
    /** An order of which nobody knows whether it arrived: pressed again, it is sent again and made once. @type {Order | null} */
    this._unsure = null;
    /** The run in the panel. @type {Entry | null} */
    this.current = null;
    /** @type {{id: string, index: number} | null} */
    this.shown = null;
    const seed = this.form.querySelector('[data-kind="seed"]');
    this.seedName = seed instanceof HTMLElement ? (seed.dataset.param ?? "") : "";
    /** @type {StageView | null} */
    this._stage = null;
    /** @type {PlainView | null} */
    this._plain = null;
  }

  /** What the page begins with. */
  async open() {
    this._listen();
    await this._look();
    for (const entry of this.session.entries) if (!entry.record && this.page.isSignedIn) this.watch(entry);
    this.list();
    const going = this.session.entries.find((entry) => entry.watch) ?? null;
    if (going || location.search || sessionStorage.getItem(RESUME + this.page.name)) await (await import("./run/begin.js")).begin(this, going);
    else this.showLast();
    this.form.keep();
    // Until here a press would have been lost.
    this._button.disabled = this._button.dataset.run !== "ready";
    document.documentElement.dataset.ready = "run";
  }

  /** What shows results here: only that is fetched. */
  async _look() {
    const does = resultDeeds(this);
    if (this.editor) this._stage = new (await import("./run/stage-view.js")).StageView(this.editor, this.page, does, this.seedName);
    else this._plain = new (await import("./run/plain-view.js")).PlainView(does);
    this._view.over.replaceChildren(this._live.element);
  }

  get _view() {
    return /** @type {StageView | PlainView} */ (this._stage ?? this._plain);
  }

  /** Send what the page shows. */
  async run() {
    // Everything up to the first wait is one turn: a second press finds it taken.
    if (this._isSending || this._button.disabled || !this.progress.hidden) return;
    tellProblem(this.form);
    const gap = missing(this.editor, this.page);
    if (gap) return this.tell({ text: gap });
    if (!this.form.check()) return;
    if (!this.page.isSignedIn) return void this._leave();
    if (!this.page.hasProject) return this.tell({ text: "A run belongs to a project, and you have none yet.", href: "/projects", action: "Create a project" });
    this._busy("Preparing");
    try {
      if (!this._unsure) this.form.drawSeeds();
      await this._send(this._unsure ?? (await orderOf(this.form, this.editor, this.page)));
    } catch (refusal) {
      this._refuse(refusal);
    } finally {
      this._busy("");
    }
  }

  /** Run once more with exactly these fields; files are named by their addresses. @param {FormData} body @param {Entry} like */
  async again(body, like) {
    if (this._isSending) return;
    tellProblem(this.form);
    this._busy("Sending");
    try {
      await this._send({ body, key: newKey(), inputs: like.inputs, values: like.record?.parameters ?? {} });
    } catch (refusal) {
      this._refuse(refusal);
    } finally {
      this._busy("");
    }
  }

  /** The newest result that there is, without turning the stage to it. */
  showLast() {
    const entry = this.session.entries.find((one) => one.record && phaseOf(one.record) === "succeeded");
    if (entry && (!this.editor || this.editor.picture)) this.show(entry, 0, false);
    else {
      this.shown = null;
      this._view.clear();
    }
    this.list();
  }

  /** @param {Entry} entry @param {number} index @param {boolean} steals */
  show(entry, index, steals) {
    this.shown = { id: entry.id, index };
    this._view.show(entry, index, steals);
    this.list();
  }

  /** @param {Order} order */
  async _send(order) {
    this._unsure = order;
    const answer = await send(this.page.path, order.body, {
      headers: { "idempotency-key": order.key },
      onProgress: (share) => this._busy(share < 1 ? `Uploading ${Math.floor(100 * share)} %` : "Sending"),
    });
    this._unsure = null;
    if (this.editor) this.editor.touched = false;
    const entry = this.session.add(answer.taskid, answer.socketaccesstoken, order.inputs);
    entry.values = order.values;
    this.watch(entry);
    this.follow(entry);
  }

  /** @param {unknown} refusal */
  _refuse(refusal) {
    if (!(refusal instanceof Refused) || refusal.status !== 0) this._unsure = null;
    if (refusal instanceof Refused && refusal.isSignedOut) return void this._leave();
    const named = refusedName(refusal);
    if (named && this.form.wrong(named.name, named.text)) return;
    this.tell(named ? { text: `${this._label(named.name)}: ${named.text}` } : refusalWords(refusal));
  }

  /** @param {string} name */
  _label(name) {
    return { [this.page.picture]: this.page.pictureLabel, [this.page.mask]: this.page.maskLabel }[name] ?? name;
  }

  /** @param {Trouble} trouble */
  tell({ text, advice, href, action }) {
    this._showForm();
    const more = [advice ? ` ${advice}` : "", href ? make("a", { href }, ` ${action}`) : ""].filter(Boolean);
    tellProblem(this.form, text, ...more);
  }

  /** To the sign-in, and back with everything as it is. */
  async _leave() {
    this._busy("Signing in");
    await (await import("./run/begin.js")).leave(this);
  }

  /** Follow a run to its end. @param {Entry} entry */
  watch(entry) {
    if (entry.watch) return;
    const watch = (entry.watch = new Watch(entry));
    watch.addEventListener("change", () => this._changed(entry));
    watch.addEventListener("step", () => this._changed(entry));
    watch.addEventListener("preview", () => entry === this.current && void this._view.preview(entry));
    watch.addEventListener("end", () => this.ended(entry));
  }

  /** @param {Entry} entry */
  _changed(entry) {
    this.list();
    if (entry !== this.current || !entry.watch) return;
    document.title = `${titleWord(entry.watch)} ${this._title}`;
    this._plain?.follow(entry);
  }

  /** The panel and the bar show this run. @param {Entry} entry */
  follow(entry) {
    this.current = entry;
    tellProblem(this.form);
    this._showForm(false);
    this.progress.follow(entry.watch, this.pairs(entry.values));
    this._live.follow(entry.watch);
    this._changed(entry);
  }

  /** @param {Entry} entry */
  ended(entry) {
    const { watch } = entry;
    const record = watch?.record ?? null;
    entry.record = record;
    entry.watch = null;
    if (!record) this.session.remove(entry);
    this.session.keep();
    this.list();
    if (entry !== this.current) {
      if (record) toast(`Task ${record.id}: ${stateWord(/** @type {Watch} */ (watch)).toLowerCase()}.`);
      return;
    }
    document.title = this._title;
    this.current = null;
    this._live.follow(null);
    this._showForm();
    const phase = record ? phaseOf(record) : "failed";
    if (record && phase === "succeeded") {
      this.show(entry, 0, !this.editor?.touched);
      one("[data-takes]").textContent = `The last run took ${duration(Number(record.elapsedseconds) * 1000)}`;
    }
    else {
      if (this._plain && record) this.show(entry, 0, false);
      else if (this._stage?.isPreviewing(entry)) this.showLast();
      if (phase === "failed") this.tell(failure(record));
      else toast("The run was cancelled. Nothing was charged.");
    }
  }

  /** @param {Watch} watch */
  async _stop(watch) {
    this._live.wait(true);
    const other = await (watch.phase === "queued" ? watch.cancel() : watch.kill());
    this._live.wait(false);
    if (other) toast(other, "failed");
  }

  /** The panel shows the form, or the run. @param {boolean} [isForm] */
  _showForm(isForm = true) {
    const hadFocus = this.form.contains(document.activeElement);
    one("[data-form-body]").hidden = one("[data-go]").hidden = !isForm;
    this.progress.hidden = isForm;
    one("[data-run-word]").textContent = this.session.entries.length ? "Run again" : "Run";
    if (!hadFocus) return;
    if (isForm) this._button.focus({ preventScroll: true });
    else this.progress.querySelector("button")?.focus({ preventScroll: true });
  }

  /** @param {string} word empty when nothing is sent any more */
  _busy(word) {
    this._isSending = word !== "";
    this._button.setAttribute("aria-disabled", String(this._isSending));
    one("[data-run-word]").textContent = word || (this.session.entries.length ? "Run again" : "Run");
  }

  list() {
    one("[data-session]").hidden = !this.session.entries.length;
    this._gallery.show(this.session.entries, this.shown, this.seedName);
  }

  /** The values of a run in words, by their labels. @param {Record<string, any>} values @returns {[string, string][]} */
  pairs(values) {
    const pairs = this.form.names.filter((name) => values[name] !== undefined && values[name] !== "" && !this.form.files.has(name)).map((name) => {
      const label = this.form.querySelector(`[data-param="${CSS.escape(name)}"]`)?.getAttribute("data-label") ?? name;
      const value = typeof values[name] === "boolean" ? (values[name] ? "On" : "Off") : String(values[name]);
      return /** @type {[string, string]} */ ([label, value]);
    });
    return this.editor ? [...pairs, ["Mask", `${Math.round(100 * this.editor.coverage)}% of the picture`]] : pairs;
  }

  _listen() {
    this.form.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.run();
    });
    document.addEventListener("g:run", () => void this.run());
    if (!this.editor) document.addEventListener("keydown", (event) => this._runKey(event));
    document.addEventListener("g:another", () => {
      this._live.follow(this.current?.watch ?? null);
      this._showForm();
      this._button.focus();
    });
    for (const type of ["g:form", "g:mask", "g:picture"]) document.addEventListener(type, () => (this._unsure = null));
    document.addEventListener("g:form", () => this._feather());
    document.addEventListener("g:mask", () => this._painted());
    document.addEventListener("g:choose", (event) => void this._choose(/** @type {CustomEvent} */ (event).detail));
    addEventListener("pagehide", () => this.form.keep());
    this._feather();
  }

  /** @param {KeyboardEvent} event */
  _runKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
    event.preventDefault();
    void this.run();
  }

  _feather() {
    if (this.editor) this.editor.feather = Number(this.form.values().feather ?? 0);
  }

  _painted() {
    if (!this.editor) return;
    this.form.others = extensionOf(this.editor, this.page);
    this.form.suggest(this.editor.size);
    this.form.keep();
    if (this.editor.hasMask) tellProblem(this.form);
  }

  /** @param {{id: string, index: number}} chosen */
  async _choose({ id, index }) {
    const entry = this.session.find(id);
    if (!entry) return;
    if (entry.watch && !entry.record) return this.follow(entry);
    if (!entry.record) return;
    if (phaseOf(entry.record) === "failed") return this.tell(failure(entry.record));
    if (phaseOf(entry.record) !== "succeeded") return;
    if (this.editor && !this.editor.picture) {
      const { openStage } = await import("./run/opening.js");
      const gone = await openStage(entry.record, this.editor, this.page);
      if (gone.length) return this.tell({ text: gone.join(" ") });
    }
    this.show(entry, index, true);
  }
}

void new RunTab().open();
