/** The way back and forth over changes. It knows how large they are and how to swap them, not what they are. */

/** @typedef {{bytes: number, swap: () => void}} Change `swap` takes it back, and called again makes it anew */

export class History {
  /** @param {number} [cap] bytes of memory; the oldest changes are forgotten beyond it */
  constructor(cap = 64 * 2 ** 20) {
    this.cap = cap;
    /** @type {Change[]} */
    this._done = [];
    /** @type {Change[]} */
    this._undone = [];
  }

  get canUndo() {
    return this._done.length > 0;
  }

  get canRedo() {
    return this._undone.length > 0;
  }

  get bytes() {
    return [...this._done, ...this._undone].reduce((sum, change) => sum + change.bytes, 0);
  }

  /** @param {Change} change one that has just been made */
  push(change) {
    this._undone = [];
    this._done.push(change);
    let bytes = this.bytes;
    while (bytes > this.cap && this._done.length > 1) bytes -= /** @type {Change} */ (this._done.shift()).bytes;
  }

  /** @returns {boolean} whether there was one */
  undo() {
    return move(this._done, this._undone);
  }

  redo() {
    return move(this._undone, this._done);
  }

  clear() {
    this._done = [];
    this._undone = [];
  }
}

/** @param {Change[]} from @param {Change[]} to */
function move(from, to) {
  const change = from.pop();
  if (!change) return false;
  change.swap();
  to.push(change);
  return true;
}
