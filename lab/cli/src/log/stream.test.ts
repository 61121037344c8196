import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { someKey, someLives } from '@ifactor/actors/testing';
import { startNats } from '@ifactor/common/testing';
import type { NatsServer } from '@ifactor/common/testing';
import { connectOnce, ensureStreams, eventStoreOf, streams } from '@ifactor/common/nats';
import { encodeEvent, formatDesiredSubject } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Selector } from './selector.ts';
import { selectsEvent } from './selector.ts';
import { newestEvents } from './source.ts';
import type { LogSource } from './source.ts';
import { openStream } from './stream.ts';

const events = someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, ['a', 'b', 'c'].map(someKey))
  .take(600)
  .toArray();
let folder: string;
let nats: NatsServer;
let connection: NatsConnection;
let source: LogSource;

async function publish(list: readonly RecordedEvent[]): Promise<void> {
  const store = eventStoreOf(connection);
  await Promise.all(
    list.map((event) => {
      const envelope = headers();
      const { subject, payload } = encodeEvent(event, envelope);
      const attributes = Object.fromEntries(envelope.keys().map((name) => [name, envelope.get(name)]));
      return store.append(streams.events, { subject, body: payload, headers: attributes });
    }),
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ift-stream-'));
  nats = await startNats({ folder });
  connection = await connectOnce({ servers: nats.url, name: 'test' });
  await ensureStreams(connection);
  await publish(events);
  source = await openStream({ nats: nats.url });
});
afterAll(async () => {
  await source?.close();
  await connection?.close();
  await nats?.stop();
  rmSync(folder, { recursive: true });
});

async function collect(items: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> {
  const list: RecordedEvent[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const idsOf = (list: readonly RecordedEvent[]): string[] => list.map(({ id }) => id);

const selectors: [string, Selector][] = [
  ['everything', {}],
  ['one object', { kind: 'netlinkinterface', namespace: 'default', name: 'b' }],
  ['one type', { types: ['DriftObserved'] }],
  ['two types of one object', { name: 'c', types: ['DriftObserved', 'LinkCreated'] }],
  ['up to a time', { until: Date.parse(events[399]!.time) }],
  ['a rare type', { types: ['SpecChanged'] }],
];

test.each(selectors)('the newest of %s are the last that a whole reading gives', async (_, selector) => {
  const all = events.filter((event) => selectsEvent(selector, event));
  for (const count of [0, 1, 7, 5000]) {
    let cut = false;
    const found = await collect(newestEvents(source, selector, { count, follow: false, onCut: () => (cut = true) }));
    expect(idsOf(found)).toEqual(idsOf(count === 0 ? [] : all.slice(-count)));
    expect(cut, `${count} of ${all.length}`).toBe(count < all.length);
  }
});

test.each(selectors.slice(0, 4))('of %s nothing before is read', async (_, selector) => {
  const all = events.filter((event) => selectsEvent(selector, event));
  const { after, cut } = await source.startOf!(selector, 5);
  expect(cut).toBe(true);
  const read = await collect(source.events(selector, { after }));
  expect(idsOf(read)).toEqual(idsOf(all.slice(-5)));
});

test('a stretch ends where it is told to', async () => {
  expect(await source.bounds!()).toEqual({ first: 1, last: 600 });
  expect(idsOf(await collect(source.events({}, { after: 100, upTo: 103 })))).toEqual(idsOf(events.slice(100, 103)));
  expect(await collect(source.events({ name: 'a' }, { after: 103, upTo: 104 }))).toHaveLength(
    events.slice(103, 104).filter(({ key }) => key.name === 'a').length,
  );
});

test('what comes follows the newest, without a gap', async () => {
  const follower = await openStream({ nats: nats.url });
  onTestFinished(() => follower.close());
  const found: string[] = [];
  const more = events.slice(0, 3).map((event, index) => ({ ...event, id: `lax1.j.${601 + index}` }));
  for await (const { id } of newestEvents(follower, {}, { count: 2, follow: true, onCut: () => {} })) {
    found.push(id);
    if (found.length === 2) await publish(more);
    if (found.length === 5) break;
  }
  expect(found).toEqual([...idsOf(events.slice(-2)), ...idsOf(more)]);
});

const readWanted = async (): Promise<string[]> => {
  const names: string[] = [];
  if (source.wanted) for await (const { key } of source.wanted()) names.push(key.name);
  return names;
};

test('it reads what is wanted, without a consumer, from no message to several batches', async () => {
  expect(await readWanted()).toEqual([]);
  const store = eventStoreOf(connection);
  const object = {
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind: 'NetlinkInterface',
    namespace: 'default',
    name: 'a',
  };
  const version = { uid: 'u', generation: 1, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const body = JSON.stringify({ ...object, ...version, spec: { node: 'lax1' }, secrets: [], missing: [] });
  const keys = Array.from({ length: 1001 }, (_, index) => `a${index}`);
  await Promise.all(
    keys.map((name) => {
      const subject = formatDesiredSubject({ node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name });
      return store.append(streams.desired, { subject, body, headers: {} });
    }),
  );
  expect(await readWanted()).toEqual(keys);
  await store.purge(streams.desired, '>');
});
