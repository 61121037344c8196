/** Delays that double from `first` to `most` milliseconds, each shortened at random by up to a half, so that many do not retry at once. */
export type Backoff = { next(): number; reset(): void };

export function createBackoff(first = 200, most = 30_000, random: () => number = Math.random): Backoff {
  let step = 0;
  return {
    next: () => Math.min(first * 2 ** step++, most) * (1 - random() / 2),
    reset: () => {
      step = 0;
    },
  };
}

/** Waits, or returns at once when the signal is or gets aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
