import { Backoff, explain } from '@ifactor/common';
import type { Clock, Log, Random } from '@ifactor/common';

/**
 * Level-triggered work: a key means that something about it changed, and the worker reads everything again. One worker
 * at a time processes a key; if the key is added during that, it is processed once more. Failed keys are retried with
 * back-off. While the queue is off, nothing is processed and all keys are kept.
 */
export type Queue = {
  add: (key: string) => void;
  /** Adds the key after a delay, unless it is already due earlier. */
  later(key: string, milliseconds: number): void;
  on(): void;
  /** Resolves when work in flight has ended. */
  off(): Promise<void>;
  /** Resolves when no key is due; keys with a pending delay do not count. */
  idle(): Promise<void>;
};

export type QueueOptions = {
  /** @returns milliseconds after which to process the key again, if needed */
  work: (key: string) => Promise<number | undefined>;
  workers: number;
  log: Log;
  clock: Clock;
  random: Random;
};

/** Minimum interval between two warnings of one queue. */
const warningPaceMs = 10_000;

export function createQueue({ work, workers, log, clock, random }: QueueOptions): Queue {
  const due = new Set<string>();
  const busy = new Set<string>();
  const timers = new Map<string, { at: number; cancel: () => void }>();
  const failing = new Map<string, Backoff>();
  const waiting: { done: () => boolean; resolve: () => void }[] = [];
  let open = false;
  let warnedAt = -Infinity;

  function add(key: string): void {
    timers.get(key)?.cancel();
    timers.delete(key);
    due.add(key);
    start();
  }

  function later(key: string, milliseconds: number): void {
    const at = clock.monotonic() + milliseconds;
    const already = timers.get(key);
    if (due.has(key) || (already !== undefined && already.at <= at)) return;
    already?.cancel();
    timers.set(key, { at, cancel: clock.after(milliseconds, () => add(key)) });
  }

  function start(): void {
    if (!open) return;
    for (const key of due) {
      if (busy.size >= workers) return;
      if (busy.has(key)) continue;
      due.delete(key);
      busy.add(key);
      void once(key);
    }
  }

  async function once(key: string): Promise<void> {
    try {
      const again = await work(key);
      failing.delete(key);
      if (again !== undefined) later(key, again);
    } catch (error) {
      const backoff = failing.get(key) ?? new Backoff({ first: 100, most: 30_000 }, random);
      failing.set(key, backoff);
      const waitMs = backoff.next();
      // While the queue is off, calls are expected to fail.
      if (open) warn(key, error, waitMs);
      later(key, waitMs);
    }
    busy.delete(key);
    start();
    for (const waiter of waiting.filter(({ done }) => done())) {
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
  }

  /** One cause often fails a thousand keys: only one of them is logged as a warning. */
  function warn(key: string, error: unknown, waitMs: number): void {
    const loud = clock.monotonic() - warnedAt > warningPaceMs;
    if (loud) warnedAt = clock.monotonic();
    const fields = { key, error: explain(error), milliseconds: Math.round(waitMs), failing: failing.size };
    log[loud ? 'warn' : 'debug']('reconciling failed; retrying', fields);
  }

  function until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => waiting.push({ done, resolve }));
  }

  return {
    add,
    later,
    on: () => {
      open = true;
      start();
    },
    off: () => {
      open = false;
      return until(() => busy.size === 0);
    },
    idle: () => until(() => busy.size === 0 && due.size === 0),
  };
}
