/**
 * Where the picture lies on the stage: one scale and one shift, shared by all that is drawn there, so nothing can drift apart.
 * Screen units are CSS pixels from the stage's corner; at scale 1 a picture pixel is one of them.
 */

import { clamp } from "./dom.js";

const MOST = 16;
const LEAST = 0.1;
const PADDING = 24;
/** So much of the picture stays in sight however far it is moved. */
const KEPT = 48;

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

export class View {
  constructor() {
    this.scale = 1;
    this.tx = 0;
    this.ty = 0;
    this.width = 0;
    this.height = 0;
    /** What is to be seen, in picture pixels: the picture and what extends it. @type {Box} */
    this.frame = { left: 0, top: 0, right: 1, bottom: 1 };
    /** Whether the picture was fitted and not moved since. */
    this.fitted = true;
  }

  /** The scale at which all is seen; small pictures are enlarged, but not without bound. */
  get fitScale() {
    const padding = Math.min(PADDING, this.width / 30);
    const wide = (this.width - 2 * padding) / (this.frame.right - this.frame.left);
    const high = (this.height - 2 * padding) / (this.frame.bottom - this.frame.top);
    return clamp(Math.min(wide, high), 0.001, 4);
  }

  fit() {
    this.scale = this.fitScale;
    this.tx = this.width / 2 - (this.scale * (this.frame.left + this.frame.right)) / 2;
    this.ty = this.height / 2 - (this.scale * (this.frame.top + this.frame.bottom)) / 2;
    this.fitted = true;
  }

  /** The stage has another size: a fitted picture stays fitted, another keeps its middle. @param {number} width @param {number} height */
  resize(width, height) {
    this.tx += (width - this.width) / 2;
    this.ty += (height - this.height) / 2;
    this.width = width;
    this.height = height;
    if (this.fitted) this.fit();
    else this._keepInSight();
  }

  /** What lies under the given place stays there. @param {number} scale @param {number} [sx] @param {number} [sy] */
  zoomTo(scale, sx = this.width / 2, sy = this.height / 2) {
    const next = clamp(scale, Math.min(LEAST, this.fitScale), MOST);
    this.tx = sx - ((sx - this.tx) / this.scale) * next;
    this.ty = sy - ((sy - this.ty) / this.scale) * next;
    this.scale = next;
    this.fitted = false;
    this._keepInSight();
  }

  /** @param {number} dx @param {number} dy screen */
  pan(dx, dy) {
    this.tx += dx;
    this.ty += dy;
    this.fitted = false;
    this._keepInSight();
  }

  /** @param {number} sx @param {number} sy */
  toPicture(sx, sy) {
    return { x: (sx - this.tx) / this.scale, y: (sy - this.ty) / this.scale };
  }

  /** @param {number} x @param {number} y */
  toScreen(x, y) {
    return { x: x * this.scale + this.tx, y: y * this.scale + this.ty };
  }

  _keepInSight() {
    const { frame, scale } = this;
    this.tx = clamp(this.tx, KEPT - frame.right * scale, this.width - KEPT - frame.left * scale);
    this.ty = clamp(this.ty, KEPT - frame.bottom * scale, this.height - KEPT - frame.top * scale);
  }
}
