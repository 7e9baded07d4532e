// Whether a result is the picture it came from wherever the mask is black: looked at, not believed.

/** @typedef {{left: number, top: number, right: number, bottom: number}} Margins */

/** What two decoders of one JPEG may differ by, of 255. */
const TOLERANCE = 2;
const MOST_PIXELS = 24e6;
const STRIP_PIXELS = 1 << 20;

/**
 * The share of pixels outside the mask that changed, or null where it cannot be told: another size, or too large.
 * @param {Blob} before @param {Blob} mask of the size of `before`, or of `after`
 * @param {Blob} after @param {Margins} margins how far `after` reaches beyond `before`
 * @returns {Promise<number | null>}
 */
export async function changedOutside(before, mask, after, margins) {
  const bitmaps = await Promise.all([before, mask, after].map((blob) => createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" })));
  try {
    const [picture, stencil, result] = bitmaps;
    const whole = { width: picture.width + margins.left + margins.right, height: picture.height + margins.top + margins.bottom };
    if (result.width !== whole.width || result.height !== whole.height || whole.width * whole.height > MOST_PIXELS) return null;
    const isWholeMask = stencil.width === whole.width && stencil.height === whole.height;
    if (!isWholeMask && (stencil.width !== picture.width || stencil.height !== picture.height)) return null;
    return await share(picture, stencil, result, margins, isWholeMask ? { left: 0, top: 0 } : margins);
  } finally {
    for (const bitmap of bitmaps) bitmap.close();
  }
}

/**
 * @param {ImageBitmap} picture @param {ImageBitmap} stencil @param {ImageBitmap} result
 * @param {Margins} margins @param {{left: number, top: number}} shift of the mask within the result
 */
async function share(picture, stencil, result, margins, shift) {
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / picture.width));
  let outside = 0;
  let changed = 0;
  for (let y = 0; y < picture.height; y += rows) {
    const height = Math.min(rows, picture.height - y);
    const size = { width: picture.width, height };
    const was = pixels(picture, size, 0, -y);
    const is = pixels(result, size, -margins.left, -margins.top - y);
    const white = pixels(stencil, size, shift.left - margins.left, shift.top - margins.top - y);
    for (let i = 0; i < was.length; i += 4) {
      if (white[i] > 0) continue;
      outside++;
      if (Math.abs(was[i] - is[i]) > TOLERANCE || Math.abs(was[i + 1] - is[i + 1]) > TOLERANCE || Math.abs(was[i + 2] - is[i + 2]) > TOLERANCE) changed++;
    }
    // The page stays alive between strips.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return outside ? changed / outside : 0;
}

/** @param {ImageBitmap} bitmap @param {{width: number, height: number}} size @param {number} x @param {number} y */
function pixels(bitmap, { width, height }, x, y) {
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, x, y);
  return context.getImageData(0, 0, width, height).data;
}
