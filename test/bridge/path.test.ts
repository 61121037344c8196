import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { formatDesiredSubject } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { streams } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { startAgent } from './agent.ts';
import { startProxy } from './proxy.ts';
import { startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

const bridgeLink = (name: string, more: object = {}, metadata: object = {}): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name, ...metadata },
  spec: { node: 'lax1', interfaceName: name, type: 'bridge', up: true, ...more },
});
const wireguard = (name: string, more: object = {}): Manifest => ({
  kind: 'WireGuardInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, ...more },
});
const secret = (name: string, value: Buffer | string): Manifest => ({
  kind: 'Secret',
  metadata: { name },
  data: { key: Buffer.from(value).toString('base64') },
});

async function lastDesired(connection: NatsConnection, kind: string, name: string): Promise<Desired | undefined> {
  const manager = await jetstreamManager(connection);
  const subject = formatDesiredSubject({ node: 'lax1', kind, namespace: 'default', name });
  const message = await manager.streams.getMessage(streams.desired, { last_by_subj: subject });
  return message?.json<Desired>();
}

async function lastSequence(connection: NatsConnection): Promise<number> {
  return (await (await jetstreamManager(connection)).streams.info(streams.desired)).state.last_seq;
}

const readyOf = (object: { status?: Record<string, unknown> } | undefined): string | undefined => {
  const conditions = object?.status?.['conditions'] as { type: string; status: string; reason: string }[] | undefined;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return ready && `${ready.status} ${ready.reason}`;
};
const becomes = (world: World, plural: string, name: string, ready: string): Promise<unknown> =>
  until(async () => readyOf(await world.get(plural, name)) === ready, `${name} ${ready}`);

test('an object goes to its node and comes back as status; deleted, it leaves nothing but a tombstone', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  await world.bridge();
  await world.create(bridgeLink('br1', {}, { finalizers: ['example.com/stranger'] }));
  await becomes(world, 'netlinkinterfaces', 'br1', 'True Configured');
  const made = await world.get('netlinkinterfaces', 'br1');
  expect(made?.metadata.finalizers).toEqual(['example.com/stranger', 'networking.dn42.io/ifactor']);
  expect(made?.status).toMatchObject({ state: 'configured', hostname: 'lax1.example', observedGeneration: 1 });

  await world.patch('netlinkinterfaces', 'br1', { spec: { mtu: 1400 } });
  await until(() => agent.wishes.get('br1')?.spec['mtu'] === 1400);
  await until(async () => (await world.get('netlinkinterfaces', 'br1'))?.status?.['observedGeneration'] === 2);

  await world.remove('netlinkinterfaces', 'br1');
  await until(
    async () => (await world.get('netlinkinterfaces', 'br1'))?.metadata.finalizers?.join() === 'example.com/stranger',
    'our finalizer to go',
  );
  await world.patch('netlinkinterfaces', 'br1', { metadata: { finalizers: null } });
  await until(
    async () => (await lastDesired(connection, 'netlinkinterface', 'br1'))?.deleted === true,
    'the tombstone',
  );
  expect((await lastDesired(connection, 'netlinkinterface', 'br1'))?.uid).toBe(made?.metadata.uid);
  const manager = await jetstreamManager(connection);
  await until(async () => (await manager.streams.info(streams.status)).state.messages === 0, 'the status to be purged');
  const events = await until(async () => {
    const found = await world.list('events');
    return found.some(({ reason }) => reason === 'Configured') && found;
  }, 'an Event');
  expect(events.find(({ reason }) => reason === 'Configured')?.['involvedObject']).toMatchObject({
    kind: 'NetlinkInterface',
    name: 'br1',
    uid: made?.metadata.uid,
  });
});

test('finalizers of the old system are honoured, and ours is not added beside them', async () => {
  await using world = await startWorld();
  await startAgent(await world.nats.connect(), 'lax1');
  await world.bridge();
  const finalizers = ['netlinkinterface.networking.dn42.io/finalizer'];
  await world.create(bridgeLink('br1', {}, { finalizers }));
  await becomes(world, 'netlinkinterfaces', 'br1', 'True Configured');
  expect((await world.get('netlinkinterfaces', 'br1'))?.metadata.finalizers).toEqual(finalizers);
  await world.remove('netlinkinterfaces', 'br1');
  await until(async () => (await world.get('netlinkinterfaces', 'br1')) === undefined, 'br1 to be gone');
});

test('secrets reach their node only sealed, and again when they are rotated', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const [first, second, psk] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)].map((key) =>
    key.toString('base64'),
  ) as [string, string, string];
  const peer = Buffer.alloc(32, 4).toString('base64');
  await world.bridge();
  await world.create(
    wireguard('wg1', {
      privateKeySecretRef: { name: 'wg', key: 'key' },
      peers: [{ publicKey: peer, presharedKeySecretRef: { name: 'psk', key: 'key' } }],
    }),
  );
  await until(
    async () => (await lastDesired(connection, 'wireguardinterface', 'wg1'))?.missing[0]?.reason === 'SecretNotFound',
  );
  await becomes(world, 'wireguardinterfaces', 'wg1', 'Unknown NodeUnknown');

  await world.create(secret('wg', Buffer.from(first, 'base64')));
  await world.create(secret('psk', `${psk}\n`));
  await until(
    async () => (await lastDesired(connection, 'wireguardinterface', 'wg1'))?.missing[0]?.reason === 'NodeKeyUnknown',
  );
  const agent = await startAgent(connection, 'lax1');
  await until(
    () => agent.opened.get('wg1/privateKey') === first && agent.opened.get(`wg1/psk:${peer}`) === psk,
    'the keys',
  );

  await world.patch('secrets', 'wg', { data: { key: Buffer.from(second).toString('base64') } });
  await until(() => agent.opened.get('wg1/privateKey') === second, 'the new key');
  await world.patch('wireguardinterfaces', 'wg1', { spec: { privateKey: first } });
  await until(() => agent.opened.get('wg1/privateKey') === first, 'the inline key');
  const said = JSON.stringify(await lastDesired(connection, 'wireguardinterface', 'wg1'));
  for (const key of [first, second, psk]) expect(said).not.toContain(key);
});

test('what is deleted while no bridge runs becomes a tombstone', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  const bridge = await world.bridge();
  for (const name of ['br1', 'br2']) await world.create(bridgeLink(name));
  for (const name of ['br1', 'br2']) await becomes(world, 'netlinkinterfaces', name, 'True Configured');
  expect(await bridge.end()).toBe(0);
  await world.remove('netlinkinterfaces', 'br1');
  await world.patch('netlinkinterfaces', 'br1', { metadata: { finalizers: null } });
  expect(await world.get('netlinkinterfaces', 'br1')).toBeUndefined();
  const before = agent.received;
  await world.bridge();
  await until(() => agent.wishes.get('br1')?.deleted === true, 'the tombstone');
  // Nothing else was said again.
  expect(agent.received).toBe(before + 1);
});

test('a bridge that is killed during 500 objects leaves the rest to the next one, and nothing is published twice', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  const first = await world.bridge();
  const names = Array.from({ length: 500 }, (_, index) => `br${index}`);
  const creating = Promise.all(names.map((name) => world.create(bridgeLink(name))));
  await until(() => agent.wishes.size > 100, 'the first hundred');
  await first.end('SIGKILL');
  await creating;
  await world.bridge();
  await until(
    async () => {
      const all = await world.list('netlinkinterfaces');
      return all.length === 500 && all.every((one) => readyOf(one) === 'True Configured');
    },
    '500 interfaces to be ready',
    60_000,
  );
  expect(new Set(agent.wishes.keys()).size).toBe(500);
  expect(await lastSequence(connection)).toBe(500);
}, 120_000);

test('of two bridges one leads; when it is killed the other takes over, and no wish is repeated', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  const leader = await world.bridge('one');
  const other = await world.bridge('two');
  expect(leader.output()).toContain('leading');
  expect(other.output()).toMatch(/standing by leader=one/);
  await world.create(bridgeLink('br1'));
  await becomes(world, 'netlinkinterfaces', 'br1', 'True Configured');
  await leader.end('SIGKILL');
  await world.create(bridgeLink('br2'));
  await other.said(/leading/);
  await becomes(world, 'netlinkinterfaces', 'br2', 'True Configured');
  expect(agent.received).toBe(2);
});

test('a bridge that is asked to stop hands over at once', async () => {
  await using world = await startWorld();
  const leader = await world.bridge('one');
  const other = await world.bridge('two');
  expect(await leader.end('SIGTERM')).toBe(0);
  // It gave the Lease back: nobody waits for that to expire.
  expect(await world.leader()).not.toBe('one');
  await other.said(/leading/);
});

test('the API server away: the bridge stops writing, and finds what changed when it is back', async () => {
  await using world = await startWorld();
  const agent = await startAgent(await world.nats.connect(), 'lax1');
  const folder = await mkdtemp(join(tmpdir(), 'ift-proxy-'));
  const config = parse(await readFile(world.kubeconfig, 'utf8')) as { clusters: { cluster: Record<string, string> }[] };
  const cluster = config.clusters[0]?.cluster ?? {};
  const server = new URL(cluster['server'] ?? '');
  const proxy = await startProxy(server.hostname, Number(server.port));
  try {
    const through = join(folder, 'config');
    cluster['server'] = `${server.protocol}//127.0.0.1:${proxy.port}`;
    const { 'certificate-authority': ca } = cluster;
    if (ca !== undefined) cluster['certificate-authority'] = resolve(dirname(world.kubeconfig), ca);
    await writeFile(through, stringify(config));
    const bridge = await world.bridge('test', through);
    for (const name of ['br1', 'br2']) await world.create(bridgeLink(name));
    for (const name of ['br1', 'br2']) await becomes(world, 'netlinkinterfaces', name, 'True Configured');
    await proxy.shut();
    await bridge.said(/waiting for the API server/);
    await bridge.said(/no longer leading/);
    await world.patch('netlinkinterfaces', 'br1', { spec: { mtu: 1400 } });
    await world.create(bridgeLink('br3'));
    await world.remove('netlinkinterfaces', 'br2');
    await proxy.open();
    await becomes(world, 'netlinkinterfaces', 'br3', 'True Configured');
    await until(() => agent.wishes.get('br1')?.spec['mtu'] === 1400, 'the change to arrive');
    await until(async () => (await world.get('netlinkinterfaces', 'br2')) === undefined, 'br2 to be gone');
    expect(agent.wishes.get('br2')).toMatchObject({ name: 'br2', deletionTimestamp: expect.any(String) as string });
  } finally {
    await proxy.shut();
    await rm(folder, { recursive: true });
  }
});

test('a node that falls silent is said to be unreachable, and what it said is kept', async () => {
  await using world = await startWorld();
  const agent = await startAgent(await world.nats.connect(), 'lax1');
  await world.bridge();
  await world.create(bridgeLink('br1'));
  await becomes(world, 'netlinkinterfaces', 'br1', 'True Configured');
  await agent.stop();
  await until(
    async () => readyOf(await world.get('netlinkinterfaces', 'br1')) === 'Unknown NodeUnreachable',
    'silence to be noticed',
    60_000,
  );
  expect((await world.get('netlinkinterfaces', 'br1'))?.status).toMatchObject({
    state: 'configured',
    hostname: 'lax1.example',
  });
  await agent.beat();
  await becomes(world, 'netlinkinterfaces', 'br1', 'True Configured');
});

test('NATS away: changes are published when it is back; its store lost: everything is', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  await startAgent(connection, 'lax1');
  await world.bridge();
  await world.create(bridgeLink('br1'));
  await becomes(world, 'netlinkinterfaces', 'br1', 'True Configured');
  await world.nats.kill();
  await world.create(bridgeLink('br2'));
  await world.nats.start();
  await until(
    async () => (await lastDesired(connection, 'netlinkinterface', 'br2').catch(() => undefined))?.name === 'br2',
    'br2 in the stream',
  );

  await world.nats.kill('SIGTERM');
  world.nats.wipe();
  await world.nats.start();
  for (const name of ['br1', 'br2']) {
    await until(
      async () => (await lastDesired(connection, 'netlinkinterface', name).catch(() => undefined))?.name === name,
      `${name} in the new stream`,
      30_000,
    );
  }
  expect((await world.get('netlinkinterfaces', 'br1'))?.metadata.deletionTimestamp).toBeUndefined();
}, 120_000);
