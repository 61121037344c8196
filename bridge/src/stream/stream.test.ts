import { formatDesiredSubject } from '@ifactor/crds';
import { systemClock, systemRandom } from '@ifactor/common';
import { SequenceConflict } from '@ifactor/common/eventStore';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { draft, tombstone } from '../desired/draft.ts';
import { createOutage } from '../view/outage.ts';
import { createSealer } from '../desired/seal.ts';
import { startNats, until } from '@ifactor/common/testing';
import { quiet, registered, secret, wireguard } from '../testing/objects.ts';
import { follow } from './follower.ts';
import type { StreamFollower } from './follower.ts';
import { createPublisher, readDesired } from './publisher.ts';
import type { Draft } from '../desired/draft.ts';

const subject = (name: string): string =>
  formatDesiredSubject({ node: 'lax1', kind: 'wireguardinterface', namespace: 'default', name });
const secrets = { get: () => undefined, forbidden: false };

type Side = {
  connection: NatsConnection;
  last: StreamFollower;
  /** Decides from what the follower has. */
  publisher: { publish(subject: string, draft: Draft): Promise<void> };
  changes: string[];
  stop: AbortController;
};

async function side(connection: NatsConnection): Promise<Side> {
  const stop = new AbortController();
  const changes: string[] = [];
  const store = eventStoreOf(connection);
  const last = follow({
    store,
    stream: streams.desired,
    outage: createOutage(quiet, 'back'),
    clock: systemClock,
    random: systemRandom,
    signal: stop.signal,
    onChange: (at, entry) => changes.push(`${entry === undefined ? '-' : '+'}${at.split('.').at(-1)}`),
  });
  await last.settled;
  const publisher = createPublisher({
    store,
    follower: last,
    sealer: createSealer(),
    leads: () => true,
    clock: systemClock,
  });
  return {
    connection,
    last,
    publisher: { publish: (at, wish) => publisher.publish(at, wish, last.get(at)) },
    changes,
    stop,
  };
}

async function messages(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection);
  return (await manager.streams.info(streams.desired)).state.last_seq;
}

test('a wish is stored once, however often it is published', async () => {
  await using nats = await startNats();
  const { publisher, connection, last, stop } = await side(await nats.connect());
  const wish = draft(wireguard('wg1'), secrets, undefined);
  await publisher.publish(subject('wg1'), wish);
  await publisher.publish(subject('wg1'), wish);
  expect(await messages(connection)).toBe(1);
  const entry = last.get(subject('wg1'));
  expect(entry && readDesired(entry)).toMatchObject({ name: 'wg1', uid: 'uid-wg1', spec: { node: 'lax1' } });
  stop.abort();
});

test('wanting again what was wanted before is another message', async () => {
  await using nats = await startNats();
  const { publisher, connection, last, stop } = await side(await nats.connect());
  const one = draft(wireguard('wg1', { mtu: 1400 }), secrets, undefined);
  const two = draft(wireguard('wg1', { mtu: 1300 }), secrets, undefined);
  for (const wish of [one, two, one]) await publisher.publish(subject('wg1'), wish);
  expect(await messages(connection)).toBe(3);
  const entry = last.get(subject('wg1'));
  expect(entry && readDesired(entry)?.spec['mtu']).toBe(1400);
  stop.abort();
});

test('two bridges that say the same store it once; one that has not seen what the other wrote decides again', async () => {
  await using nats = await startNats();
  const a = await side(await nats.connect());
  const b = await side(await nats.connect());
  const wish = draft(wireguard('wg1'), secrets, undefined);
  await Promise.all([a.publisher.publish(subject('wg1'), wish), b.publisher.publish(subject('wg1'), wish)]);
  expect(await messages(a.connection)).toBe(1);
  const next = draft(wireguard('wg1', { mtu: 1300 }), secrets, undefined);
  await b.publisher.publish(subject('wg1'), next);
  // a decided from the first message, which is not the last any more.
  const seen = a.last.get(subject('wg1'));
  if (seen?.sequence === 1) {
    const late = draft(wireguard('wg1', { mtu: 1200 }), secrets, undefined);
    await expect(a.publisher.publish(subject('wg1'), late)).rejects.toBeInstanceOf(SequenceConflict);
  }
  await until(() => a.last.get(subject('wg1'))?.sequence === 2);
  a.stop.abort();
  b.stop.abort();
});

test('a secret is sealed to the node and stands nowhere in the open', async () => {
  await using nats = await startNats();
  const { publisher, last, stop } = await side(await nats.connect());
  const key = Buffer.alloc(32, 9);
  const { entry: node, open } = registered('lax1');
  const object = wireguard('wg1', { privateKeySecretRef: { name: 'key', key: 'k', namespace: 'default' } });
  const store = { get: () => secret('key', { k: key }), forbidden: false };
  await publisher.publish(subject('wg1'), draft(object, store, node));
  const entry = last.get(subject('wg1'));
  const [sealed] = (entry && readDesired(entry)?.secrets) ?? [];
  expect(sealed).toMatchObject({ ref: 'privateKey', version: 'uid-secret-key@7' });
  expect(open(sealed?.sealed ?? '', sealed?.sender ?? '')).toBe(key.toString('base64'));
  expect(entry?.body).not.toContain(key.toString('base64'));
  stop.abort();
});

test('a server that comes back with its store goes on; without it, everything is known to be gone', async () => {
  await using nats = await startNats();
  const { publisher, last, changes, connection, stop } = await side(await nats.connect());
  for (const name of ['wg1', 'wg2', 'wg3'])
    await publisher.publish(subject(name), draft(wireguard(name), secrets, undefined));
  const third = last.get(subject('wg3'))?.sequence;
  await nats.kill();
  await nats.start();
  await until(async () => (await connection.rtt().catch(() => undefined)) !== undefined, 'reconnection');
  await publisher.publish(subject('wg4'), draft(wireguard('wg4'), secrets, undefined));
  expect(last.get(subject('wg3'))?.sequence).toBe(third);
  expect(changes).not.toContain('-wg1');

  await nats.kill('SIGTERM');
  nats.wipe();
  await nats.start();
  await until(() => changes.includes('-wg1') && changes.includes('-wg4'), 'the loss');
  const gone = last.get(subject('wg1'));
  expect(gone).toBeUndefined();
  await publisher.publish(subject('wg1'), draft(wireguard('wg1'), secrets, undefined));
  expect(await messages(connection)).toBe(1);
  stop.abort();
}, 30_000);

test('a tombstone keeps who it was and nothing of what was wanted', async () => {
  const wish = draft(wireguard('wg1', { mtu: 1400 }), secrets, undefined);
  const { desired, open } = tombstone({ ...wish.desired, secrets: [] });
  expect(desired).toMatchObject({ uid: 'uid-wg1', deleted: true, spec: {}, missing: [] });
  expect(open).toEqual([]);
});
