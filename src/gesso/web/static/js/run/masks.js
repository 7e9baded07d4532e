// Masks as pictures: padded where a result reaches further than its picture, and measured.

/** @typedef {{left: number, top: number, right: number, bottom: number}} Margins */

export const NO_MARGINS = { left: 0, top: 0, right: 0, bottom: 0 };
const LOOKED_AT_PX = 256;

/** @param {Margins} margins */
export const hasMargins = ({ left, top, right, bottom }) => left + top + right + bottom > 0;

/** The margins that a task was given, by the parameters that hold them. @param {Record<string, any>} parameters @param {Record<string, string>} names @returns {Margins} */
export function marginsOf(parameters, names) {
  const side = (/** @type {string} */ name) => Number(parameters[names[name]] ?? 0) || 0;
  return { left: side("left"), top: side("top"), right: side("right"), bottom: side("bottom") };
}

/** The mask of the whole: margins are always filled. @param {Blob} mask @param {Margins} margins @returns {Promise<Blob>} */
export async function wholeMask(mask, margins) {
  if (!hasMargins(margins)) return mask;
  const bitmap = await createImageBitmap(mask);
  const canvas = new OffscreenCanvas(bitmap.width + margins.left + margins.right, bitmap.height + margins.top + margins.bottom);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, margins.left, margins.top);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/png" });
}

/** Whether what is filled reaches over half of the picture in both directions, with the context that models look at as well. @param {Blob} mask */
export async function fillsMost(mask) {
  const bitmap = await createImageBitmap(mask);
  const scale = Math.min(1, LOOKED_AT_PX / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      if (data[i] < 128) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
    }
  }
  return 2 * (box.right - box.left) >= width && 2 * (box.bottom - box.top) >= height;
}
