import { randomUUID } from 'node:crypto';
import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import { ensureStreams, expecting, publishAcked, streams } from '@ifactor/common/nats';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { Backoff, orAborted, pause, connectivityOf } from './connection.ts';

export type StatusOptions = {
  connection: NatsConnection;
  node: string;
  log: Log;
  /** The message to publish for a key, as it is now; null where there is nothing to say. */
  value: (key: string) => { subject: string; payload: string } | null;
  /** Every key that has a value: all are published again when the server has lost its store. */
  keys: () => Iterable<string>;
  /** Least time between two messages of one key, in milliseconds. */
  interval?: number;
};

/** A first change waits this long for more: creating an interface is several events in a row. */
const gather = 20;
const window = 256;

/**
 * Publishes the last word on each key's status, until it is stored. Level-triggered: a key is touched, and whatever its
 * value is when its turn comes is published; what changes faster than `interval` is published once.
 */
export class StatusPublisher {
  readonly #options: StatusOptions;
  readonly #interval: number;
  /** Keys to publish, with the earliest time. */
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
  #backoff = new Backoff();

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#interval = options.interval ?? 200;
    this.#ended = this.#run();
  }

  /** Says that a key's value may have changed. `within`: milliseconds in which more is expected to change. */
  touch(key: string, within = gather): void {
    const due = Math.max(Date.now() + within, (this.#recent.get(key) ?? 0) + this.#interval);
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

  async #run(): Promise<void> {
    const { connection, log } = this.#options;
    const connectivity = connectivityOf(connection);
    const stopped = this.#stop.signal;
    for (let failures = 0; !stopped.aborted;) {
      await orAborted(connectivity.up(), stopped).catch(() => undefined);
      if (stopped.aborted || connection.isClosed()) return;
      const broken = connectivity.session();
      const signal = AbortSignal.any([broken, stopped]);
      try {
        await orAborted(this.#check(), signal);
        failures = 0;
        await this.#work(signal);
      } catch (error) {
        if (signal.aborted) continue;
        if (failures++ % 10 === 0) log.warn('status cannot be published now; trying again', { error: explain(error) });
        await pause(this.#backoff.next(), stopped, broken);
      }
    }
  }

  /** Makes sure of the stream, and touches every key where it is not the one that was published to. */
  async #check(): Promise<void> {
    const { connection, keys } = this.#options;
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { created } = await manager.streams.info(streams.status).catch(async (error: unknown) => {
      if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error;
      await ensureStreams(connection);
      return manager.streams.info(streams.status);
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
      const now = Date.now();
      let next = Infinity;
      for (const [key, due] of this.#due) {
        if (this.#flying.size >= window) break;
        if (this.#flying.has(key)) continue;
        if (due > now) next = Math.min(next, due);
        else void this.#publish(key, signal).catch(failed.reject);
      }
      for (const [key, time] of this.#recent) {
        if (time + this.#interval > now) break;
        this.#recent.delete(key);
      }
      const calm = new AbortController();
      const timer =
        next === Infinity ? new Promise<void>(() => undefined) : pause(Math.max(1, next - now), calm.signal);
      try {
        await orAborted(Promise.race([this.#wake.promise, timer, failed.promise]), signal);
      } finally {
        calm.abort();
      }
    }
  }

  async #publish(key: string, signal: AbortSignal): Promise<void> {
    const { connection, node, value } = this.#options;
    this.#due.delete(key);
    this.#flying.add(key);
    try {
      const message = value(key);
      if (message !== null) {
        const time = Date.now();
        const attributes = headers();
        attributes.set('ce-specversion', '1.0');
        attributes.set('ce-id', randomUUID());
        attributes.set('ce-source', `/ifactor/node/${node}`);
        attributes.set('ce-type', 'ifactor.Status');
        attributes.set('ce-subject', key);
        attributes.set('ce-time', new Date(time).toISOString());
        attributes.set('content-type', 'application/json');
        await orAborted(
          publishAcked(connection, message.subject, message.payload, expecting(attributes, { stream: streams.status })),
          signal,
        );
        this.#backoff.reset();
        this.#recent.delete(key);
        this.#recent.set(key, time);
        const due = this.#due.get(key);
        if (due !== undefined) this.#due.set(key, Math.max(due, time + this.#interval));
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
