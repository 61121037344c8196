import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Backoff, sleep, systemClock, systemRandom } from '@ifactor/common';
import type { Outage } from '../view/outage.ts';

/** The last message of a subject. `sequence` is its place in the stream, `time` when the server stored it, in ms. */
export type Entry = { subject: string; sequence: number; time: number; header(name: string): string; body: string };

/** The last message per subject of a stream, kept up; survives a restart of the server, with or without its store. */
export type Follower = {
  get(subject: string): Entry | undefined;
  all(): Iterable<Entry>;
  /** What was published or read by other means, so that it need not come back before it counts. */
  put(entry: Entry): void;
  /** The stream was found to hold nothing on the subject. */
  forget(subject: string): void;
  /** Resolves when everything that the stream held at first has been read. */
  readonly settled: Promise<void>;
  readonly stopped: Promise<void>;
};

export type FollowerOptions = {
  connection: NatsConnection;
  stream: string;
  /** Makes the stream if it is missing (the server may have lost its store). */
  prepare: () => Promise<unknown>;
  /** Told while the stream cannot be read. */
  outage: Outage;
  signal: AbortSignal;
  /** Called after the change is in the cache; `entry` is undefined when the stream has nothing more on the subject. */
  onChange: (subject: string, entry: Entry | undefined) => void;
};

/** After these the ordered consumer would go on from its old place, which is wrong if the stream was made anew. */
const upsets = new Set([
  'consumer_not_found',
  'stream_not_found',
  'consumer_deleted',
  'ordered_consumer_recreated',
  'reset',
]);

export function follow({ connection, stream, prepare, outage, signal, onChange }: FollowerOptions): Follower {
  const js = jetstream(connection);
  const cache = new Map<string, Entry>();
  const settled = Promise.withResolvers<void>();
  const backoff = new Backoff({ first: 100, most: 5000 }, systemRandom);

  function put(entry: Entry): void {
    const before = cache.get(entry.subject);
    if (before !== undefined && before.sequence >= entry.sequence) return;
    cache.set(entry.subject, entry);
    onChange(entry.subject, entry);
  }

  function forget(subject: string): void {
    if (cache.delete(subject)) onChange(subject, undefined);
  }

  /** Reads the stream from its beginning and follows it until something upsets the consumer. */
  async function round(): Promise<void> {
    await prepare();
    const consumer = await js.consumers.get(stream, { deliver_policy: DeliverPolicy.LastPerSubject });
    const { num_pending: waiting, delivered } = await consumer.info();
    const seen = new Set<string>();
    let caughtUp = false;
    const finish = (): void => {
      caughtUp = true;
      for (const subject of cache.keys()) if (!seen.has(subject)) forget(subject);
      outage.up(stream);
      backoff.reset();
      settled.resolve();
    };
    const messages = await consumer.consume({ max_messages: 1000, idle_heartbeat: 5000 });
    const stop = (): void => messages.stop();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const watching = Promise.all([guard(messages), reconnect(connection, messages)]);
    try {
      if (waiting === 0 && delivered.stream_seq === 0) finish();
      for await (const message of messages) {
        const entry = entryOf(message);
        if (!caughtUp) {
          seen.add(entry.subject);
          // A stream made anew counts from 1 again: the old entry must not win by its number.
          const before = cache.get(entry.subject);
          if (before !== undefined && before.sequence > entry.sequence) cache.delete(entry.subject);
        }
        put(entry);
        if (!caughtUp && message.info.pending === 0) finish();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      messages.stop();
      await watching;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted && !connection.isClosed()) {
      try {
        await round();
      } catch (error) {
        if (signal.aborted || connection.isClosed()) return;
        outage.down(stream, 'waiting for NATS', error);
      }
      await sleep(systemClock, backoff.next(), signal);
    }
  }

  const stopped = run();
  return {
    get: (subject) => cache.get(subject),
    all: () => cache.values(),
    put,
    forget,
    settled: settled.promise,
    stopped,
  };
}

async function guard(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (upsets.has(type)) messages.stop();
}

/** Ends the round when the connection was made anew: the server behind it may have another store. */
async function reconnect(connection: NatsConnection, messages: ConsumerMessages): Promise<void> {
  const status = connection.status();
  const ended = messages.closed().then(() => 'ended' as const);
  const iterator = status[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([ended, iterator.next()]);
    if (next === 'ended' || next.done) break;
    if (next.value.type === 'reconnect') messages.stop();
  }
  void iterator.return?.();
}

function entryOf(message: JsMsg): Entry {
  const { subject, seq: sequence, headers } = message;
  return {
    subject,
    sequence,
    time: message.time.getTime(),
    header: (name) => headers?.get(name) ?? '',
    body: message.string(),
  };
}
