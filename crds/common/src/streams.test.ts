import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiscardPolicy, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';
import {
  ensureStreams,
  eventStoreOf,
  expireNodeEntries,
  knownNodesStream,
  knownNodeSubject,
  maxMessageBytes,
  nodesBucket,
  raiseStreams,
  readStreamMetadata,
  streams,
  streamsAreCurrent,
  writeStreamMetadata,
} from './nats.ts';
import { StreamFull } from './eventStore/index.ts';
import { fillServer, startNats } from './testing/natsServer.ts';

const names = [...Object.values(streams), `KV_${nodesBucket}`, knownNodesStream];
const wish = (name: string): string => `ifactor.desired.lax1.netlinkinterface.default.${name}`;
const event = (name: string): string => `ifactor.event.lax1.netlinkinterface.default.${name}.LinkCreated`;

async function connect(): Promise<NatsConnection> {
  const nats = await startNats();
  onTestFinished(() => nats[Symbol.asyncDispose]());
  return nats.connect();
}

test('every stream has bounds; what is wanted is never dropped for room, the history is', async () => {
  const connection = await connect();
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection);
  for (const name of names) {
    const { config } = await manager.streams.info(name);
    expect(config).toMatchObject({ max_msg_size: maxMessageBytes, num_replicas: 1, storage: 'file' });
    expect(config.max_bytes).toBeGreaterThan(1 << 20);
    expect(config.discard).toBe(name === streams.events ? DiscardPolicy.Old : DiscardPolicy.New);
  }
  expect(await streamsAreCurrent(connection)).toBe(true);
});

test('entries of nodes expire, in a bucket of an older release once that is asked for; records of known nodes never do', async () => {
  const connection = await connect();
  const manager = await jetstreamManager(connection);
  const ages = async () =>
    Promise.all(
      [`KV_${nodesBucket}`, knownNodesStream].map(async (name) => (await manager.streams.info(name)).config.max_age),
    );
  const week = 7 * 24 * 3600 * 1e9;
  await new Kvm(connection).create(nodesBucket, { history: 1 });
  await ensureStreams(connection);
  expect(await ages()).toEqual([0, 0]);
  await expireNodeEntries(connection);
  expect(await ages()).toEqual([week, 0]);
  await manager.streams.update(`KV_${nodesBucket}`, { max_age: 2 * week });
  await expireNodeEntries(connection);
  expect(await ages()).toEqual([2 * week, 0]);
  await manager.streams.delete(`KV_${nodesBucket}`);
  await ensureStreams(connection);
  expect(await ages()).toEqual([week, 0]);
});

test('what an operator has set stays', async () => {
  const connection = await connect();
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection);
  await manager.streams.update(streams.events, { max_bytes: 4 << 20 });
  await ensureStreams(connection);
  await raiseStreams(connection);
  expect((await manager.streams.info(streams.events)).config.max_bytes).toBe(4 << 20);
});

test('a full history takes new events and stops no wish; a full stream of wishes takes newer ones of what it has', async () => {
  const connection = await connect();
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection);
  await manager.streams.update(streams.events, { max_bytes: 1 << 20 });
  await manager.streams.update(streams.desired, { max_bytes: 1 << 20 });
  const store = eventStoreOf(connection);
  const body = 'x'.repeat(200_000);
  for (let at = 0; at < 8; at++)
    await store.append(streams.events, { subject: event(`br${at}`), body, headers: {}, id: `event ${at}` });
  const { state } = await manager.streams.info(streams.events);
  expect(state.bytes).toBeLessThanOrEqual(1 << 20);
  expect(state.last_seq).toBe(8);
  await store.append(streams.desired, { subject: wish('br0'), body, headers: {} });

  for (let at = 1; at < 5; at++) await store.append(streams.desired, { subject: wish(`br${at}`), body, headers: {} });
  const refused = store.append(streams.desired, { subject: wish('br5'), body, headers: {} });
  await expect(refused).rejects.toThrow(StreamFull);
  await expect(refused).rejects.toThrow(/^stream IFACTOR_DESIRED is full: raise its limit \(nats stream edit/);
  const last = await store.last(streams.desired, wish('br4'));
  await store.append(streams.desired, {
    subject: wish('br4'),
    body: 'newer',
    headers: {},
    expectedSequence: last?.sequence ?? 0,
  });
  expect((await store.last(streams.desired, wish('br4')))?.body).toBe('newer');
  expect((await store.last(streams.desired, wish('br0')))?.body).toBe(body);
});

test('a server whose store is full refuses every message by its type, and takes them when there is room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ift-full-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const configuration = join(folder, 'nats.conf');
  writeFileSync(configuration, 'jetstream { max_file_store: 300MB }\n');
  const nats = await startNats({ folder, flags: ['-c', configuration] });
  onTestFinished(() => nats[Symbol.asyncDispose]());
  const connection = await nats.connect();
  // At a sixteenth of the usual sizes.
  await ensureStreams(connection);
  const store = eventStoreOf(connection);
  await store.append(streams.desired, { subject: wish('br0'), body: 'x', headers: {} });
  await fillServer(connection);
  for (const [stream, subject] of [
    [streams.desired, wish('br0')],
    [streams.events, event('br0')],
    [knownNodesStream, knownNodeSubject('lax1')],
  ] as const) {
    const refused = store.append(stream, { subject, body: 'x', headers: {} });
    await expect(refused).rejects.toThrow(StreamFull);
    await expect(refused).rejects.toThrow(`NATS has no room to store messages in ${stream} or any other`);
  }
  await (await jetstreamManager(connection)).streams.delete('FILLER');
  await store.append(streams.desired, { subject: wish('br0'), body: 'y', headers: {} });
  expect((await store.last(streams.desired, wish('br0')))?.body).toBe('y');
});

test('a server without a cluster cannot hold three copies, and says so when they are asked for', async () => {
  const connection = await connect();
  await expect(ensureStreams(connection, { replicas: 3 })).rejects.toThrow('replicas');
  await ensureStreams(connection);
  await expect(raiseStreams(connection, { replicas: 3 })).rejects.toThrow(
    'IFACTOR_DESIRED cannot have 3 replicas here',
  );
});

test('an installation without bounds gets them, and keeps what it holds', async () => {
  const connection = await connect();
  const manager = await jetstreamManager(connection);
  // The stream configuration of earlier releases.
  for (const [name, subjects] of [
    [streams.desired, 'ifactor.desired.>'],
    [streams.events, 'ifactor.event.>'],
    [streams.status, 'ifactor.status.>'],
  ] as const) {
    await manager.streams.add({
      name,
      subjects: [subjects],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      allow_direct: true,
      ...(name !== streams.events && { max_msgs_per_subject: 1 }),
    });
  }
  const bucket = await new Kvm(connection).create(nodesBucket, { history: 1 });
  await bucket.put('lax1', 'entry');
  const store = eventStoreOf(connection);
  await store.append(streams.desired, { subject: wish('br0'), body: 'wish', headers: {} });
  await ensureStreams(connection);
  expect((await manager.streams.info(streams.desired)).config.max_bytes).toBe(-1);

  const raised = await raiseStreams(connection);
  expect(raised.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  for (const name of names) {
    const { config } = await manager.streams.info(name);
    expect(config.max_bytes).toBeGreaterThan(0);
    expect(config.max_msg_size).toBe(maxMessageBytes);
  }
  expect((await manager.streams.info(streams.desired)).config.discard).toBe(DiscardPolicy.New);
  expect((await store.last(streams.desired, wish('br0')))?.body).toBe('wish');
  expect((await bucket.get('lax1'))?.string()).toBe('entry');
});

test('a stream carries metadata, which a change of its bounds keeps', async () => {
  const connection = await connect();
  expect(await readStreamMetadata(connection)).toBeUndefined();
  await ensureStreams(connection);
  expect((await readStreamMetadata(connection))?.['cluster']).toBeUndefined();
  await writeStreamMetadata(connection, { cluster: 'uid-1' });
  await writeStreamMetadata(connection, { other: 'x' });
  await raiseStreams(connection);
  expect(await readStreamMetadata(connection)).toMatchObject({ cluster: 'uid-1', other: 'x' });
  const { config } = await (await jetstreamManager(connection)).streams.info(streams.desired);
  expect(config).toMatchObject({ max_msgs_per_subject: 1, discard: DiscardPolicy.New });
});
