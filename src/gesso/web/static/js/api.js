// The server's own API, spoken from its pages: the cookie says who asks, a header for which project.

const PREFIX = "/v1";

/** An answer with `result: false`, or none. `status` 0: the server was not reached. `errors`: as they came. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} status
   * @param {{code: number, message: string}[]} errors
   */
  constructor(message, status, errors = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
  get isSignedOut() {
    return this.status === 401;
  }
}

/** The project that the page works in; empty when nobody is signed in. */
export function project() {
  return document.body.dataset.project || "";
}

/**
 * Headers of a call.
 * @param {Record<string, string>} [more]
 */
export function headers(more = {}) {
  return { "x-gesso-project": project(), ...more };
}

/**
 * POST JSON. Throws Refused.
 * @param {string} path below the prefix, as in "/Task/Detail"
 * @param {Record<string, any>} [fields]
 * @param {RequestInit} [options]
 */
export async function call(path, fields = {}, options = {}) {
  let answer;
  try {
    answer = await fetch(PREFIX + path, {
      method: "POST",
      body: JSON.stringify(fields),
      ...options,
      headers: headers({ "content-type": "application/json" }),
    });
  } catch {
    throw new Refused("The server cannot be reached.", 0);
  }
  return understood(answer.status, await answer.text());
}

/**
 * POST a form with files, with the share that is sent told on the way. Throws Refused.
 * @param {string} path
 * @param {FormData} form
 * @param {{ onProgress?: (share: number) => void, signal?: AbortSignal, headers?: Record<string, string> }} [options]
 * @returns {Promise<any>}
 */
export function send(path, form, options = {}) {
  return new Promise((resolve, reject) => {
    // fetch does not tell how much is sent.
    const request = new XMLHttpRequest();
    request.open("POST", PREFIX + path);
    for (const [name, value] of Object.entries(headers(options.headers))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) options.onProgress?.(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      try {
        resolve(understood(request.status, request.responseText));
      } catch (refusal) {
        reject(refusal);
      }
    });
    request.addEventListener("error", () => reject(new Refused("The server cannot be reached.", 0)));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    options.signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/**
 * The address of a file on this server, wherever its URLs point to.
 * @param {string} url
 */
export function here(url) {
  const at = url.indexOf("/v1/File/");
  return at < 0 ? url : url.slice(at);
}

/** Where the socket is. */
export function socketUrl() {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${PREFIX}`;
}

/**
 * @param {number} status
 * @param {string} text
 */
function understood(status, text) {
  /** @type {any} */
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Refused(`The server answered ${status}.`, status);
  }
  if (content.result !== true) throw new Refused(content.errors?.[0]?.message || `The server answered ${status}.`, status, content.errors);
  return content;
}
