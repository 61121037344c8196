import { until } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '@ifactor/bridge';
import { startAgent } from './agent.ts';
import { example, startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

const privateKey = 'gHY1bOTHvEZiqz6txnIoNnxDF3RuIX8XxGFvIm5KBFU=';
/** Its public half, by `wg pubkey`. */
const publicKey = 'AN6PcEmgsFECwD8Un6lKMWYrgBdCrABS9xjJY/2L0ic=';
const generated = (name: string): string => Buffer.alloc(32, name).toString('base64');

async function manifest(file: string): Promise<Manifest> {
  const [document] = parseAllDocuments(await example(file));
  return document?.toJS() as Manifest;
}

async function startNodes(world: World): Promise<void> {
  const connection = await world.nats.connect();
  await Promise.all(['lax1', 'lax2', 'lax3'].map((node) => startAgent(connection, node, { publicKey: generated })));
}

type Status = {
  links: string;
  conditions: { type: string; status: string; reason: string; message: string }[];
  interfaces: Record<string, unknown>[];
};
async function planReady(world: World, status: string, name = 'wgp1'): Promise<Status> {
  return until(async () => {
    const found = (await world.get('wireguardnetworkplans', name))?.status as Status | undefined;
    return found?.conditions.some((one) => one.type === 'Ready' && one.status === status) && found;
  }, `plan ${name} Ready=${status}`);
}
const specOf = async (world: World, name: string): Promise<Record<string, unknown> | undefined> =>
  (await world.get('wireguardinterfaces', name))?.spec;

test.each(['wgp1.yaml', 'old/wgp1.yaml'])('%s becomes two interfaces that know each other', async (file) => {
  await using world = await startWorld('real');
  await startNodes(world);
  await world.bridge();
  await world.create(await manifest(file));
  const status = await planReady(world, 'True');
  expect(status.links).toBe('2/2');
  expect(await specOf(world, 'wg-lax1-lax2-0')).toMatchObject({
    listenPort: 51800,
    addresses: [{ local: '10.4.0.1', peer: '10.4.0.2', prefixlen: 32 }],
    peers: [{ publicKey: generated('wg-lax2-lax1-0'), allowedIPs: ['0.0.0.0/0', '::/0'] }],
  });
  expect(await specOf(world, 'wg-lax2-lax1-0')).toMatchObject({
    peers: [{ publicKey: generated('wg-lax1-lax2-0'), endpoint: '192.0.2.1:51800', persistentKeepalive: 25 }],
  });
  expect(status.interfaces).toMatchObject([
    {
      nodeName: 'lax1',
      hostName: 'lax1.example',
      wgObjectRef: { name: 'wg-lax1-lax2-0', namespace: 'default' },
      publicKey: generated('wg-lax1-lax2-0'),
      listenPort: 51800,
    },
    { nodeName: 'lax2', hostName: 'lax2.example', wgObjectRef: { name: 'wg-lax2-lax1-0', namespace: 'default' } },
  ]);

  await world.remove('wireguardnetworkplans', 'wgp1');
  await until(async () => (await world.get('wireguardnetworkplans', 'wgp1')) === undefined, 'the plan to be gone');
  expect(await world.list('wireguardinterfaces')).toEqual([]);
});

test('a child edited or deleted by hand comes back as planned', async () => {
  await using world = await startWorld('real');
  await startNodes(world);
  await world.bridge();
  await world.create(await manifest('wgp1.yaml'));
  await planReady(world, 'True');
  const planned = await specOf(world, 'wg-lax1-lax2-0');
  await world.patch('wireguardinterfaces', 'wg-lax1-lax2-0', { spec: { mtu: 1300, fwmark: 7, peers: [] } });
  await until(
    async () => JSON.stringify(await specOf(world, 'wg-lax1-lax2-0')) === JSON.stringify(planned),
    'the spec to be as planned',
  );
  const { uid } = (await world.get('wireguardinterfaces', 'wg-lax1-lax2-0'))?.metadata ?? {};
  await world.remove('wireguardinterfaces', 'wg-lax1-lax2-0');
  await until(async () => {
    const again = await world.get('wireguardinterfaces', 'wg-lax1-lax2-0');
    return again !== undefined && again.metadata.uid !== uid && JSON.stringify(again.spec) === JSON.stringify(planned);
  }, 'the child to be made again');
  expect((await planReady(world, 'True')).links).toBe('2/2');
});

test('a tunnel keeps its peer while the far end cannot say its key', async () => {
  await using world = await startWorld('real');
  const connection = await world.nats.connect();
  const [lax1] = await Promise.all(
    ['lax1', 'lax2'].map((node) => startAgent(connection, node, { publicKey: generated })),
  );
  const bridge = await world.bridge();
  await world.create(await manifest('wgp1.yaml'));
  await planReady(world, 'True');
  const { generation } = (await world.get('wireguardinterfaces', 'wg-lax2-lax1-0'))?.metadata ?? {};
  await lax1?.report('wg-lax1-lax2-0', { state: 'drifted', wireguard: undefined, conditions: [] });
  await planReady(world, 'False');
  await bridge.end('SIGKILL');
  await world.bridge();
  await lax1?.report('wg-lax1-lax2-0', {});
  await planReady(world, 'True');
  expect((await world.get('wireguardinterfaces', 'wg-lax2-lax1-0'))?.metadata.generation).toBe(generation);
});

/** Secrets of plans; the bridge's own belong to nobody. */
const ownedSecrets = async (world: World): Promise<KubeObject[]> =>
  (await world.list('secrets')).filter(({ metadata: { ownerReferences = [] } }) => ownerReferences.length > 0);

test('an inline key moves to a Secret of the plan and stands in no child and no status', async () => {
  await using world = await startWorld('real');
  await startNodes(world);
  await world.bridge();
  const plan = await manifest('wgp1.yaml');
  const [first] = (plan['spec'] as { nodes: Record<string, unknown>[] }).nodes;
  Object.assign(first ?? {}, { privateKey });
  await world.create(plan);
  const status = await planReady(world, 'True');
  const [secret] = await ownedSecrets(world);
  expect(secret?.metadata.ownerReferences).toMatchObject([
    { kind: 'WireGuardNetworkPlan', name: 'wgp1', controller: true },
  ]);
  expect(secret?.['data']).toEqual({ privateKey: Buffer.from(privateKey).toString('base64') });
  expect(await specOf(world, 'wg-lax1-lax2-0')).toMatchObject({
    privateKeySecretRef: { name: secret?.metadata.name, key: 'privateKey' },
  });
  expect(await specOf(world, 'wg-lax2-lax1-0')).toMatchObject({ peers: [{ publicKey }] });
  expect(JSON.stringify([status, await world.list('wireguardinterfaces'), await world.list('events')])).not.toContain(
    privateKey,
  );

  await world.remove('wireguardnetworkplans', 'wgp1');
  await until(async () => (await ownedSecrets(world)).length === 0, 'the Secret to be gone');
});

test('a node that joins renumbers nobody; a bad link is named and the others stay up', async () => {
  await using world = await startWorld('real');
  await startNodes(world);
  await world.bridge();
  const plan = await manifest('wgp1.yaml');
  await world.create(plan);
  await planReady(world, 'True');
  const spec = plan['spec'] as { nodes: object[]; links: object[] };
  await world.patch('wireguardnetworkplans', 'wgp1', {
    spec: {
      nodes: [...spec.nodes, { nodeName: 'lax1a', underlay: { hostname: '192.0.2.9' } }],
      links: [...spec.links, { fromNode: 'lax1', toNodes: [{ nodeName: 'lax1a' }, { nodeName: 'nowhere' }] }],
    },
  });
  const status = await planReady(world, 'False');
  expect(status.conditions.find(({ type }) => type === 'LinksValid')).toMatchObject({
    status: 'False',
    reason: 'UnknownNode',
    message: 'lax1 → nowhere: nowhere is not in nodes; add it there',
  });
  await until(async () => (await specOf(world, 'wg-lax1-lax1a-1')) !== undefined, 'the new link');
  expect(await specOf(world, 'wg-lax1-lax2-0')).toMatchObject({ listenPort: 51800 });
  expect(await specOf(world, 'wg-lax1-lax1a-1')).toMatchObject({ listenPort: 51801 });
});

const other = (name: string, far: string): Manifest => ({
  kind: 'WireGuardNetworkPlan',
  metadata: { name },
  spec: {
    defaultPortRange: { start: 7000, end: 7010 },
    nodes: [{ nodeName: 'lax1', underlay: { hostname: '192.0.2.1' } }, { nodeName: far }],
    links: [{ fromNode: 'lax1', toNodes: [{ nodeName: far }] }],
  },
});

test('two plans share a node without sharing a port', async () => {
  await using world = await startWorld('real');
  await startNodes(world);
  await world.bridge();
  await Promise.all([world.create(other('p1', 'lax2')), world.create(other('p2', 'lax3'))]);
  await Promise.all([planReady(world, 'True', 'p1'), planReady(world, 'True', 'p2')]);
  const ports = await Promise.all(
    ['wg-lax1-lax2-0', 'wg-lax1-lax3-0'].map(async (name) => (await specOf(world, name))?.['listenPort']),
  );
  expect(new Set(ports)).toEqual(new Set([7000, 7001]));
});
