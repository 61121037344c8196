import type { Clock } from '../clock.ts';
import { matches, NotConnected, SequenceConflict, StreamMissing } from '../eventStore/eventStore.ts';
import type { EventStore, NewMessage, StoredMessage } from '../eventStore/eventStore.ts';

type Held = StoredMessage & { id: string | undefined };
type Stream = {
  created: string;
  last: number;
  messages: Held[];
  ids: Map<string, number>;
  places: Map<string, number>;
};

/** An event store without a server: any number of connections to the same streams. */
export type MemoryEventStore = {
  connect(): EventStore & { disconnect(): void; reconnect(): void };
  /** Deletes a stream with all that it holds; `prepare` creates it again. */
  lose(stream: string): void;
};

/** How many subjects of a stream keep more than their last message. */
export type MemoryStreams = Readonly<Record<string, 'last per subject' | 'all'>>;

/** @param kinds the streams that `prepare` creates */
export function createMemoryEventStore(clock: Clock, kinds: MemoryStreams): MemoryEventStore {
  const streams = new Map<string, Stream>();
  const changed = new Set<() => void>();
  let lives = 0;
  const tell = (): void => {
    for (const one of changed) one();
  };

  function find(name: string): Stream {
    const stream = streams.get(name);
    if (stream === undefined) throw new StreamMissing(name);
    return stream;
  }

  function append(name: string, { subject, body, headers, id, expectedSequence }: NewMessage) {
    const stream = find(name);
    const before = id === undefined ? undefined : stream.ids.get(id);
    if (before !== undefined) return { sequence: before, duplicate: true };
    const last = stream.messages.findLast((one) => one.subject === subject)?.sequence ?? 0;
    if (expectedSequence !== undefined && expectedSequence !== last)
      throw new SequenceConflict(subject, expectedSequence);
    if (kinds[name] === 'last per subject') stream.messages = stream.messages.filter((one) => one.subject !== subject);
    const sequence = ++stream.last;
    const copy = { ...headers };
    stream.messages.push({ subject, sequence, time: clock.now(), header: (key) => copy[key] ?? '', body, id });
    if (id !== undefined) stream.ids.set(id, sequence);
    tell();
    return { sequence, duplicate: false };
  }

  function prepare(): void {
    for (const name of Object.keys(kinds)) {
      if (streams.has(name)) continue;
      streams.set(name, { created: `life ${++lives}`, last: 0, messages: [], ids: new Map(), places: new Map() });
    }
  }

  function lose(name: string): void {
    streams.delete(name);
    tell();
  }

  function connect(): ReturnType<MemoryEventStore['connect']> {
    let session = new AbortController();
    let connected = Promise.withResolvers<void>();
    connected.resolve();

    /** Runs the server's part one turn later, if the connection is still up. */
    async function ask<T>(work: () => T): Promise<T> {
      const { signal } = session;
      await Promise.resolve();
      signal.throwIfAborted();
      return work();
    }

    /** Messages after a sequence as they come; ends with the signal, the session or the stream. */
    async function* after(name: string, sequence: number, filter: string, signal: AbortSignal) {
      const stream = find(name);
      const ended = AbortSignal.any([signal, session.signal]);
      let wake = Promise.withResolvers<void>();
      const changes = (): void => wake.resolve();
      changed.add(changes);
      ended.addEventListener('abort', changes);
      try {
        for (let at = sequence; ;) {
          wake = Promise.withResolvers();
          if (ended.aborted || streams.get(name) !== stream) return;
          const message = stream.messages.find((one) => one.sequence > at && matches(filter, one.subject));
          if (message === undefined) await wake.promise;
          else {
            at = message.sequence;
            yield message as StoredMessage;
          }
        }
      } finally {
        changed.delete(changes);
        ended.removeEventListener('abort', changes);
      }
    }

    return {
      append(stream, message) {
        const { signal } = session;
        return ask(() => append(stream, message)).catch((cause: unknown) => {
          throw signal.aborted && cause === signal.reason ? new NotConnected(message.subject, { cause }) : cause;
        });
      },
      last: (stream, filter) => ask(() => find(stream).messages.findLast(({ subject }) => matches(filter, subject))),
      next: (stream, from, filter) =>
        ask(() => find(stream).messages.find((one) => one.sequence >= from && matches(filter, one.subject))),
      state: (stream) => ask(() => ({ created: find(stream).created, last: find(stream).last, now: clock.now() })),
      remove: (stream, sequence) =>
        ask(() => {
          const found = find(stream);
          found.messages = found.messages.filter((one) => one.sequence !== sequence);
        }),
      purge: (stream, filter, through = Infinity) =>
        ask(() => {
          const found = find(stream);
          found.messages = found.messages.filter((one) => one.sequence > through || !matches(filter, one.subject));
        }),
      async *follow(name, filter, signal) {
        await ask(() => undefined);
        const { messages } = find(name);
        const lasts = new Map(
          messages.filter(({ subject }) => matches(filter, subject)).map((one) => [one.subject, one]),
        );
        const there = [...lasts.values()].toSorted((a, b) => a.sequence - b.sequence);
        for (const message of there) yield { type: 'message', message };
        yield { type: 'caughtUp' };
        for await (const message of after(name, there.at(-1)?.sequence ?? 0, filter, signal))
          yield { type: 'message', message };
      },
      async *consume(name, reader, filter, signal) {
        await ask(() => undefined);
        const { places, last } = find(name);
        const place = places.get(reader) ?? last;
        places.set(reader, place);
        for await (const message of after(name, place, filter, signal)) {
          yield message;
          places.set(reader, message.sequence);
        }
      },
      prepare: () => ask(prepare),
      connected: () => connected.promise,
      session: () => session.signal,
      maxMessageBytes: 1 << 20,
      disconnect() {
        connected = Promise.withResolvers();
        session.abort(new Error('lost connection'));
      },
      reconnect() {
        session = new AbortController();
        connected.resolve();
      },
    };
  }

  return { connect, lose };
}
