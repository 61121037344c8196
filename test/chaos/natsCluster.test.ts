import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal } from '@ifactor/actors/journal';
import { Shipper, systemRuntime } from '@ifactor/actors/node';
import { readEvents, someEvents, someKey } from '@ifactor/actors/testing';
import { createLog } from '@ifactor/common';
import {
  connectOnce,
  ensureStreams,
  eventStoreOf,
  nodesBucket,
  raiseStreams,
  streams,
  streamsAreCurrent,
} from '@ifactor/common/nats';
import { startNatsCluster, until } from '@ifactor/common/testing';
import type { NatsCluster } from '@ifactor/common/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';

/* Three servers: any one may die, or lose its store, and no acknowledged event is lost, doubled or reordered. */

const node = 'lax1';
const log = createLog('test', 'debug', () => undefined);
const keys = [someKey('a'), someKey('b'), someKey('c')];
const wish = 'ifactor.desired.lax1.netlinkinterface.default.a';

async function connect(url: string): Promise<NatsConnection> {
  const connection = await connectOnce({ servers: url, name: 'test' });
  eventStoreOf(connection);
  onTestFinished(() => connection.close());
  return connection;
}

/** The leader of the stream of wishes, once there is one; each stream has its own. */
async function leaderOf(connection: NatsConnection): Promise<string> {
  return until(
    async () => {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      return manager.streams.info(streams.desired).then(
        ({ cluster }) => cluster?.leader,
        () => undefined,
      );
    },
    'a leader of the stream',
    30_000,
  );
}

const current = (connection: NatsConnection): Promise<unknown> =>
  until(() => streamsAreCurrent(connection).catch(() => false), 'all copies to be current', 60_000);

/** Milliseconds until a wish can be stored again, tried without a break. */
async function outage(connection: NatsConnection): Promise<number> {
  const store = eventStoreOf(connection);
  const start = performance.now();
  await until(
    async () => {
      try {
        return await store.append(streams.desired, { subject: wish, body: String(start), headers: {} });
      } catch {
        return undefined;
      }
    },
    'a wish to be stored',
    60_000,
  );
  return performance.now() - start;
}

async function startStreams(cluster: NatsCluster, replicas?: number): Promise<NatsConnection> {
  const connection = await connect(cluster.url);
  await until(
    () =>
      ensureStreams(connection, replicas === undefined ? {} : { replicas }).then(
        () => true,
        () => false,
      ),
    'the streams',
    60_000,
  );
  return connection;
}

test('a cluster of three survives its leader, a follower, and the loss of each store in turn, under load', async () => {
  await using cluster = await startNatsCluster();
  const connection = await startStreams(cluster);
  const manager = await jetstreamManager(connection);
  for (const name of [...Object.values(streams), `KV_${nodesBucket}`])
    expect((await manager.streams.info(name)).config.num_replicas).toBe(3);
  await current(connection);

  const folder = mkdtempSync(join(tmpdir(), 'ift-cluster-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const journal = openJournal(folder, { node });
  const shipper = new Shipper({
    store: eventStoreOf(await connect(cluster.url)),
    journal,
    runtime: systemRuntime(log),
  });
  const load = setInterval(() => {
    journal.append(
      someEvents(
        journal,
        Array.from({ length: 5 }, (_, at) => keys[at % 3]!),
      ),
    );
    shipper.wake();
  }, 20);
  try {
    await until(() => journal.last() > 100 && shipper.lag < 50, 'the load');

    const leader = cluster.named(await leaderOf(connection));
    await leader.kill();
    expect(await outage(connection)).toBeLessThan(20_000);
    await leader.start();
    await current(connection);

    const next = await leaderOf(connection);
    const follower = cluster.servers.find((server) => server !== cluster.named(next))!;
    // A watcher that is not connected to the one that dies.
    const watcher = await connect(cluster.named(next).url);
    await follower.kill();
    expect(await outage(watcher)).toBeLessThan(3000);
    await follower.start();
    await current(connection);

    for (const server of cluster.servers) {
      await server.kill();
      server.wipe();
      expect(await outage(connection)).toBeLessThan(20_000);
      await server.start();
      await current(connection);
    }
  } finally {
    clearInterval(load);
    await until(() => shipper.lag === 0, 'all events to be shipped', 60_000).catch(() => undefined);
    await shipper.stop();
  }
  const events = await readEvents(connection, streams.events);
  expect(events).toEqual([...journal.read()]);
  expect(events.length).toBeGreaterThan(500);
  journal.close();
}, 300_000);

test('an installation with one copy of each stream is raised to three, and then survives a server', async () => {
  await using cluster = await startNatsCluster();
  const connection = await startStreams(cluster, 1);
  const store = eventStoreOf(connection);
  await store.append(streams.desired, { subject: wish, body: 'kept', headers: {} });
  const raised = await raiseStreams(connection);
  expect(raised).toHaveLength(Object.keys(streams).length + 2);
  for (const { replicas } of raised) expect(replicas).toEqual([1, 3]);
  await current(connection);
  await cluster.named(await leaderOf(connection)).kill();
  const found = await until(() => store.last(streams.desired, wish).catch(() => undefined), 'the wish', 30_000);
  expect(found.body).toBe('kept');
}, 120_000);
