import { Backoff } from '@ifactor/common';
import type { BackoffLimits, Clock } from '@ifactor/common';

/** One timer whose delay doubles with each use. It does not keep the process alive. */
export class RetryTimer {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, limits: BackoffLimits) {
    this.#clock = clock;
    this.#backoff = new Backoff(limits);
  }

  /** Replaces a pending call. */
  schedule(call: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(this.#backoff.next(), call);
  }

  /** Replaces a pending call; the back-off stays as it is. */
  scheduleIn(milliseconds: number, call: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(milliseconds, call);
  }

  /** Cancels a pending call; the next delay is the first one. */
  reset(): void {
    this.#cancel?.();
    this.#backoff.reset();
  }
}
