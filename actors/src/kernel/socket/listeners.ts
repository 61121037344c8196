/** Subscribers to the changes of a netns. */
import type { NetnsChange } from '../kernel.ts';

export class Listeners {
  readonly #listeners = new Set<(change: NetnsChange) => void>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  add(listener: (change: NetnsChange) => void): () => void {
    // A wrapper, so that one function subscribed twice is called twice.
    const own = (change: NetnsChange): void => listener(change);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  emit(change: NetnsChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
