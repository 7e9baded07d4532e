/**
 * The mask as one byte a pixel: 0 keeps, 255 fills. It owns the bytes, knows which of them an open edit changed, and what they sum up to.
 *
 * It is kept in tiles of 64 x 64 for three things that must not cost a walk over the whole picture: going back, counting and showing. It
 * draws nothing itself (raster.js does) and knows no screen.
 */

export const TILE = 64;

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box pixels; right and bottom lie outside */
/** @typedef {Uint8Array|number} Cell the bytes of one tile, or its one value */

export class MaskPlane {
  /** @param {number} width @param {number} height pixels */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.data = new Uint8Array(width * height);
    this.columns = Math.ceil(width / TILE);
    this.rows = Math.ceil(height / TILE);
    /** What changed since it was last shown. @type {Box|null} */
    this.unseen = null;
    /** Sum of all bytes, right once an edit is closed. */
    this.sum = 0;
    this._sums = new Uint32Array(this.columns * this.rows);
    /** The tiles of the open edit as they were before it. @type {Map<number, Cell>|null} */
    this._before = null;
  }

  /** The share of the mask in the picture, 0 to 1. */
  get coverage() {
    return this.sum / (255 * this.data.length);
  }

  begin() {
    this._before ??= new Map();
  }

  /** Must be called before bytes in the box are written: keeps them for going back and marks them to be shown. @param {Box} box */
  touch(box) {
    const left = Math.max(0, Math.floor(box.left));
    const top = Math.max(0, Math.floor(box.top));
    const right = Math.min(this.width, Math.ceil(box.right));
    const bottom = Math.min(this.height, Math.ceil(box.bottom));
    if (left >= right || top >= bottom) return;
    this._show({ left, top, right, bottom });
    if (!this._before) return;
    for (let row = (top / TILE) | 0; row * TILE < bottom; row++) {
      for (let column = (left / TILE) | 0; column * TILE < right; column++) {
        const tile = row * this.columns + column;
        if (!this._before.has(tile)) this._before.set(tile, this._read(tile));
      }
    }
  }

  /** Closes the edit. @returns {Patch|null} what leads back; null if nothing changed */
  commit() {
    const cells = new Map();
    for (const [tile, before] of this._before ?? []) {
      const now = this._read(tile);
      if (same(before, now)) continue;
      cells.set(tile, before);
      this._count(tile, now);
    }
    this._before = null;
    return cells.size ? new Patch(this, cells) : null;
  }

  /** Ends the edit as if it had never begun. */
  revert() {
    for (const [tile, cell] of this._before ?? []) this._write(tile, cell);
    this._before = null;
  }

  /** Exchanges the cells with those of the plane, so that the same call leads back again. @param {Map<number, Cell>} cells */
  exchange(cells) {
    for (const [tile, cell] of cells) {
      cells.set(tile, this._read(tile));
      this._write(tile, cell);
      this._count(tile, cell);
    }
  }

  /** @param {number} byte everywhere; `begin` must have been called */
  fill(byte) {
    this.touch(this._whole());
    this.data.fill(byte);
  }

  /** Takes bytes of the plane's own size; `begin` must have been called. @param {Uint8Array} bytes */
  replace(bytes) {
    this.touch(this._whole());
    this.data.set(bytes);
  }

  /** Its own way back, so no edit is to be open and nothing is kept. */
  invert() {
    const { data } = this;
    const words = new Uint32Array(data.buffer, 0, data.length >> 2);
    for (let i = 0; i < words.length; i++) words[i] = ~words[i];
    for (let i = words.length * 4; i < data.length; i++) data[i] = ~data[i];
    for (let tile = 0; tile < this._sums.length; tile++) {
      const { left, top, right, bottom } = this._box(tile);
      this._sums[tile] = 255 * (right - left) * (bottom - top) - this._sums[tile];
    }
    this.sum = 255 * data.length - this.sum;
    this._show(this._whole());
  }

  /** What is to be shown, once. */
  takeUnseen() {
    const box = this.unseen;
    this.unseen = null;
    return box;
  }

  /** @param {Box} box */
  _show(box) {
    const { unseen } = this;
    this.unseen = unseen
      ? {
          left: Math.min(unseen.left, box.left),
          top: Math.min(unseen.top, box.top),
          right: Math.max(unseen.right, box.right),
          bottom: Math.max(unseen.bottom, box.bottom),
        }
      : box;
  }

  /** @returns {Box} */
  _whole() {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  /** @param {number} tile @returns {Box} */
  _box(tile) {
    const left = (tile % this.columns) * TILE;
    const top = Math.floor(tile / this.columns) * TILE;
    return { left, top, right: Math.min(left + TILE, this.width), bottom: Math.min(top + TILE, this.height) };
  }

  /** @param {number} tile @returns {Cell} */
  _read(tile) {
    const { left, top, right, bottom } = this._box(tile);
    const { data, width } = this;
    const first = data[top * width + left];
    let isEven = true;
    for (let y = top; y < bottom && isEven; y++) {
      for (let i = y * width + left, end = y * width + right; i < end; i++) {
        if (data[i] === first) continue;
        isEven = false;
        break;
      }
    }
    if (isEven) return first;
    const wide = right - left;
    const cell = new Uint8Array(wide * (bottom - top));
    for (let y = top, at = 0; y < bottom; y++, at += wide) cell.set(data.subarray(y * width + left, y * width + right), at);
    return cell;
  }

  /** @param {number} tile @param {Cell} cell */
  _write(tile, cell) {
    const box = this._box(tile);
    const wide = box.right - box.left;
    for (let y = box.top, at = 0; y < box.bottom; y++, at += wide) {
      const from = y * this.width + box.left;
      if (typeof cell === "number") this.data.fill(cell, from, from + wide);
      else this.data.set(cell.subarray(at, at + wide), from);
    }
    this._show(box);
  }

  /** @param {number} tile @param {Cell} cell */
  _count(tile, cell) {
    const { left, top, right, bottom } = this._box(tile);
    let sum = 0;
    if (typeof cell === "number") sum = cell * (right - left) * (bottom - top);
    else for (let i = 0; i < cell.length; i++) sum += cell[i];
    this.sum += sum - this._sums[tile];
    this._sums[tile] = sum;
  }
}

/** A change of the plane that can be taken back and made again. */
export class Patch {
  /** @param {MaskPlane} plane @param {Map<number, Cell>} cells */
  constructor(plane, cells) {
    this._plane = plane;
    this._cells = cells;
  }

  /** An exchange may hold other bytes than before it, so this is asked each time. */
  get bytes() {
    let bytes = 0;
    for (const cell of this._cells.values()) bytes += typeof cell === "number" ? 16 : cell.length + 96;
    return bytes;
  }

  swap() {
    this._plane.exchange(this._cells);
  }
}

/** @param {Cell} one @param {Cell} other */
function same(one, other) {
  if (typeof one === "number" || typeof other === "number") return one === other;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
