import type { Clock, Random } from '@ifactor/common';
import { followLast } from '@ifactor/common/eventStore';
import type { EventStore, StoredMessage } from '@ifactor/common/eventStore';
import type { Outage } from '../view/outage.ts';

/** The last message of a subject. */
export type Entry = StoredMessage;

/** The last message per subject of a stream, kept current; survives a restart of the server, with or without its store. */
export type StreamFollower = {
  get(subject: string): Entry | undefined;
  all(): Iterable<Entry>;
  /** Adds what was published or read by other means, so that it counts before the stream returns it. */
  put(entry: Entry): void;
  /** Removes the subject: the stream was found to have no message on it. */
  forget(subject: string): void;
  /** Resolves when all messages that the stream had at start have been read. */
  readonly settled: Promise<void>;
  readonly stopped: Promise<void>;
};

export type FollowerOptions = {
  store: EventStore;
  stream: string;
  /** Called while the stream cannot be read. */
  outage: Outage;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
  /** Called after the cache was updated; `entry` is undefined when the stream has no message on the subject any more. */
  onChange: (subject: string, entry: Entry | undefined) => void;
};

export function follow({ store, stream, outage, clock, random, signal, onChange }: FollowerOptions): StreamFollower {
  const cache = new Map<string, Entry>();
  const settled = Promise.withResolvers<void>();

  function put(entry: Entry): void {
    const before = cache.get(entry.subject);
    if (before !== undefined && before.sequence >= entry.sequence) return;
    cache.set(entry.subject, entry);
    onChange(entry.subject, entry);
  }

  function forget(subject: string): void {
    if (cache.delete(subject)) onChange(subject, undefined);
  }

  const stopped = followLast({
    store,
    stream,
    filter: '>',
    handlers: {
      onMessage(entry, behind) {
        // A stream that was created again counts from 1: the old entry must not win by its higher sequence.
        const before = cache.get(entry.subject);
        if (behind && before !== undefined && before.sequence > entry.sequence) cache.delete(entry.subject);
        put(entry);
      },
      onCaughtUp(subjects) {
        for (const subject of cache.keys()) if (!subjects.has(subject)) forget(subject);
        outage.up(stream);
        settled.resolve();
      },
      onFailure: (error) => outage.down(stream, 'waiting for NATS', error),
    },
    runtime: { clock, random },
    signal,
  });
  return {
    get: (subject) => cache.get(subject),
    all: () => cache.values(),
    put,
    forget,
    settled: settled.promise,
    stopped,
  };
}
