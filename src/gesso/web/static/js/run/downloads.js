// Results as files: the very bytes of the server, with the parameters written into a PNG, or as WebP.

const PNG_HEAD = 33;
const LATIN = /^[\x20-\x7e]*$/;
const KEPT_MS = 60000;
const WEBP_QUALITY = 0.92;

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** The bytes of a result. @param {string} url @returns {Promise<Blob>} */
export async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(answer.status === 404 ? "The file was deleted on the server." : `The server answered ${answer.status}.`);
  return answer.blob();
}

/** @param {Blob} picture @returns {Promise<Blob>} */
export async function asWebp(picture) {
  const bitmap = await createImageBitmap(picture);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(bitmap, 0, 0);
  bitmap.close();
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: WEBP_QUALITY });
  if (blob.type !== "image/webp") throw new Error("This browser writes no WebP. Download the PNG.");
  return blob;
}

/**
 * A PNG with texts in it, each under its keyword, after the header as the standard wants them; anything else as it is.
 * @param {Blob} picture
 * @param {Record<string, string>} texts
 */
export async function withTexts(picture, texts) {
  if (picture.type !== "image/png") return picture;
  const bytes = new Uint8Array(await picture.arrayBuffer());
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  return new Blob([bytes.subarray(0, PNG_HEAD), .../** @type {BlobPart[]} */ (chunks), bytes.subarray(PNG_HEAD)], { type: "image/png" });
}

/** Source: Portable Network Graphics, third edition, 11.3.3.4: international text, uncompressed. @param {string} keyword @param {string} text */
function textChunk(keyword, text) {
  if (!LATIN.test(keyword)) throw new Error("a keyword is Latin");
  const head = [...new TextEncoder().encode(`iTXt${keyword}`), 0, 0, 0, 0, 0];
  const content = Uint8Array.from([...head, ...new TextEncoder().encode(text)]);
  const chunk = new Uint8Array(content.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length - 4);
  chunk.set(content, 4);
  view.setUint32(content.length + 4, checksum(content));
  return chunk;
}

/** CRC-32 as PNG defines it. @param {Uint8Array} bytes */
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
