import type { Clock } from '../clock.ts';

/** A clock that only a test advances. */
export class TestClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  readonly #timers = new Set<{ at: number; elapsed: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(milliseconds: number, elapsed: () => void): () => void {
    const timer = { at: this.#now + milliseconds, elapsed };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Advances time, timer by timer; before and after each, runs all pending work of a kernel in memory. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    await turns();
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.elapsed();
      await turns();
    }
    this.#now = until;
  }
}

/** More than any chain of observations and operations needs. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
