import { formatDesiredSubject } from '@ifactor/crds';
import { systemClock, systemRandom } from '@ifactor/common';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { draft } from '../desired/draft.ts';
import { createOutage } from '../view/outage.ts';
import { createSealer } from '../desired/seal.ts';
import { startNats, until } from '@ifactor/common/testing';
import { quiet, wireguard } from '../testing/objects.ts';
import { testSigner } from '../testing/signing.ts';
import { follow } from './follower.ts';
import type { StreamFollower } from './follower.ts';
import { createPublisher } from './publisher.ts';
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
    signer: testSigner(systemClock),
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
