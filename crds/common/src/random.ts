/** Random numbers, injected like time. Not for keys: those come from `node:crypto`. */
export type Random = {
  /** At least 0, less than 1. */
  fraction(): number;
  uuid(): string;
};

/** The only place that reads random numbers from the runtime. */
export const systemRandom: Random = { fraction: () => Math.random(), uuid: () => globalThis.crypto.randomUUID() };
