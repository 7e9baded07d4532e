/**
 * Shapes written into a mask plane, pixel by pixel: a pixel belongs to a shape if its centre does. So a hard brush leaves 0 and 255 and
 * nothing between, and the same gesture gives the same bytes in every browser, which the canvas does not promise.
 *
 * Filling takes the larger of old and new, erasing the smaller of old and 255 - new: a stroke may cross itself without growing harder.
 */

/** @typedef {import("./plane.js").MaskPlane} MaskPlane */
/** @typedef {{x: number, y: number}} Point picture pixels, fractions allowed */

/**
 * A disc drawn along a line. Long lines are cut, so that only tiles near the line are kept for going back.
 * @param {MaskPlane} plane
 * @param {Point} from
 * @param {Point} to
 * @param {number} radius
 * @param {number} softness 0 to 1: the outer share of the radius over which it fades
 * @param {boolean} erase
 */
export function drawStroke(plane, from, to, radius, softness, erase) {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const pieces = Math.max(1, Math.ceil(length / Math.max(64, radius)));
  for (let i = 0; i < pieces; i++) drawCapsule(plane, between(from, to, i / pieces), between(from, to, (i + 1) / pieces), radius, softness, erase);
}

/** @param {Point} a @param {Point} b @param {number} share */
const between = (a, b, share) => ({ x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share });

/** @param {MaskPlane} plane @param {Point} a @param {Point} b @param {number} radius @param {number} softness @param {boolean} erase */
function drawCapsule(plane, a, b, radius, softness, erase) {
  const box = {
    left: Math.min(a.x, b.x) - radius,
    top: Math.min(a.y, b.y) - radius,
    right: Math.max(a.x, b.x) + radius,
    bottom: Math.max(a.y, b.y) + radius,
  };
  plane.touch(box);
  const last = Math.min(plane.height - 1, Math.ceil(box.bottom));
  const tip = { a, b, radius, softness };
  for (let row = Math.max(0, Math.floor(box.top)); row <= last; row++) {
    const reach = rowOfCapsule(a, b, radius, row + 0.5);
    if (!reach) continue;
    const start = Math.max(0, Math.ceil(reach[0] - 0.5));
    const end = Math.min(plane.width, Math.floor(reach[1] - 0.5) + 1);
    if (start >= end) continue;
    const line = row * plane.width;
    if (!softness) plane.data.fill(erase ? 0 : 255, line + start, line + end);
    else fadeRow(plane.data, line, start, end, row + 0.5, tip, erase);
  }
}

/**
 * Where a horizontal line enters and leaves the capsule; a capsule is convex, so that is one interval.
 * @param {Point} a @param {Point} b @param {number} radius @param {number} y
 * @returns {[number, number]|null}
 */
function rowOfCapsule(a, b, radius, y) {
  let low = Infinity;
  let high = -Infinity;
  for (const end of [a, b]) {
    const half = Math.sqrt(radius * radius - (y - end.y) ** 2);
    if (half >= 0) {
      low = Math.min(low, end.x - half);
      high = Math.max(high, end.x + half);
    }
  }
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  if (length > 0) {
    const across = { x: (-(b.y - a.y) / length) * radius, y: ((b.x - a.x) / length) * radius };
    for (const side of [1, -1]) {
      const p = { x: a.x + side * across.x, y: a.y + side * across.y };
      const q = { x: b.x + side * across.x, y: b.y + side * across.y };
      if (p.y === q.y || (y - p.y) * (y - q.y) > 0) continue;
      const x = p.x + ((y - p.y) / (q.y - p.y)) * (q.x - p.x);
      low = Math.min(low, x);
      high = Math.max(high, x);
    }
  }
  return low <= high ? [low, high] : null;
}

/**
 * One row of a soft disc along a line. The innermost loop of the painter: it calls nothing but the square root, and that only in the fading rim.
 * @param {Uint8Array} data @param {number} line @param {number} start @param {number} end @param {number} y
 * @param {{a: Point, b: Point, radius: number, softness: number}} tip @param {boolean} erase
 */
function fadeRow(data, line, start, end, y, { a, b, radius, softness }, erase) {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const square = dx * dx + dy * dy || 1;
  const down = y - a.y;
  const core = radius * (1 - softness);
  const rim = 1 / (radius - core);
  for (let x = start; x < end; x++) {
    const across = x + 0.5 - a.x;
    let along = (across * dx + down * dy) / square;
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    const offX = across - along * dx;
    const offY = down - along * dy;
    const off = offX * offX + offY * offY;
    let byte = 255;
    if (off > core * core) {
      const share = off < radius * radius ? (radius - Math.sqrt(off)) * rim : 0;
      byte = (255 * share * share * (3 - 2 * share) + 0.5) | 0;
    }
    const old = data[line + x];
    if (erase ? 255 - byte < old : byte > old) data[line + x] = erase ? 255 - byte : byte;
  }
}

/**
 * A closed polygon; what a line winds round is inside, also where it crosses itself.
 * @param {MaskPlane} plane @param {Point[]} points @param {boolean} erase
 */
export function drawPolygon(plane, points, erase) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  plane.touch({ left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) });
  /** @type {Map<number, [number, number][]>} */
  const crossings = new Map();
  points.forEach((p, i) => {
    const q = points[(i + 1) % points.length];
    const [upper, lower, turn] = p.y < q.y ? [p, q, 1] : [q, p, -1];
    const first = Math.max(0, Math.ceil(upper.y - 0.5));
    const last = Math.min(plane.height - 1, Math.ceil(lower.y - 0.5) - 1);
    for (let row = first; row <= last; row++) {
      const x = upper.x + ((row + 0.5 - upper.y) / (lower.y - upper.y)) * (lower.x - upper.x);
      const found = crossings.get(row);
      if (found) found.push([x, turn]);
      else crossings.set(row, [[x, turn]]);
    }
  });
  for (const [row, found] of crossings) {
    found.sort((one, other) => one[0] - other[0]);
    let winding = 0;
    found.forEach(([x, turn], i) => {
      winding += turn;
      if (winding && i + 1 < found.length) fillRow(plane, row, x, found[i + 1][0], erase);
    });
  }
}

/** @param {MaskPlane} plane @param {number} row @param {number} from @param {number} to @param {boolean} erase */
function fillRow(plane, row, from, to, erase) {
  const start = Math.max(0, Math.ceil(from - 0.5));
  const end = Math.min(plane.width, Math.ceil(to - 0.5));
  if (start < end) plane.data.fill(erase ? 0 : 255, row * plane.width + start, row * plane.width + end);
}

/** Whole pixels; what lies outside the picture is left out. @param {MaskPlane} plane @param {import("./plane.js").Box} box @param {boolean} erase */
export function drawRectangle(plane, box, erase) {
  plane.touch(box);
  const last = Math.min(plane.height, box.bottom);
  for (let row = Math.max(0, box.top); row < last; row++) fillRow(plane, row, box.left, box.right, erase);
}
