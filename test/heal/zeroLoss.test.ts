import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ping, type Ping, type Pinged } from './ping.ts';
import { slowness } from './slowness.ts';
import { repository, World, type Declared } from './world.ts';

/* Whatever becomes of the agents, what they made carries every packet. */

vi.setConfig({ testTimeout: 120_000 * slowness, hookTimeout: 120_000 * slowness });

const wireguard = (node: string, container: string, local: string, peer: string): Declared => ({
  kind: 'WireGuardInterface',
  name: `wg-${node}`,
  spec: {
    node,
    interfaceName: 'wg0',
    moveToContainer: true,
    container: { docker: { name: container } },
    listenPort: 51800,
    addresses: [{ family: 'inet', local, peer, prefixlen: 32 }],
  },
});
const netlink = (name: string, node: string, container: string, spec: object): Declared => ({
  kind: 'NetlinkInterface',
  name,
  spec: { node, up: true, container: { docker: { name: container } }, ...spec },
});
const vxlan = (node: string, container: string, own: number, far: number): Declared =>
  netlink(`vx-${node}`, node, container, {
    interfaceName: 'vx0',
    type: 'vxlan',
    mtu: 1370,
    addresses: [{ ipcidr: `10.5.0.${own}/24` }],
    vxlan: { vni: 5, dev: 'wg0', local: `10.4.0.${own}`, group: `10.4.0.${far}` },
  });

const tunnel = [
  wireguard('lax1', 'one', '10.4.0.1', '10.4.0.2'),
  wireguard('lax2', 'two', '10.4.0.2', '10.4.0.1'),
] as const;
const others = [
  vxlan('lax1', 'one', 1, 2),
  vxlan('lax2', 'two', 2, 1),
  netlink('veth', 'lax1', 'one', {
    interfaceName: 've0',
    type: 'veth',
    addresses: [{ ipcidr: '10.6.0.1/24' }],
    veth: {
      peer: { interfaceName: 've1', container: { docker: { name: 'two' } }, addresses: [{ ipcidr: '10.6.0.2/24' }] },
    },
  }),
  netlink('slave', 'lax1', 'one', {
    interfaceName: 'br0-a',
    type: 'veth',
    veth: {
      peer: { interfaceName: 'br0-b', container: { docker: { name: 'two' } }, addresses: [{ ipcidr: '10.7.0.2/24' }] },
    },
  }),
  netlink('bridge', 'lax1', 'one', {
    interfaceName: 'br0',
    type: 'bridge',
    addresses: [{ ipcidr: '10.7.0.1/24' }],
    bridge: { slaves: ['br0-a'] },
  }),
];
const targets = {
  'the tunnel': '10.4.0.2',
  'the vxlan': '10.5.0.2',
  'the veth pair': '10.6.0.2',
  'the bridge': '10.7.0.2',
};
const nodes = [
  ['lax1', 5],
  ['lax2', 2],
] as const;

let world: World;
let objects: Declared[];
beforeAll(async () => {
  world = await World.start(['lax1', 'lax2'], ['one', 'two']);
  for (const [node] of nodes) world.startAgent(node);
  for (const object of [...tunnel, ...others]) await world.apply(object);
  await world.healthy(...tunnel);
  // Each end learns the other's key from its status, as the planner would.
  const keys = await Promise.all(tunnel.map(async (end) => (await world.status(end))?.wireguard?.publicKey));
  objects = [
    ...tunnel.map((end, at) => ({
      ...end,
      spec: {
        ...end.spec,
        peers: [
          {
            publicKey: keys[1 - at],
            allowedIPs: ['0.0.0.0/0'],
            endpoint: `192.0.2.${2 - at}:51800`,
            persistentKeepalive: 1,
          },
        ],
      },
    })),
    ...others,
  ];
  for (const object of objects.slice(0, 2)) await world.apply(object);
  await world.healthy(...objects);
  // The first packet makes the tunnel shake hands, which it may have to try twice.
  for (const target of Object.values(targets)) {
    const first = ping(world.netns('one'), target);
    await first.answered;
    await first.stop();
  }
});
afterAll(() => world?.end());

/** Counts echoes over each path while something is done. */
async function counted(
  what: string,
  act: () => Promise<void>,
): Promise<{ path: string; sent: number; lost: number }[]> {
  const pings: [string, Ping][] = Object.entries(targets).map(([path, target]) => [
    path,
    ping(world.netns('one'), target),
  ]);
  const start = performance.now();
  let counts: ({ path: string } & Pinged)[] = [];
  try {
    await act();
    // Who answered just now answers a while later, too.
    await sleep(500);
    await Promise.all(pings.map(([, { answered }]) => answered));
  } finally {
    counts = await Promise.all(pings.map(async ([path, running]) => ({ path, ...(await running.stop()) })));
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  for (const { path, sent, received, lost } of counts)
    console.log(`${what}, ${path}: sent ${sent}, received ${received}, lost ${lost} in ${seconds} s`);
  return counts;
}

/** What is to be counted: echoes on every path, and all of them back. */
const whole = Object.keys(targets).map((path) => expect.objectContaining({ path, lost: 0 }) as unknown);

const each = async (act: (node: string, count: number) => void | Promise<void>): Promise<void> => {
  for (const [node, count] of nodes) await act(node, count);
};
const indexes = async (): Promise<string[]> =>
  (await world.ip('one', '-o', 'link')).split('\n').map((line) => line.split(':').slice(0, 2).join(':'));

// Where the kernel has WireGuard, as a VM's has; elsewhere wireguard-go serves the tunnel.
test.each(process.env['IFACTOR_TUNNELS'] === 'kernel' ? ['one', 'two'] : [])(
  "the tunnel of %s is the kernel's own",
  async (container) => {
    expect(await world.ip(container, '-d', 'link', 'show', 'wg0')).toMatch(/^ +wireguard/m);
  },
);

test('killed with -9 and started again, the agents drop no packet', async () => {
  const before = await indexes();
  const counts = await counted('killed', async () => {
    await each((node) => world.endAgent(node));
    await sleep(1000);
    await each((node) => world.startAgent(node));
    await each((node, count) => world.settled(node, count));
  });
  expect(counts).toEqual(whole);
  expect(await indexes()).toEqual(before);
});

test('started without their journals, they drop no packet', async () => {
  const before = await indexes();
  const counts = await counted('journal lost', async () => {
    await each(async (node) => {
      await world.endAgent(node);
      for (const end of ['', '-wal', '-shm']) rmSync(join(world.stateDir(node), `journal.db${end}`), { force: true });
      world.startAgent(node);
    });
    await each((node, count) => world.settled(node, count));
  });
  expect(counts).toEqual(whole);
  expect(await indexes()).toEqual(before);
});

test('with the same specs applied again, they drop no packet', async () => {
  const counts = await counted('applied again', async () => {
    for (const object of objects) await world.apply(object);
    await world.healthy(...objects);
  });
  expect(counts).toEqual(whole);
});

test('with NATS killed and back, they drop no packet', async () => {
  const counts = await counted('NATS killed', async () => {
    await world.nats.kill();
    await sleep(500);
    await world.nats.start();
    for (const object of objects) await world.apply(object);
    await world.healthy(...objects);
  });
  expect(counts).toEqual(whole);
});

test('replaced by another version, they drop no packet', async () => {
  const root = join(world.folder, 'next');
  const actors = join(root, 'actors');
  mkdirSync(root);
  cpSync(join(repository, 'actors/src'), join(actors, 'src'), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  const described = JSON.parse(readFileSync(join(repository, 'actors/package.json'), 'utf8')) as object;
  writeFileSync(join(actors, 'package.json'), JSON.stringify({ ...described, version: '99.0.0' }));
  const counts = await counted('upgraded', async () => {
    await each(async (node, count) => {
      await world.endAgent(node, 'SIGTERM');
      world.startAgent(node, { root });
      await world.settled(node, count);
    });
  });
  expect(counts).toEqual(whole);
  const { data } = await world.connection.request('$SRV.PING.ifactor-agent', '', { timeout: 2000 * slowness });
  expect(JSON.parse(new TextDecoder().decode(data))).toMatchObject({ version: '99.0.0' });
});
