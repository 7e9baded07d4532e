/** Pictures and masks that are given as addresses. Fetched when the first one is: most come from disk. */

import { Refusal } from "./pictures.js";

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
  if (!answer.ok) {
    const says = answer.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : "";
    throw new Refusal(says || `The picture could not be fetched (${answer.status}).`);
  }
  const blob = await answer.blob();
  if (!blob.type.startsWith("image/")) throw new Refusal("There is something else than a picture at this address.");
  return new File([blob], decodeURIComponent(url.pathname.split("/").pop() || "picture"), { type: blob.type });
}
