// The place in line of a run that waits. The API has no word for it, so the pages' own server is asked, and only while the run waits.

/** Most runs start at once: nobody is asked about those. */
const FIRST_MS = 400;
const EVERY_MS = 2000;

export class Line {
  /** @param {string} id of the task @param {(place: number) => void} told 0 where nobody can tell */
  constructor(id, told) {
    this._id = id;
    this._told = told;
    this._timer = 0;
  }

  /** Ask from now on. */
  wait() {
    this.leave();
    this._timer = window.setTimeout(() => this._ask(), FIRST_MS);
  }

  leave() {
    clearTimeout(this._timer);
    this._timer = 0;
  }

  async _ask() {
    const timer = this._timer;
    const place = document.hidden ? null : await placeOf(this._id);
    // It may have left the line while the answer was on its way.
    if (timer !== this._timer) return;
    if (place !== null) this._told(place);
    this._timer = window.setTimeout(() => this._ask(), EVERY_MS);
  }
}

/** @param {string} id */
async function placeOf(id) {
  try {
    const answer = await fetch(`/tasks/${id}/place`);
    const text = answer.ok ? await answer.text() : "";
    return /^\d{1,9}$/.test(text) ? Number(text) : 0;
  } catch {
    return 0;
  }
}
