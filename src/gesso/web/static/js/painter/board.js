/**
 * What is worked on: the picture's size, the mask over it, the margins that extend it, and the way back. No screen and no elements here.
 *
 * The margins are always filled, so they take no bytes: the plane has the picture's size, and they are four numbers beside it.
 *
 * Events: `change` after anything that undo takes back, `paint` while an edit is open, `extend` while margins are dragged.
 */

import { NONE, extended, isNone, isSame, toRatio, withSides } from "./extension.js";
import { History } from "./history.js";
import { MaskPlane } from "./plane.js";

/** @typedef {import("./extension.js").Margins} Margins */

export class Board extends EventTarget {
  constructor() {
    super();
    this.plane = new MaskPlane(1, 1);
    this.history = new History();
    this.extension = NONE;
    this.limits = { multiple: 1, most: 2048 };
    this.isOpen = false;
    /** @type {Margins|null} */
    this._extensionBefore = null;
  }

  /** A new picture: an empty mask and no way back. @param {number} width @param {number} height */
  open(width, height) {
    this.plane = new MaskPlane(width, height);
    this.history.clear();
    this.extension = NONE;
    this._extensionBefore = null;
    this.isOpen = true;
    this._tell("change");
  }

  get size() {
    return { width: this.plane.width, height: this.plane.height };
  }

  /** The picture with what extends it. */
  get wholeSize() {
    return extended(this.size, this.extension);
  }

  /** The same as a box whose origin is the picture's corner. */
  get frame() {
    const { left, top, right, bottom } = this.extension;
    return { left: -left, top: -top, right: this.plane.width + right, bottom: this.plane.height + bottom };
  }

  /** The filled share of the whole, margins included: 0 to 1. */
  get coverage() {
    const { width, height } = this.wholeSize;
    const own = this.plane.width * this.plane.height;
    return (this.plane.sum / 255 + width * height - own) / (width * height);
  }

  get hasMask() {
    return this.isOpen && (this.plane.sum > 0 || !isNone(this.extension));
  }

  begin() {
    this.plane.begin();
  }

  painted() {
    this._tell("paint");
  }

  commit() {
    const patch = this.plane.commit();
    if (patch) this.history.push(patch);
    this._tell("change");
  }

  revert() {
    this.plane.revert();
    this._tell("paint");
  }

  /** One change of the mask as a whole. @param {(plane: MaskPlane) => void} change */
  edit(change) {
    if (!this.isOpen) return;
    this.plane.begin();
    change(this.plane);
    this.commit();
  }

  invert() {
    if (!this.isOpen) return;
    const { plane } = this;
    plane.invert();
    this.history.push({ bytes: 16, swap: () => plane.invert() });
    this._tell("change");
  }

  /** @param {number} byte 0 clears, 255 fills all */
  fill(byte) {
    this.edit((plane) => plane.fill(byte));
  }

  undo() {
    if (this.history.undo()) this._tell("change");
  }

  redo() {
    if (this.history.redo()) this._tell("change");
  }

  /** Margins while they are dragged: shown, not yet in the history. @param {Margins} margins */
  stretch(margins) {
    this._extensionBefore ??= this.extension;
    this.extension = margins;
    this._tell("extend");
  }

  /** Ends dragging. @param {boolean} isKept */
  settle(isKept) {
    const before = this._extensionBefore;
    this._extensionBefore = null;
    if (!before) return;
    if (!isKept) this.extension = before;
    else if (!isSame(before, this.extension)) this._remember(before);
    this._tell("change");
  }

  /** @param {Margins} margins taken as they are */
  setExtension(margins) {
    this.stretch(margins);
    this.settle(true);
  }

  /** @param {Partial<Margins>} wanted sides in pixels, brought to what the model takes */
  extendSides(wanted) {
    this.setExtension(withSides(this.size, this.extension, wanted, this.limits));
  }

  /** @param {number} ratio */
  extendTo(ratio) {
    this.setExtension(toRatio(this.size, ratio, this.limits));
  }

  /** @param {Margins} before */
  _remember(before) {
    let other = before;
    this.history.push({
      bytes: 64,
      swap: () => {
        [other, this.extension] = [this.extension, other];
      },
    });
  }

  /** @param {string} type */
  _tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
