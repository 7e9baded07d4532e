/** The picture with what extends it, for a model that is to be sent the whole. Fetched when one is. */

import { Refusal, stem } from "./pictures.js";

/** @typedef {import("./pictures.js").Picture} Picture */

/**
 * The picture with margins round it, as PNG, for a model that cannot extend by itself. The margins repeat the picture's edge: it is painted
 * over, and what looks at it meanwhile sees no invented border.
 * @param {Picture} picture @param {import("./extension.js").Margins} margins @returns {Promise<File>}
 */
export async function extendPicture({ file, image, width, height }, { left, top, right, bottom }) {
  const canvas = document.createElement("canvas");
  canvas.width = width + left + right;
  canvas.height = height + top + bottom;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(image, left, top);
  if (left) context.drawImage(image, 0, 0, 1, height, 0, top, left, height);
  if (right) context.drawImage(image, width - 1, 0, 1, height, left + width, top, right, height);
  if (top) context.drawImage(canvas, 0, top, canvas.width, 1, 0, 0, canvas.width, top);
  if (bottom) context.drawImage(canvas, 0, top + height - 1, canvas.width, 1, 0, top + height, canvas.width, bottom);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Refusal("The extended picture is too large for this browser.");
  return new File([blob], `${stem(file.name)}-extended.png`, { type: "image/png" });
}
