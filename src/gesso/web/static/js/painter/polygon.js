/** The geometry of the lasso. Distances are in screen pixels, so that it feels the same at every zoom. */

/** @typedef {{x: number, y: number}} Point */

/** A click so near to the first point closes the polygon. */
export const CLOSE_RADIUS = 10;
/** Points of a freehand line nearer than this add nothing. */
export const LEAST_STEP = 1;
/** A freehand line with more points is thinned out. */
const MANY = 200;

/** @param {Point} a @param {Point} b */
export const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** The point moved onto the nearest of the eight directions from an origin. @param {Point} origin @param {Point} point @returns {Point} */
export function snapTo45(origin, point) {
  const step = Math.PI / 4;
  const angle = Math.round(Math.atan2(point.y - origin.y, point.x - origin.x) / step) * step;
  const length = (point.x - origin.x) * Math.cos(angle) + (point.y - origin.y) * Math.sin(angle);
  return { x: origin.x + length * Math.cos(angle), y: origin.y + length * Math.sin(angle) };
}

/**
 * A long freehand line with fewer points, none of them further from the line than the tolerance (Douglas and Peucker).
 * @param {Point[]} points @param {number} tolerance in the unit of the points
 */
export function thinned(points, tolerance) {
  if (points.length < MANY) return points;
  const kept = new Uint8Array(points.length);
  kept[0] = kept[points.length - 1] = 1;
  const open = [[0, points.length - 1]];
  for (let range = open.pop(); range; range = open.pop()) {
    const [first, last] = range;
    let worst = tolerance;
    let at = 0;
    for (let i = first + 1; i < last; i++) {
      const off = distanceToLine(points[i], points[first], points[last]);
      if (off > worst) [worst, at] = [off, i];
    }
    if (!at) continue;
    kept[at] = 1;
    open.push([first, at], [at, last]);
  }
  return points.filter((_, i) => kept[i]);
}

/** @param {Point} p @param {Point} a @param {Point} b */
function distanceToLine(p, a, b) {
  const length = distance(a, b);
  if (!length) return distance(p, a);
  return Math.abs((b.x - a.x) * (a.y - p.y) - (a.x - p.x) * (b.y - a.y)) / length;
}
