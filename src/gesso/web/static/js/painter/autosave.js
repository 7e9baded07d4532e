/** The last edit of each model, kept by the browser and never sent: a reload or a closed tab loses nothing. */

/** @typedef {import("./extension.js").Margins} Margins */
/** @typedef {{picture: Blob, name: string, width: number, height: number, mask: Uint8Array, extension: Margins, at: number}} Edit */

const DATABASE = "gesso.painter";
const STORE = "edits";
const WAIT_MS = 700;
/** An older edit is forgotten. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

export class Autosave {
  /**
   * @param {string} key one edit is kept for each; nothing is kept for ""
   * @param {string} account who is signed in, or "": nobody is offered the edit of another
   */
  constructor(key, account) {
    this.key = key;
    this.account = account;
    this._timer = 0;
    /** @type {(() => Edit)|null} */
    this._pending = null;
    /** Saving and forgetting done so far, one after the other, for who must wait for it. @type {Promise<unknown>} */
    this.saved = Promise.resolve();
    addEventListener("pagehide", () => this.flush());
  }

  /** Saves soon; what is asked for in between is saved once. @param {() => Edit} read what there is to save then */
  later(read) {
    if (!this.key) return;
    this._pending = read;
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this.flush(), WAIT_MS);
  }

  /** Saves what waits, now. */
  flush() {
    clearTimeout(this._timer);
    const read = this._pending;
    this._pending = null;
    if (read) {
      const edit = read();
      this.saved = this.saved.then(() => this._save(edit));
    }
    return this.saved;
  }

  /** @returns {Promise<Edit|null>} */
  async load() {
    if (!this.key) return null;
    try {
      const kept = await request("readonly", (store) => store.get(this.key));
      if (!kept) return null;
      const isForeign = kept.account !== "" && kept.account !== this.account;
      // Who is signed out may come back for it, as after a session that ran out while painting.
      if (isForeign && !this.account) return null;
      if (isForeign || Date.now() - kept.at > KEPT_MS) {
        await this.forget();
        return null;
      }
      return { ...kept, mask: await unpacked(kept.mask) };
    } catch {
      // A browser may forbid storage: then there is nothing to restore.
      return null;
    }
  }

  /** Forgets the edit, also one that is being saved: it would come back otherwise. */
  forget() {
    this._pending = null;
    this.saved = this.saved.then(() => this._forget());
    return this.saved;
  }

  async _forget() {
    try {
      await request("readwrite", (store) => store.delete(this.key));
    } catch {
      // As above.
    }
  }

  /** @param {Edit} edit */
  async _save(edit) {
    try {
      const mask = await packed(edit.mask);
      await request("readwrite", (store) => store.put({ ...edit, mask, account: this.account }, this.key));
    } catch {
      // Full or forbidden: painting goes on.
    }
  }
}

/** @param {Uint8Array} bytes @returns {Promise<Blob>} */
const packed = (bytes) => new Response(new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(new CompressionStream("deflate-raw"))).blob();

/** @param {Blob} blob */
const unpacked = async (blob) => new Uint8Array(await new Response(blob.stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer());

/**
 * One request in a transaction of its own.
 * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} ask @returns {Promise<any>}
 */
function request(mode, ask) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(STORE, mode);
      const asked = ask(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        database.close();
        resolve(asked.result);
      };
      transaction.onabort = () => {
        database.close();
        reject(transaction.error);
      };
    };
  });
}
