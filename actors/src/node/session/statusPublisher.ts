import { Backoff, explain, orAborted, sleep, timestamp } from '@ifactor/common';
import type { Runtime } from '../../runtime.ts';
import { StreamMissing } from '@ifactor/common/eventStore';
import type { EventStore } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import { cloudEventHeaders } from '@ifactor/crds';

export type StatusOptions = {
  store: EventStore;
  node: string;
  runtime: Runtime;
  /** The message to publish for a key, as it is now; null where there is nothing to say. */
  value: (key: string) => { subject: string; payload: string } | null;
  /** Every key that has a value: all are published again when the server has lost its store. */
  keys: () => Iterable<string>;
  /** Least time between two messages of one key. */
  intervalMs?: number;
};

/** A first change waits this long for more: creating an interface is several events in a row. */
const gatherMs = 20;
const window = 256;
/** Between two tries. */
const retry = { first: 50, most: 5000 };

/**
 * Publishes the latest status of each key, and retries until it is stored. Level-triggered: a key is touched, and whatever its
 * value is when its turn comes is published; what changes faster than `interval` is published once.
 */
export class StatusPublisher {
  readonly #options: StatusOptions;
  readonly #intervalMs: number;
  /** Keys to publish, with the earliest time, by the monotonic clock. */
  readonly #due = new Map<string, number>();
  readonly #flying = new Set<string>();
  /** When a key was last published; kept for `interval`. */
  readonly #recent = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #wake = Promise.withResolvers<void>();
  #idle: (() => void)[] = [];
  /** The stream that the values were published to, by when it was created. */
  #stream: string | undefined;
  readonly #backoff: Backoff;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? 200;
    this.#backoff = new Backoff(retry, options.runtime.random);
    this.#ended = this.#run();
  }

  /** Says that a key's value may have changed. `withinMs`: in this time more is expected to change. */
  touch(key: string, withinMs = gatherMs): void {
    const due = Math.max(this.#now() + withinMs, (this.#recent.get(key) ?? -Infinity) + this.#intervalMs);
    if ((this.#due.get(key) ?? Infinity) <= due) return;
    this.#due.set(key, due);
    this.#wake.resolve();
  }

  /** Resolves when the last value of every touched key is stored. */
  idle(): Promise<void> {
    if (this.#due.size + this.#flying.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#ended;
  }

  #now(): number {
    return this.#options.runtime.clock.monotonic();
  }

  async #run(): Promise<void> {
    const { store, runtime } = this.#options;
    const stopped = this.#stop.signal;
    for (let failures = 0; !stopped.aborted;) {
      await orAborted(store.connected(), stopped).catch(() => undefined);
      if (stopped.aborted) return;
      const broken = store.session();
      const signal = AbortSignal.any([broken, stopped]);
      try {
        await orAborted(this.#check(), signal);
        failures = 0;
        await this.#work(signal);
      } catch (error) {
        if (signal.aborted) continue;
        if (failures++ % 10 === 0) runtime.log.warn('failed to publish status; retrying', { error: explain(error) });
        await sleep(runtime.clock, this.#backoff.next(), stopped, broken);
      }
    }
  }

  /** Makes sure of the stream, and touches every key where it is not the one that was published to. */
  async #check(): Promise<void> {
    const { store, keys } = this.#options;
    const { created } = await store.state(streams.status).catch(async (error: unknown) => {
      if (!(error instanceof StreamMissing)) throw error;
      await store.prepare();
      return store.state(streams.status);
    });
    if (created !== this.#stream) for (const key of keys()) this.touch(key);
    this.#stream = created;
  }

  /** Publishes what is due, until the signal or a failure. */
  async #work(signal: AbortSignal): Promise<void> {
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    for (;;) {
      signal.throwIfAborted();
      this.#wake = Promise.withResolvers();
      const now = this.#now();
      let next = Infinity;
      for (const [key, due] of this.#due) {
        if (this.#flying.size >= window) break;
        if (this.#flying.has(key)) continue;
        if (due > now) next = Math.min(next, due);
        else void this.#publish(key, signal).catch(failed.reject);
      }
      for (const [key, time] of this.#recent) {
        if (time + this.#intervalMs > now) break;
        this.#recent.delete(key);
      }
      const calm = new AbortController();
      const timer =
        next === Infinity
          ? new Promise<void>(() => undefined)
          : sleep(this.#options.runtime.clock, Math.max(1, next - now), calm.signal);
      try {
        await orAborted(Promise.race([this.#wake.promise, timer, failed.promise]), signal);
      } finally {
        calm.abort();
      }
    }
  }

  async #publish(key: string, signal: AbortSignal): Promise<void> {
    const { store, node, value, runtime } = this.#options;
    this.#due.delete(key);
    this.#flying.add(key);
    try {
      const message = value(key);
      if (message !== null) {
        const time = this.#now();
        const headers = cloudEventHeaders({
          id: runtime.random.uuid(),
          source: `/ifactor/node/${node}`,
          type: 'ifactor.Status',
          subject: key,
          time: timestamp(runtime.clock),
        });
        const { subject, payload: body } = message;
        await orAborted(store.append(streams.status, { subject, body, headers }), signal);
        this.#backoff.reset();
        this.#recent.delete(key);
        this.#recent.set(key, time);
        const due = this.#due.get(key);
        if (due !== undefined) this.#due.set(key, Math.max(due, time + this.#intervalMs));
      }
    } catch (error) {
      if (!this.#due.has(key)) this.#due.set(key, 0);
      throw error;
    } finally {
      this.#flying.delete(key);
      this.#wake.resolve();
      if (this.#due.size + this.#flying.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
