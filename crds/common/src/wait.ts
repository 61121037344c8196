import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** Waits this many milliseconds, or until one of the signals is aborted, whichever is first. Keeps the process alive. */
export function sleep(clock: Clock, milliseconds: number, ...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const signal = AbortSignal.any(signals);
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(milliseconds, done, true);
    signal.addEventListener('abort', done);
  });
}

/** The promise's outcome, or a rejection with the signal's reason as soon as it is aborted. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** In milliseconds. */
export type BackoffLimits = { first: number; most: number };

/**
 * Delays between retries, in milliseconds: they double from `first` to `most`. With `random` each is shortened by up to a
 * half, so that many clients that failed together do not retry together.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: Random | undefined;
  #tries = 0;

  constructor(limits: BackoffLimits, random?: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  next(): number {
    const { first, most } = this.#limits;
    return Math.min(first * 2 ** this.#tries++, most) * (1 - (this.#random?.fraction() ?? 0) / 2);
  }

  /** After a success: the next delay is the first again. */
  reset(): void {
    this.#tries = 0;
  }
}
