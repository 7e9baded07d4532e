/** What tools draw over the picture while they are in use, in lines that keep their width: the brush's ring, the lasso, a rectangle. */

import { s } from "./dom.js";

/** @typedef {{x: number, y: number}} Point screen pixels */

/** A ring smaller than this cannot be seen, so a cross marks the place. */
const LEAST_RING = 3;

export class Outline {
  constructor() {
    this.ring = s("g", { class: "stage-ring" }, s("circle", { class: "line-under" }), s("circle", { class: "line-over" }), s("path", { class: "line-over", d: "M-4 0H4M0 -4V4" }));
    this.line = s("g", { class: "stage-line" }, s("path", { class: "line-under" }), s("path", { class: "line-dashes" }));
    this.frame = s("g", { class: "stage-frame" }, s("path", { class: "line-under" }), s("path", { class: "line-over" }));
    this.start = s("circle", { class: "stage-start", r: 5 });
    this.element = s("svg", { class: "stage-outline", "aria-hidden": "true" }, this.line, this.start, this.frame, this.ring);
    this.hideRing();
    this.hideLine();
    this.hideFrame();
  }

  /** @param {Point} at @param {number} radius @param {boolean} erases */
  showRing(at, radius, erases) {
    this.ring.removeAttribute("visibility");
    this.ring.classList.toggle("is-erasing", erases);
    this.ring.setAttribute("transform", `translate(${at.x} ${at.y})`);
    const [under, over, cross] = this.ring.children;
    for (const circle of [under, over]) circle.setAttribute("r", String(Math.max(radius, LEAST_RING)));
    cross.setAttribute("visibility", radius < 2 * LEAST_RING ? "hidden" : "inherit");
  }

  hideRing() {
    this.ring.setAttribute("visibility", "hidden");
  }

  /** @param {Point[]} points @param {boolean} [canClose] whether a click on the first point would close the line */
  showLine(points, canClose = false) {
    const path = points.map((point, i) => `${i ? "L" : "M"}${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join("");
    for (const line of this.line.children) line.setAttribute("d", path);
    this.start.setAttribute("visibility", canClose ? "visible" : "hidden");
    if (!canClose || !points.length) return;
    this.start.setAttribute("cx", String(points[0].x));
    this.start.setAttribute("cy", String(points[0].y));
  }

  hideLine() {
    this.showLine([]);
  }

  /** @param {Point} a @param {Point} b corners */
  showFrame(a, b) {
    for (const line of this.frame.children) line.setAttribute("d", `M${a.x} ${a.y}H${b.x}V${b.y}H${a.x}Z`);
  }

  hideFrame() {
    for (const line of this.frame.children) line.setAttribute("d", "");
  }
}
