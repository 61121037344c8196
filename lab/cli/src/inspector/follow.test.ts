import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { TestClock } from '@ifactor/common/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { actorOf } from '../log/lives.ts';
import { selectsEvent } from '../log/selector.ts';
import type { Selector } from '../log/selector.ts';
import type { LogSource, WantedInterface } from '../log/source.ts';
import { Feed } from './feed.ts';
import { EventLog } from './history/log.ts';
import { followFeed } from './follow.ts';
import { pageAnswers } from './server/answer.ts';

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, 30_000);

/** Streams in memory: what they hold, what is added, and how many events were read of them. */
class Streams {
  read = 0;
  #change = Promise.withResolvers<void>();
  readonly #stored: RecordedEvent[];
  readonly #statuses: readonly StatusMessage[];

  constructor(stored: RecordedEvent[], statuses: readonly StatusMessage[] = []) {
    this.#stored = stored;
    this.#statuses = statuses;
  }

  add(...events: RecordedEvent[]): void {
    this.#stored.push(...events);
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  readonly open = async (): Promise<LogSource> => {
    const closed = Promise.withResolvers<null>();
    const comes = (): Promise<unknown> => Promise.race([closed.promise, this.#change.promise.then(() => true)]);
    return {
      bounds: async () => ({ first: this.#stored.length === 0 ? 0 : 1, last: this.#stored.length }),
      events: (selector, { after = 0, upTo = Infinity } = {}) => this.#pick(selector, after, upTo),
      follow: (selector, { after = 0 } = {}) => this.#follow(selector, after, comes),
      statuses: () => this.#said(async () => null),
      followStatuses: () => this.#said(comes),
      wanted: () => this.#wanted(),
      close: async () => closed.resolve(null),
    };
  };

  async *#pick(selector: Selector, after: number, upTo: number): AsyncGenerator<RecordedEvent> {
    for (const event of this.#stored.slice(after, upTo)) {
      if (!selectsEvent(selector, event)) continue;
      this.read++;
      yield event;
    }
  }

  async *#follow(selector: Selector, after: number, comes: () => Promise<unknown>): AsyncGenerator<RecordedEvent> {
    for (let next = after; ;) {
      const change = comes();
      const end = this.#stored.length;
      yield* this.#pick(selector, next, end);
      next = end;
      if ((await change) === null) return;
    }
  }

  async *#said(comes: () => Promise<unknown>): AsyncGenerator<StatusMessage> {
    for (const status of this.#statuses) yield status;
    while ((await comes()) !== null);
  }

  async *#wanted(): AsyncGenerator<WantedInterface> {
    for (const { node, key, type, data } of this.#stored)
      if (type === 'SpecChanged') yield { node, key, spec: data.spec };
  }
}

const lives = (names: readonly string[], count: number): RecordedEvent[] =>
  someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, names.map(someKey))
    .take(count)
    .toArray();

function follow(streams: Streams, options: { window: number; spare?: number }): Feed {
  const feed = new Feed({ kind: 'live', name: 'nats' });
  const stop = new AbortController();
  const ended = followFeed({ feed, name: 'nats', open: streams.open, ...options }, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return feed;
}

test('a window of the stream is read, and more of it when a page asks', async () => {
  const events = lives(['a', 'b'], 1000);
  const streams = new Streams(events);
  const feed = follow(streams, { window: 100 });
  await eventually(() => expect(feed.source.held).toEqual({ start: 900, since: events[900]?.time, more: true }));
  expect(streams.read).toBe(100);
  await pageAnswers.earlier(feed, {});
  await eventually(() => expect(feed.source.held?.start).toBe(800));
  expect(() => pageAnswers.moment(feed, { at: 799 })).toThrow('event 799 is earlier than what is held');
  expect(await pageAnswers.moment(feed, { at: 850 })).toMatchObject({ time: events[849]?.time });
  for (const start of [600, 200, 0]) {
    await pageAnswers.earlier(feed, {});
    await eventually(() => expect(feed.source.held?.start ?? 0).toBe(start));
  }
  expect(feed.source.held, 'all is held').toBeUndefined();
});

test('what comes is appended; when it is a lot, the oldest events are let go', async () => {
  const events = lives(['a', 'b'], 1000);
  const streams = new Streams(events.slice(0, 300));
  const feed = follow(streams, { window: 100, spare: 50 });
  await eventually(() => expect(feed.log.total).toBe(300));
  streams.add(...events.slice(300, 340));
  await eventually(() => expect([feed.log.start, feed.log.total]).toEqual([200, 340]));
  streams.add(...events.slice(340, 360));
  await eventually(() => expect([feed.log.start, feed.log.total]).toEqual([260, 360]));
  streams.add(...events.slice(360));
  await eventually(() => expect(feed.log.total).toBe(1000));
  expect(feed.log.held).toBeLessThanOrEqual(151);
});

test('an actor that only older events tell of is on the map with its state, and its detail is exact', async () => {
  const old = lives(['old'], 60);
  const events = lives(['a', 'b'], 400);
  const last = old.at(-1)!;
  const status: StatusMessage = {
    uid: 'uid-old',
    kind: 'NetlinkInterface',
    namespace: 'default',
    name: 'old',
    node: 'lax1',
    hash: '',
    status: { state: last.state },
  };
  const streams = new Streams([...old, ...events], [status]);
  const feed = follow(streams, { window: 100 });
  const id = actorOf(last);
  await eventually(() => expect(feed.topology.actors.map((actor) => actor.id)).toContain(id));
  expect(feed.topology.actors.find((actor) => actor.id === id)).toMatchObject({ interfaceName: 'old', type: 'bridge' });
  expect(feed.log.states(feed.log.total)[id]).toBe(last.state);
  const detail = await pageAnswers.actor(feed, { actor: id, at: null });
  expect(detail).toMatchObject({ state: last.state, events: 60 });
  expect(detail.fields.find(({ name }) => name === 'mtu')).toBeDefined();
});

test.each(['constructor', '__proto__'])('an object and a link called %s are shown like any other', async (name) => {
  const events = lives([name, 'other'], 200);
  const feed = follow(new Streams(events), { window: 100 });
  const id = actorOf(events[0]!);
  await eventually(() => expect(feed.topology.actors.map((actor) => actor.id)).toContain(id));
  expect(feed.topology.actors.find((actor) => actor.id === id)).toMatchObject({ interfaceName: name });
  expect(Object.keys(feed.log.states(feed.log.total))).toContain(id);
  const detail = await pageAnswers.actor(feed, { actor: id, at: null });
  expect(detail).toMatchObject({ state: events.findLast(({ key }) => key.name === name)?.state });
  expect(detail.fields.length).toBeGreaterThan(3);
});

test('a reader does not wait long for a long history: it is shown what is known, and told when all is', async () => {
  const events = lives(['a'], 100);
  const log = new EventLog(60);
  for (const event of events.slice(60)) log.append(event);
  const clock = new TestClock();
  const feed = new Feed({ kind: 'live', name: 'nats' }, undefined, clock);
  const { promise, resolve: release } = Promise.withResolvers<void>();
  feed.reset(log, {
    earlier: null,
    async *history() {
      await promise;
      yield* events.slice(0, 60);
    },
  });
  const told: unknown[] = [];
  feed.watch(({ tell }) => told.push(tell));
  const request = { actor: actorOf(events[0]!), at: null };
  const asked = pageAnswers.actor(feed, request);
  await clock.pass(1500);
  expect(await asked).toMatchObject({ partial: true, state: events.at(-1)?.state });
  await feed.settled();
  told.length = 0;
  release();
  expect(await pageAnswers.actor(feed, request)).not.toHaveProperty('partial');
  await clock.pass(100);
  expect(told).toContain('moment');
  expect(await pageAnswers.actor(feed, request)).toMatchObject({ events: 100 });
});
