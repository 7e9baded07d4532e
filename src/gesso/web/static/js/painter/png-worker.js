/** Writes 8-bit grey PNG files. It imports nothing, so that a worker needs no import map. The canvas can write no grey ones. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** @typedef {{bytes: Uint8Array, width: number, height: number, margins: import("./extension.js").Margins}} Order */

self.onmessage = async (/** @type {MessageEvent<Order>} */ { data }) => self.postMessage(await greyPng(data));

/** @param {Order} order */
async function greyPng({ bytes, width, height, margins }) {
  const wide = width + margins.left + margins.right;
  const high = height + margins.top + margins.bottom;
  // Each line begins with the byte of its filter; 0 is none, and long equal runs are packed well without one.
  const lines = new Uint8Array((wide + 1) * high).fill(255);
  for (let row = 0; row < high; row++) {
    lines[row * (wide + 1)] = 0;
    const y = row - margins.top;
    if (y >= 0 && y < height) lines.set(bytes.subarray(y * width, (y + 1) * width), row * (wide + 1) + 1 + margins.left);
  }
  const packed = new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate"));
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, wide);
  view.setUint32(4, high);
  header[8] = 8;
  const content = new Uint8Array(await new Response(packed).arrayBuffer());
  return new Blob([new Uint8Array(SIGNATURE), chunk("IHDR", header), chunk("IDAT", content), chunk("IEND", new Uint8Array())], { type: "image/png" });
}

/** @param {string} type @param {Uint8Array} content */
function chunk(type, content) {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(content, 8);
  let crc = ~0;
  for (let i = 4; i < 8 + content.length; i++) crc = CRC[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  view.setUint32(8 + content.length, ~crc);
  return bytes;
}
