import { until } from '@ifactor/common/testing';
import { streams } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { startAgent } from './agent.ts';
import { startGate } from './gate.ts';
import { example, startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

/* Absence is not deletion: what a server refuses to list is not gone, and what nobody saw deleted goes only in small numbers. */

const link = (name: string): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, type: 'bridge', up: true },
});
const publicKey = (name: string): string => Buffer.alloc(32, name).toString('base64');
const lastSequence = async (connection: NatsConnection): Promise<number> =>
  (await (await jetstreamManager(connection)).streams.info(streams.desired)).state.last_seq;
const conditionsOf = async (world: World, plural: string, name: string): Promise<Record<string, string>[]> =>
  ((await world.get(plural, name))?.status?.['conditions'] ?? []) as Record<string, string>[];
const isReady = (world: World, plural: string, name: string, status = 'True'): Promise<unknown> =>
  until(
    async () =>
      (await conditionsOf(world, plural, name)).some((one) => one['type'] === 'Ready' && one['status'] === status),
    `${name} Ready=${status}`,
    30_000,
  );
const objects = async (world: World): Promise<string> => {
  const all = ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces', 'secrets'];
  const lists = await Promise.all(all.map((plural) => world.list(plural)));
  return lists
    .flat()
    .map(({ metadata: { uid, generation, finalizers, deletionTimestamp } }) =>
      JSON.stringify([uid, generation, finalizers, deletionTimestamp]),
    )
    .join('\n');
};

test.each(['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces', 'secrets'])(
  '%s that may not be listed are not gone, at start and later: no tombstone, child, Secret or finalizer is touched',
  async (plural) => {
    await using world = await startWorld();
    await using gate = await startGate(world.kubeconfig);
    const connection = await world.nats.connect();
    for (const node of ['lax1', 'lax2']) await startAgent(connection, node, { publicKey });
    const first = await world.bridge('first', gate.kubeconfig);
    await world.create(link('br1'));
    const plan = parse(await example('wgp1.yaml')) as Manifest;
    Object.assign((plan['spec'] as { nodes: object[] }).nodes[0] ?? {}, {
      privateKey: Buffer.alloc(32, 7).toString('base64'),
    });
    await world.create(plan);
    await isReady(world, 'netlinkinterfaces', 'br1');
    await isReady(world, 'wireguardnetworkplans', 'wgp1');
    const before = await objects(world);
    const published = await lastSequence(connection);
    const refused = new RegExp(`does not let the bridge read ${plural} in all namespaces.*nothing is removed`);

    gate.refuse(({ method, path }) => method === 'GET' && path === plural);
    await first.said(refused);
    if (plural !== 'netlinkinterfaces') {
      // The plan is looked at: it says what is missing.
      await world.patch('wireguardnetworkplans', 'wgp1', { metadata: { annotations: { look: 'again' } } });
      await first.end();
    } else await first.end();

    const second = await world.bridge('second', gate.kubeconfig);
    await second.said(refused);
    await second.said(/leading/);
    if (plural === 'secrets' || plural === 'wireguardinterfaces') {
      const conditions = await until(async () => {
        const found = await conditionsOf(world, 'wireguardnetworkplans', 'wgp1');
        return found.some((one) => one['reason'] === 'ListIncomplete') && found;
      }, 'the condition');
      expect(conditions[0]?.['message']).toContain(`${plural} cannot be listed`);
    }
    expect(await objects(world)).toBe(before);
    gate.open();
    await second.said(/the API server answers again/);
    await isReady(world, 'wireguardnetworkplans', 'wgp1');
    await isReady(world, 'netlinkinterfaces', 'br1');
    expect(await objects(world)).toBe(before);
    expect(await lastSequence(connection)).toBe(published);
    expect(gate.passed.filter(({ method }) => method === 'DELETE')).toEqual([]);
  },
  120_000,
);

test('more than a few that nobody saw deleted wait for a person, who is told where and how', async () => {
  await using world = await startWorld();
  const agent = await startAgent(await world.nats.connect(), 'lax1');
  const names = Array.from({ length: 12 }, (_, at) => `br${at}`);
  const bridge = await world.bridge();
  for (const name of names) await world.create(link(name));
  await until(() => agent.wishes.size === names.length, 'all wishes');
  for (const name of names) await isReady(world, 'netlinkinterfaces', name);
  await bridge.end();
  const vanish = async (name: string): Promise<void> => {
    await world.remove('netlinkinterfaces', name);
    await world.patch('netlinkinterfaces', name, { metadata: { finalizers: null } }).catch(() => undefined);
  };
  for (const name of names.slice(1)) await vanish(name);
  const again = await world.bridge('again');
  await again.said(/11 interfaces are missing .* more than 10 within 60 s .* ifactor bridge release/);
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases/ifactor-bridge';
  await until(async () => {
    const lease = await world.client.call<{ metadata: { annotations?: Record<string, string> } }>('GET', leases);
    return lease.metadata.annotations?.['networking.dn42.io/held'] === '11';
  }, 'the annotation');
  await until(async () => (await world.list('events')).some(({ reason }) => reason === 'TombstonesHeld'), 'the Event');
  // A deletion that is seen is not held.
  await world.remove('netlinkinterfaces', 'br0');
  await until(() => agent.wishes.get('br0')?.deletionTimestamp !== undefined, 'the deletion that was seen');
  const deleted = (): number => [...agent.wishes.values()].filter((wish) => wish.deleted === true).length;
  expect(deleted()).toBeLessThan(2);
  const annotate = (count: string): Promise<unknown> =>
    world.client.call('PATCH', leases, {
      patch: 'merge',
      body: { metadata: { annotations: { 'networking.dn42.io/release': count } } },
    });
  await annotate('3');
  await again.said(/release ignored: more tombstones wait than it names/);
  await annotate('11');
  await again.said(/tombstones released by hand released=11/);
  await until(() => names.slice(1).every((name) => agent.wishes.get(name)?.deleted === true), 'the tombstones');
}, 120_000);

test('nothing is published before it has our finalizer: what goes while no bridge runs waits for no person', async () => {
  await using world = await startWorld();
  await using gate = await startGate(world.kubeconfig);
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  const names = Array.from({ length: 12 }, (_, at) => `br${at}`);
  const patched = (): string[] =>
    gate.passed.filter(({ method }) => method === 'PATCH').map(({ path }) => path.replace('netlinkinterfaces/', ''));
  gate.refuse(({ method, path }) => method === 'PATCH' && /^netlinkinterfaces\/br\d+$/.test(path));
  const bridge = await world.bridge('first', gate.kubeconfig);
  for (const name of names) await world.create(link(name));
  // Each was tried, and tried again.
  await until(() => names.every((name) => patched().filter((one) => one === name).length > 1), 'the finalizers');
  await bridge.end();
  for (const name of names.slice(1)) await world.remove('netlinkinterfaces', name);
  expect(await world.list('netlinkinterfaces')).toHaveLength(1);
  expect(agent.wishes.size).toBe(0);
  gate.open();
  const second = await world.bridge('second', gate.kubeconfig);
  await isReady(world, 'netlinkinterfaces', 'br0');
  expect(await lastSequence(connection)).toBe(1);
  expect(second.output()).not.toContain('are missing');
}, 120_000);

test('one apply of one object costs one message and at most two status writes, and nothing follows from them', async () => {
  await using world = await startWorld();
  await using gate = await startGate(world.kubeconfig);
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  await world.bridge('test', gate.kubeconfig);
  await world.create(link('br1'));
  await isReady(world, 'netlinkinterfaces', 'br1');
  const settled = async (): Promise<void> => {
    // Whatever would follow from a write follows within two paces of the writer.
    for (let seen = -1; seen !== gate.passed.length;) {
      seen = gate.passed.length;
      await new Promise((resolve) => setTimeout(resolve, 2500));
      seen += gate.passed.slice(seen).filter(({ path }) => path.includes('leases')).length;
    }
  };
  await settled();
  const calls = (): string[] =>
    gate.passed
      .filter(({ method, path }) => method !== 'GET' && !/leases|events|^secrets$/.test(path))
      .map(({ method, path }) => `${method} ${path}`);
  expect(calls().filter((call) => call !== 'PATCH netlinkinterfaces/br1/status')).toEqual([
    'PATCH netlinkinterfaces/br1',
  ]);
  expect(calls().length).toBeLessThanOrEqual(3);
  expect(await lastSequence(connection)).toBe(1);
  const before = calls().length;
  await world.patch('netlinkinterfaces', 'br1', { spec: { mtu: 1400 } });
  await until(() => agent.wishes.get('br1')?.spec['mtu'] === 1400, 'the change');
  await until(
    async () => (await world.get('netlinkinterfaces', 'br1'))?.status?.['observedGeneration'] === 2,
    'status',
  );
  await settled();
  expect(new Set(calls().slice(before))).toEqual(new Set(['PATCH netlinkinterfaces/br1/status']));
  expect(calls().length - before).toBeLessThanOrEqual(2);
  expect(await lastSequence(connection)).toBe(2);
}, 120_000);

test('a bridge of another cluster says so, changes nothing and ends; --take-over says that it is meant', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const first = await world.bridge();
  await world.create(link('br1'));
  await until(async () => (await lastSequence(connection)) === 1, 'the message');
  const manager = await jetstreamManager(connection);
  const clusterOf = async (): Promise<string | undefined> =>
    (await manager.streams.info(streams.desired)).config.metadata?.['ifactor-cluster'];
  const { metadata } = await world.client.call<{ metadata: { uid: string } }>('GET', '/api/v1/namespaces/kube-system');
  await until(async () => (await clusterOf()) === metadata.uid, 'the streams to be named');
  await first.end();
  for (const name of Object.values(streams))
    await manager.streams.update(name, { metadata: { 'ifactor-cluster': 'another' } });
  await world.create(link('br2'));
  await expect(world.bridge('other')).rejects.toThrow(/belongs to the cluster whose kube-system has the UID another/);
  expect(await lastSequence(connection)).toBe(1);
  expect(await clusterOf()).toBe('another');
  await world.bridge('meant', undefined, '--take-over');
  await until(async () => (await lastSequence(connection)) === 2, 'the second message');
  expect(await clusterOf()).toBe(metadata.uid);
}, 120_000);
