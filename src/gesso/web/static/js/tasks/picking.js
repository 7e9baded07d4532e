// Several tasks at once: Shift-click chooses all between two, Space chooses the one that has the focus.

export class Picking {
  /**
   * @param {HTMLElement} room
   * @param {import("./rows.js").Rows} rows
   */
  constructor(room, rows) {
    this._rows = rows;
    this._last = "";
    this._bar = room.querySelector(".chosen-bar");
    this._count = room.querySelector("[data-chosen-count]");
    room.addEventListener("change", () => this._tell());
    room.addEventListener("reset", () => setTimeout(() => this._tell()));
    this._tell();
  }

  /** Whether any is chosen. */
  get isOn() {
    return this._rows.all().some((row) => pickOf(row)?.checked);
  }

  clear() {
    for (const row of this._rows.all()) {
      const pick = pickOf(row);
      if (pick) pick.checked = false;
    }
    this._tell();
  }

  /** @param {HTMLTableRowElement} row */
  toggle(row) {
    const pick = pickOf(row);
    if (pick) pick.checked = !pick.checked;
    this._last = row.dataset.task || "";
    this._tell();
  }

  /**
   * Choose all from the row that was chosen last, or is shown, to this one.
   * @param {HTMLTableRowElement} row
   * @param {string} shown
   */
  extend(row, shown) {
    const rows = this._rows.all();
    const to = rows.indexOf(row);
    const from = rows.findIndex((other) => other.dataset.task === (this._last || shown));
    const [first, last] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    for (const one of rows.slice(first, last + 1)) {
      const pick = pickOf(one);
      if (pick) pick.checked = true;
    }
    this._last = row.dataset.task || "";
    this._tell();
  }

  _tell() {
    const number = this._rows.all().filter((row) => pickOf(row)?.checked).length;
    if (this._count) this._count.textContent = `${number} chosen`;
    this._bar?.classList.toggle("on", number > 0);
  }
}

/** @param {HTMLTableRowElement} row */
function pickOf(row) {
  return /** @type {HTMLInputElement | null} */ (row.querySelector(".pick"));
}
