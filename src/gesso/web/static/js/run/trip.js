// The way to the sign-in and back: what was filled in waits in the browser, files and picture included, and is never sent.

/** @typedef {{values: Record<string, any>, files: Record<string, File[]>, urls: Record<string, string>, picture: File | null, mask: File | null,
 *   extend: {left: number, top: number, right: number, bottom: number}, at: number}} Luggage */

const DATABASE = "gesso.run";
const STORE = "luggage";
/** Somebody who comes back later begins anew. */
const KEPT_MS = 3600 * 1000;

/** @param {string} model @param {Luggage} luggage */
export async function pack(model, luggage) {
  try {
    await request("readwrite", (store) => store.put(luggage, model));
  } catch {
    // Storage is forbidden or full: the values are kept without the files.
  }
}

/** What was left for the way, once. @param {string} model @returns {Promise<Luggage | null>} */
export async function unpack(model) {
  try {
    const found = await request("readonly", (store) => store.get(model));
    if (!found) return null;
    await request("readwrite", (store) => store.delete(model));
    return Date.now() - found.at < KEPT_MS ? found : null;
  } catch {
    return null;
  }
}

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} ask @returns {Promise<any>} */
function request(mode, ask) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(STORE, mode);
      const asked = ask(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(asked.result);
      };
      transaction.onabort = () => reject(transaction.error);
    };
  });
}
