/** Time as the runner needs it, so that tests can run it. */
export type Clock = {
  /** RFC 3339 in UTC, with milliseconds. */
  now(): string;
  /** Calls back once after so many milliseconds; the result cancels. Keeps no process alive. */
  after(milliseconds: number, elapsed: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  after(milliseconds, elapsed) {
    const timer = setTimeout(elapsed, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
