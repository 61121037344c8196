import { join } from 'node:path';
import { createClient, readKubeconfig } from '@ifactor/bridge';
import type { Client, KubeObject } from '@ifactor/bridge';
import { readJournal } from '@ifactor/actors/journal';
import { until } from '@ifactor/common/testing';
import { machineVersion } from '@ifactor/crds';
import type { InterfaceStatus } from '@ifactor/crds';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startLabServer } from '../bridge/api.ts';
import { startBridge } from '../bridge/world.ts';
import type { BridgeProcess } from '../bridge/world.ts';
import { makeNextRelease, next } from './nextRelease.ts';
import { ping } from './ping.ts';
import { slowness } from './slowness.ts';
import { repository, World } from './world.ts';

/* Versions mix: bridge and agents go to the next release and back, one at a time, while pings run through a tunnel. */

vi.setConfig({ testTimeout: 400_000 * slowness, hookTimeout: 200_000 * slowness });

const group = '/apis/networking.dn42.io/v1alpha1/namespaces/default';
const nodes = ['lax1', 'lax2'] as const;
type Node = (typeof nodes)[number];
const containers: Readonly<Record<Node, string>> = { lax1: 'one', lax2: 'two' };
const patience = 90_000 * slowness;

const stack = new AsyncDisposableStack();
let world: World;
let client: Client;
let kubeconfig: string;
let root: string;
let bridge: BridgeProcess | undefined;

const plural = (kind: string): string => `${group}/${kind.toLowerCase()}s`;
const create = (kind: string, name: string, spec: object): Promise<unknown> =>
  client.call('POST', plural(kind), {
    body: { apiVersion: 'networking.dn42.io/v1alpha1', kind, metadata: { name }, spec },
  });
const patch = (kind: string, name: string, spec: object): Promise<unknown> =>
  client.call('PATCH', `${plural(kind)}/${name}`, { patch: 'merge', body: { spec } });
const read = (kind: string, name: string): Promise<KubeObject> => client.call('GET', `${plural(kind)}/${name}`);
const statusOf = async (kind: string, name: string): Promise<InterfaceStatus & { mood?: string }> =>
  (await read(kind, name)).status ?? {};

async function runBridge(tree: string): Promise<void> {
  await bridge?.end();
  bridge = startBridge(kubeconfig, world.nats.url, 'bridge', [], tree);
  await bridge.said(/ready/, patience);
}

async function runAgent(node: Node, tree: string): Promise<void> {
  await world.endAgent(node, 'SIGTERM');
  world.startAgent(node, { root: tree });
  await world.settled(node, 2, patience);
}

let mtu = 1300;
/** A change of each node's bridge goes all the way: to the kernel, and back to the API server. */
async function changesPass(): Promise<void> {
  mtu++;
  await Promise.all(nodes.map((node) => patch('NetlinkInterface', `br-${node}`, { mtu })));
  for (const node of nodes)
    await until(
      async () => (await statusOf('NetlinkInterface', `br-${node}`)).netlink?.mtu === mtu,
      `br-${node} has mtu ${mtu}`,
      patience,
    );
}

const states = async (): Promise<(string | undefined)[]> =>
  Promise.all(nodes.map(async (node) => (await statusOf('WireGuardInterface', `wg-${node}`)).state));
const said = async (...expected: string[]): Promise<void> => {
  await until(async () => (await states()).join() === expected.join(), `states ${expected.join()}`, patience);
};

beforeAll(async () => {
  world = await World.start(nodes, Object.values(containers));
  stack.defer(() => world.end());
  root = makeNextRelease(join(world.folder, 'next-release'));
  const api = await startLabServer();
  stack.defer(() => api.stop());
  kubeconfig = api.kubeconfig;
  client = createClient(await readKubeconfig(kubeconfig));
  stack.defer(() => client.close());
  stack.defer(async () => void (await bridge?.end('SIGKILL')));
  for (const [at, node] of nodes.entries()) {
    const container = { docker: { name: containers[node] } };
    await create('NetlinkInterface', `br-${node}`, {
      node,
      interfaceName: 'br0',
      type: 'bridge',
      up: true,
      mtu,
      container,
    });
    const addresses = [{ family: 'inet', local: `10.4.0.${at + 1}`, peer: `10.4.0.${2 - at}`, prefixlen: 32 }];
    const own = { node, interfaceName: 'wg0', moveToContainer: true, container, listenPort: 51_800, addresses };
    await create('WireGuardInterface', `wg-${node}`, own);
    world.startAgent(node);
  }
  await runBridge(repository);
  const keys = await Promise.all(
    nodes.map(async (node) => {
      const key = async (): Promise<string> =>
        (await statusOf('WireGuardInterface', `wg-${node}`)).wireguard?.publicKey ?? '';
      await until(async () => (await key()) !== '', `the key of wg-${node}`, patience);
      return key();
    }),
  );
  for (const [at, node] of nodes.entries()) {
    const endpoint = `192.0.2.${2 - at}:51800`;
    const peer = { publicKey: keys[1 - at], allowedIPs: ['0.0.0.0/0'], endpoint, persistentKeepalive: 1 };
    await patch('WireGuardInterface', `wg-${node}`, { peers: [peer] });
  }
  await changesPass();
  const first = ping(world.netns('one'), '10.4.0.2');
  await first.answered;
  await first.stop();
});
afterAll(() => stack.disposeAsync());

test('up and down, one at a time, no packet is lost and nothing that is said', async () => {
  const running = ping(world.netns('one'), '10.4.0.2');
  const from = (node: Node): number => {
    const journal = readJournal(world.stateDir(node));
    const last = journal.last();
    journal.close();
    return last;
  };
  await running.answered;
  await said('moved-to-netns', 'moved-to-netns');

  // Agents first: the bridge and the CRDs know neither the state nor the field, and pass both on.
  await runAgent('lax1', root);
  await said(next.state, 'moved-to-netns');
  expect(await statusOf('WireGuardInterface', 'wg-lax1')).toMatchObject(next.field);
  await changesPass();
  await runAgent('lax2', root);
  await said(next.state, next.state);
  await runBridge(root);
  await changesPass();

  // And back: an agent that is older than its journal keeps what it understands, and says so.
  const last = from('lax1');
  await runAgent('lax1', repository);
  await said('moved-to-netns', next.state);
  const journal = readJournal(world.stateDir('lax1'));
  const told = [...journal.read({ from: last + 1 })];
  journal.close();
  const started = told.filter(({ type }) => type === 'AgentStarted');
  expect(started.map(({ key }) => key.name).toSorted()).toEqual(['br-lax1', 'wg-lax1']);
  for (const { data, machine } of started)
    expect({ data, machine }).toMatchObject({ data: { later: next.machine }, machine: machineVersion });
  expect(told.filter(({ type }) => type === 'LinkCreated' || type === 'LinkRemoved')).toEqual([]);
  await changesPass();
  await runBridge(repository);
  await changesPass();
  await runAgent('lax2', repository);
  await said('moved-to-netns', 'moved-to-netns');

  // Up again, over a journal of both.
  await runAgent('lax1', root);
  await said(next.state, 'moved-to-netns');
  await changesPass();

  await running.answered;
  const counts = await running.stop();
  console.log(`pings: sent ${counts.sent}, received ${counts.received}, lost ${counts.lost}`);
  expect(counts.sent).toBeGreaterThan(100);
  expect(counts.lost).toBe(0);
});
