/** Pictures that come in. What cannot be shown is refused with a sentence. */

/** Browsers hold a mask and its shown copy in memory. */
const MOST_PIXELS = 100e6;

/** @typedef {{file: File, image: HTMLImageElement, width: number, height: number}} Picture upright: the camera's rotation is applied */

/** Something a person can put right; its message is shown as it is. */
export class Refusal extends Error {}

/**
 * @param {Blob} blob @param {string} name @returns {Promise<Picture>}
 * @throws {Refusal}
 */
export async function openPicture(blob, name) {
  const file = blob instanceof File && blob.name === name ? blob : new File([blob], name, { type: blob.type });
  if (file.type === "image/svg+xml") throw new Refusal("An SVG drawing has no pixels to fill. Save it as PNG first.");
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(image.src);
    throw new Refusal(`${name} cannot be shown here. JPEG, PNG, WebP, AVIF and GIF pictures can.`);
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  if (width * height > MOST_PIXELS) {
    URL.revokeObjectURL(image.src);
    throw new Refusal(`This picture has ${Math.round((width * height) / 1e6)} megapixels. Up to ${MOST_PIXELS / 1e6} can be painted on here: make it smaller first.`);
  }
  return { file, image, width, height };
}

/** A file's name without its ending. @param {string} name */
export const stem = (name) => name.replace(/\.[^.]+$/, "") || "picture";
