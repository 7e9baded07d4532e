// The state of one page: read it, change it, hear of changes.

/**
 * @template {Record<string, any>} T
 * @param {T} initial
 */
export function store(initial) {
  let state = { ...initial };
  /** @type {Set<(state: T, before: T) => void>} */
  const listeners = new Set();
  return {
    /** @returns {Readonly<T>} */
    get: () => state,
    /** @param {Partial<T>} changes */
    set(changes) {
      const before = state;
      state = { ...state, ...changes };
      for (const listener of listeners) listener(state, before);
    },
    /**
     * @param {(state: T, before: T) => void} listener
     * @returns {() => void} ends the subscription
     */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
