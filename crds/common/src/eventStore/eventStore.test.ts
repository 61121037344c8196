import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { systemRandom } from '../random.ts';
import { eventStoreOf, streams } from '../nats.ts';
import { createMemoryEventStore } from '../testing/memoryEventStore.ts';
import { startNats } from '../testing/natsServer.ts';
import { until } from '../testing/until.ts';
import { followLast, matches, NotConnected, SequenceConflict, StreamMissing } from './index.ts';
import type { EventStore, NewMessage } from './index.ts';

/* The contract of every event store: nats-server's JetStream, and the in-memory one that tests use. */

type Bench = {
  connect(): Promise<EventStore>;
  /** Breaks every connection. */
  cut(): Promise<void>;
  /** They reconnect without help. */
  mend(): Promise<void>;
  /** Deletes a stream while clients are connected. */
  lose(stream: string): Promise<void>;
};

async function natsBench(): Promise<Bench> {
  const nats = await startNats();
  onTestFinished(() => nats[Symbol.asyncDispose]());
  return {
    connect: async () => eventStoreOf(await nats.connect()),
    cut: () => nats.kill(),
    mend: () => nats.start(),
    async lose(stream) {
      await (await jetstreamManager(await nats.connect())).streams.delete(stream);
    },
  };
}

function memoryBench(): Promise<Bench> {
  const { desired, events, status } = streams;
  const memory = createMemoryEventStore(systemClock, {
    [desired]: 'last per subject',
    [events]: 'all',
    [status]: 'last per subject',
  });
  const connections: ReturnType<typeof memory.connect>[] = [];
  return Promise.resolve({
    connect() {
      const connection = memory.connect();
      connections.push(connection);
      return Promise.resolve(connection);
    },
    cut: () => Promise.resolve(connections.forEach((one) => one.disconnect())),
    mend: () => Promise.resolve(connections.forEach((one) => one.reconnect())),
    lose: (stream) => Promise.resolve(memory.lose(stream)),
  });
}

const wish = (name: string): string => `ifactor.desired.lax1.netlinkinterface.default.${name}`;
const event = (name: string, type = 'LinkCreated'): string =>
  `ifactor.event.lax1.netlinkinterface.default.${name}.${type}`;
const message = (subject: string, body = 'x', more: Partial<NewMessage> = {}): NewMessage => ({
  subject,
  body,
  headers: {},
  ...more,
});
const all = 'ifactor.>';

describe.each([
  ['in memory', memoryBench],
  ['of nats-server', natsBench],
])('an event store %s', (_, startBench) => {
  async function prepared(): Promise<{ bench: Bench; store: EventStore }> {
    const bench = await startBench();
    const store = await bench.connect();
    await store.prepare();
    return { bench, store };
  }

  test('numbers messages in the order of the calls, and gives each back as it was stored', async () => {
    const { store } = await prepared();
    const before = Date.now();
    const appended = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        store.append(streams.events, message(event(name), `body of ${name}`, { headers: { 'ce-id': name } })),
      ),
    );
    expect(appended).toEqual([1, 2, 3].map((sequence) => ({ sequence, duplicate: false })));
    const last = await store.last(streams.events, event('b'));
    expect(last).toMatchObject({ subject: event('b'), sequence: 2, body: 'body of b' });
    expect([last?.header('ce-id'), last?.header('none')]).toEqual(['b', '']);
    expect(last?.time).toBeGreaterThanOrEqual(before - 1000);
    const state = await store.state(streams.events);
    expect(state.last).toBe(3);
    expect(state.now).toBeGreaterThanOrEqual(last?.time ?? Infinity);
  });

  test('stores a message with a known id once', async () => {
    const { store } = await prepared();
    await store.append(streams.events, message(event('a'), 'one', { id: 'first' }));
    await store.append(streams.events, message(event('a'), 'two', { id: 'second' }));
    expect(await store.append(streams.events, message(event('a'), 'one', { id: 'first' }))).toEqual({
      sequence: 1,
      duplicate: true,
    });
    expect((await store.state(streams.events)).last).toBe(2);
  });

  test('refuses what expects another last message of the subject, and says so by its type', async () => {
    const { store } = await prepared();
    await store.append(streams.desired, message(wish('a'), 'one', { expectedSequence: 0 }));
    await store.append(streams.desired, message(wish('b'), 'one', { expectedSequence: 0 }));
    for (const expectedSequence of [0, 2, 7]) {
      await expect(
        store.append(streams.desired, message(wish('a'), 'two', { expectedSequence })),
      ).rejects.toBeInstanceOf(SequenceConflict);
    }
    expect((await store.last(streams.desired, wish('a')))?.body).toBe('one');
    expect(await store.append(streams.desired, message(wish('a'), 'two', { expectedSequence: 1 }))).toEqual({
      sequence: 3,
      duplicate: false,
    });
  });

  test('lets one of many win who expect the same', async () => {
    const { bench, store } = await prepared();
    const others = [store, await bench.connect(), await bench.connect()];
    const tries = await Promise.allSettled(
      others.map((one, at) => one.append(streams.desired, message(wish('a'), String(at), { expectedSequence: 0 }))),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of tries) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(SequenceConflict);
  });

  test('keeps the last message per subject of what is desired, and every event', async () => {
    const { store } = await prepared();
    for (const body of ['one', 'two']) {
      await store.append(streams.desired, message(wish('a'), body));
      await store.append(streams.events, message(event('a'), body));
    }
    expect((await store.next(streams.desired, 1, all))?.sequence).toBe(2);
    expect((await store.next(streams.events, 1, all))?.sequence).toBe(1);
    expect((await store.next(streams.events, 2, event('a')))?.body).toBe('two');
    expect(await store.next(streams.events, 3, all)).toBeUndefined();
    expect(await store.last(streams.desired, wish('b'))).toBeUndefined();
  });

  test('takes out one message, or all of a subject up to one', async () => {
    const { store } = await prepared();
    for (const name of ['a', 'b', 'a', 'a']) await store.append(streams.events, message(event(name), name));
    await store.remove(streams.events, 3);
    await store.remove(streams.events, 3);
    expect((await store.next(streams.events, 2, event('a')))?.sequence).toBe(4);
    await store.purge(streams.events, event('a'), 1);
    expect((await store.next(streams.events, 1, all))?.sequence).toBe(2);
    await store.purge(streams.events, event('a'));
    expect((await store.last(streams.events, all))?.subject).toBe(event('b'));
    // Sequences of removed messages are not used again.
    expect((await store.append(streams.events, message(event('a')))).sequence).toBe(5);
  });

  test('says by its type that a stream is missing', async () => {
    const bench = await startBench();
    const store = await bench.connect();
    const { signal } = new AbortController();
    await expect(store.state(streams.desired)).rejects.toBeInstanceOf(StreamMissing);
    await expect(store.last(streams.desired, all)).rejects.toBeInstanceOf(StreamMissing);
    await expect(store.purge(streams.desired, all)).rejects.toBeInstanceOf(StreamMissing);
    await expect(store.follow(streams.desired, all, signal)[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(
      StreamMissing,
    );
    await expect(store.append(streams.desired, message(wish('a')))).rejects.toThrow(/stream/);
    await store.prepare();
    await store.prepare();
    expect((await store.state(streams.desired)).last).toBe(0);
  });

  test('is followed from the last message per subject on, until the signal', async () => {
    const { store } = await prepared();
    for (const name of ['a', 'b', 'a']) await store.append(streams.events, message(event(name), name));
    const stop = new AbortController();
    const seen: (string | number)[] = [];
    const following = (async () => {
      for await (const one of store.follow(streams.events, 'ifactor.event.*.*.*.a.>', stop.signal))
        seen.push(one.type === 'message' ? one.message.sequence : one.type);
    })();
    await until(() => seen.includes('caughtUp'));
    await store.append(streams.events, message(event('b')));
    await store.append(streams.events, message(event('a')));
    await until(() => seen.length === 3);
    expect(seen).toEqual([3, 'caughtUp', 5]);
    stop.abort();
    await following;
  });

  test('says to a follower that it has caught up where every message is gone', async () => {
    const { store } = await prepared();
    for (const name of ['a', 'b']) await store.append(streams.desired, message(wish(name)));
    await store.purge(streams.desired, 'ifactor.desired.>');
    const stop = new AbortController();
    for await (const followed of store.follow(streams.desired, '>', stop.signal)) {
      expect(followed).toEqual({ type: 'caughtUp' });
      stop.abort();
    }
  });

  test('goes on for a reader by name where it stopped', async () => {
    const { store } = await prepared();
    let sent = 0;
    const send = () => store.append(streams.events, message(event('a'), String(sent++)));
    await send();
    const read = () => {
      const stop = new AbortController();
      const bodies: string[] = [];
      const ended = (async () => {
        for await (const { body } of store.consume(streams.events, 'reader', 'ifactor.event.>', stop.signal))
          bodies.push(body);
      })();
      const end = (): Promise<void> => {
        stop.abort();
        return ended;
      };
      return { bodies, end };
    };
    const first = read();
    // A new consumer does not get messages stored before its first use.
    await until(async () => first.bodies.length > 0 || (await send(), undefined));
    await until(() => first.bodies.at(-1) === String(sent - 1));
    expect(first.bodies[0]).not.toBe('0');
    await first.end();
    await send();
    await send();
    const second = read();
    await until(() => second.bodies.length === 2);
    expect(second.bodies).toEqual([String(sent - 2), String(sent - 1)]);
    await second.end();
  });

  test('refuses a message over a connection that is broken, and takes it when that is mended', async () => {
    const { bench, store } = await prepared();
    const broken = store.session();
    const lost = new Promise((resolve) => broken.addEventListener('abort', resolve));
    await bench.cut();
    await lost;
    await expect(store.append(streams.events, message(event('a')))).rejects.toBeInstanceOf(NotConnected);
    await bench.mend();
    await store.connected();
    expect(await store.append(streams.events, message(event('a')))).toEqual({ sequence: 1, duplicate: false });
  });

  test('is followed over a break of the connection and the loss of a stream', async () => {
    const { bench, store } = await prepared();
    const other = await bench.connect();
    await other.append(streams.desired, message(wish('a'), 'one'));
    await other.append(streams.desired, message(wish('b'), 'one'));
    const stop = new AbortController();
    const caughtUp: string[][] = [];
    let last = '';
    const failures: unknown[] = [];
    const following = followLast({
      store,
      stream: streams.desired,
      filter: 'ifactor.desired.>',
      handlers: {
        onMessage: ({ body }) => (last = body),
        onCaughtUp: (subjects) =>
          void caughtUp.push([...subjects].map((one) => one.split('.').at(-1) ?? '').toSorted()),
        onFailure: (error) => void failures.push(error),
      },
      runtime: { clock: systemClock, random: systemRandom },
      signal: stop.signal,
    });
    await until(() => caughtUp.length === 1);
    await bench.cut();
    await bench.mend();
    await until(() => caughtUp.length === 2, 'a second round', 20_000);
    await bench.lose(streams.desired);
    await until(() => caughtUp.length >= 3, 'a third round', 20_000);
    expect(caughtUp.slice(0, 3)).toEqual([['a', 'b'], ['a', 'b'], []]);
    // What is sent while it reconnects fails, so a failed append is retried.
    const again = (): Promise<boolean> =>
      other.append(streams.desired, message(wish('a'), 'again')).then(
        () => true,
        () => false,
      );
    await until(again, 'an append after the break');
    await until(() => last === 'again');
    stop.abort();
    await following;
  });

  test('tells one life of a stream from the next', async () => {
    const { bench, store } = await prepared();
    const { created } = await store.state(streams.desired);
    expect((await store.state(streams.desired)).created).toBe(created);
    await bench.lose(streams.desired);
    await store.prepare();
    expect((await store.state(streams.desired)).created).not.toBe(created);
  });
});

test('a filter matches token by token', () => {
  expect(matches('a.*.c', 'a.b.c')).toBe(true);
  expect(matches('a.>', 'a.b.c')).toBe(true);
  expect(matches('a.>', 'a')).toBe(false);
  expect(matches('a.*', 'a.b.c')).toBe(false);
  expect(matches('a.b.c', 'a.b')).toBe(false);
  expect(matches('a.b', 'a.c')).toBe(false);
});
