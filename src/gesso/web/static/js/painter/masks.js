/** Mask files: read into bytes of a given size, and written as 8-bit grey PNG by a worker of their own. */

import { Refusal, stem } from "./pictures.js";

/** @typedef {import("./extension.js").Margins} Margins */
/** @typedef {import("./extension.js").Size} Size */

/** The ratio of the sides may differ by so much. */
const RATIO_TOLERANCE = 0.01;

/**
 * A mask file as one byte a pixel. It says with its alpha what is filled, or if it is opaque with its brightness.
 * @param {Blob} file @param {Size} size the picture's @param {Margins} margins a mask of the extended picture is taken too
 * @returns {Promise<{bytes: Uint8Array, whiteShare: number}>} @throws {Refusal} when it cannot be read or its shape is another
 */
export async function readMask(file, size, margins) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Refusal("This mask cannot be read. Use a PNG or another picture.");
  }
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingEnabled = false;
  const whole = { width: size.width + margins.left + margins.right, height: size.height + margins.top + margins.bottom };
  if (bitmap.width === whole.width && bitmap.height === whole.height) context.drawImage(bitmap, -margins.left, -margins.top);
  else if (fits(bitmap, size)) context.drawImage(bitmap, 0, 0, size.width, size.height);
  else {
    throw new Refusal(
      `The mask is ${bitmap.width} × ${bitmap.height}, the picture ${size.width} × ${size.height}. ` +
        "Any size fits if the shape is the same; this one would be distorted.",
    );
  }
  bitmap.close();
  return fromPixels(context.getImageData(0, 0, size.width, size.height).data);
}

/** @param {Size} mask @param {Size} size */
const fits = (mask, size) => Math.abs((mask.width * size.height) / (mask.height * size.width) - 1) <= RATIO_TOLERANCE;

/** @param {Uint8ClampedArray} pixels */
function fromPixels(pixels) {
  const bytes = new Uint8Array(pixels.length / 4);
  let isOpaque = true;
  for (let i = 3; i < pixels.length && isOpaque; i += 4) isOpaque = pixels[i] === 255;
  let sum = 0;
  for (let i = 0, at = 0; at < bytes.length; i += 4, at++) {
    bytes[at] = isOpaque ? Math.round(0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2]) : pixels[i + 3];
    sum += bytes[at];
  }
  return { bytes, whiteShare: sum / (255 * bytes.length) };
}

/**
 * An 8-bit grey PNG, 255 = fill, of the plane with filled margins.
 * @param {import("./plane.js").MaskPlane} plane @param {Margins} margins @param {string} pictureName @returns {Promise<File>}
 */
export async function writeMask(plane, margins, pictureName) {
  const worker = new Worker(new URL("./png-worker.js", import.meta.url), { type: "module" });
  try {
    const png = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message || "the mask could not be written"));
      worker.postMessage({ bytes: plane.data, width: plane.width, height: plane.height, margins });
    });
    return new File([png], `${stem(pictureName)}-mask.png`, { type: "image/png" });
  } finally {
    worker.terminate();
  }
}
