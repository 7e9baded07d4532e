/** The rules of extending a picture past its edges. Pure numbers: margins in picture pixels, never negative. */

import { clamp } from "./dom.js";

/** @typedef {{left: number, top: number, right: number, bottom: number}} Margins */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{multiple: number, most: number}} Limits `multiple`: of which the whole must be; `most`: pixels a side */

/** @type {Margins} */
export const NONE = Object.freeze({ left: 0, top: 0, right: 0, bottom: 0 });

/** @param {Margins} margins */
export const isNone = (margins) => !(margins.left || margins.top || margins.right || margins.bottom);

/** @param {Margins} one @param {Margins} other */
export const isSame = (one, other) => one.left === other.left && one.top === other.top && one.right === other.right && one.bottom === other.bottom;

/** @param {Size} size @param {Margins} margins @returns {Size} */
export const extended = (size, margins) => ({ width: size.width + margins.left + margins.right, height: size.height + margins.top + margins.bottom });

/**
 * The margin nearest to the wanted one with which the whole side is a multiple; none at all is always right.
 * @param {number} wanted @param {number} rest the side without this margin @param {Limits} limits
 */
export function snapped(wanted, rest, { multiple, most }) {
  if (wanted < multiple / 2) return 0;
  let margin = Math.round((rest + wanted) / multiple) * multiple - rest;
  while (margin > most) margin -= multiple;
  return Math.max(0, margin);
}

/**
 * Margins with those sides moved that are named, each to its snapped value.
 * @param {Size} size @param {Margins} margins @param {Partial<Margins>} wanted @param {Limits} limits
 */
export function withSides(size, margins, wanted, limits) {
  const next = { ...margins };
  for (const side of /** @type {(keyof Margins)[]} */ (Object.keys(wanted))) {
    const across = side === "left" || side === "right";
    const opposite = { left: "right", right: "left", top: "bottom", bottom: "top" }[side];
    const rest = (across ? size.width : size.height) + next[/** @type {keyof Margins} */ (opposite)];
    next[side] = snapped(clamp(Math.round(wanted[side] ?? 0), 0, limits.most), rest, limits);
  }
  return next;
}

/** A quarter more on each side. @param {Size} size @param {Limits} limits */
export function quarterMore(size, limits) {
  const across = size.width / 4;
  const down = size.height / 4;
  return withSides(size, NONE, { left: across, right: across, top: down, bottom: down }, limits);
}

/**
 * The smallest extension, the same on opposite sides, that has the shape; a side that is long enough is left alone.
 * @param {Size} size @param {number} ratio width / height @param {Limits} limits @returns {Margins}
 */
export function toRatio(size, ratio, limits) {
  const isWide = size.width / size.height > ratio;
  const more = isWide ? size.width / ratio - size.height : size.height * ratio - size.width;
  const side = isWide ? size.height : size.width;
  const whole = snapped(more, side, { ...limits, most: 2 * limits.most });
  const first = Math.floor(whole / 2);
  return isWide ? { ...NONE, top: first, bottom: whole - first } : { ...NONE, left: first, right: whole - first };
}
