/** Pictures that come in: from disk, the clipboard, an address. What cannot be shown is refused with a sentence. */

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

/**
 * The picture behind an address: of this server directly, of others through it, for a page may not ask others itself.
 * @param {string} address @param {string|null} proxy where the server fetches, ending so that an address can be appended
 * @returns {Promise<File>} @throws {Refusal}
 */
export async function fetchPicture(address, proxy) {
  let url;
  try {
    url = new URL(address, location.href);
  } catch {
    throw new Refusal("This is not an address. It should begin with https://");
  }
  const isOwn = url.origin === location.origin;
  if (!isOwn && !proxy) throw new Refusal("Pictures of other sites cannot be fetched from this page. Save it and drop it here.");
  let answer;
  try {
    answer = await fetch(isOwn ? url.href : proxy + encodeURIComponent(url.href));
  } catch {
    throw new Refusal("The server did not answer. Try again.");
  }
  if (!answer.ok) throw new Refusal(answer.status === 404 ? "There is no picture at this address." : `The picture could not be fetched (${answer.status}).`);
  const blob = await answer.blob();
  if (!blob.type.startsWith("image/")) throw new Refusal("There is something else than a picture at this address.");
  return new File([blob], decodeURIComponent(url.pathname.split("/").pop() || "picture"), { type: blob.type });
}

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

/** A file's name without its ending. @param {string} name */
export const stem = (name) => name.replace(/\.[^.]+$/, "") || "picture";
