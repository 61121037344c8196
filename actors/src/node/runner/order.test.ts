import { describe, expect, test } from 'vitest';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import type { Kernel } from '../../kernel/index.ts';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';

const container = { docker: { name: 'box' } };
const netlink = (name: string, spec: object) => (node: TestNode) =>
  void node.apply('NetlinkInterface', name, { interfaceName: name, up: true, container, ...spec });

/** What depends on something else of this: the bridge on its slave, the vxlan on the tunnel, the tunnel on its key, all on the container. */
const steps: { [what: string]: (node: TestNode) => void | Promise<void> } = {
  container: (node) => node.places.set('box', true),
  bridge: netlink('br0', { type: 'bridge', addresses: [{ ipcidr: '10.0.0.1/24' }], bridge: { slaves: ['ve0'] } }),
  slave: netlink('ve0', { type: 'veth', veth: { peer: { interfaceName: 've1' } } }),
  vxlan: netlink('vx0', { type: 'vxlan', vxlan: { vni: 5, dev: 'wg0', local: '10.4.0.1', group: '10.4.0.2' } }),
  tunnel: (node) => {
    const spec = {
      interfaceName: 'wg0',
      moveToContainer: true,
      container,
      privateKeySecretRef: { name: 's', key: 'k' },
      addresses: [{ family: 'inet', local: '10.4.0.1', prefixlen: 24 }],
    };
    node.apply('WireGuardInterface', 'wg0', spec);
  },
  key: (node) => {
    const fingerprint = node.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, 1));
    // As the agent does when the bridge tells of the Secret.
    const actor = [...node.runner.actors.values()].find(({ key }) => key.name === 'wg0');
    if (actor)
      node.runner.tell(actor, { type: 'SecretResolved', data: { ref: 'privateKey', version: '1', fingerprint } }, null);
  },
};
function permutations<T>(list: readonly T[]): T[][] {
  return list.length <= 1
    ? [[...list]]
    : list.flatMap((one, at) => permutations(list.toSpliced(at, 1)).map((rest) => [one, ...rest]));
}

/** Takes the steps in this order, each when the one before has had its effect, sees that all is as declared, and deletes it. What is left. */
async function take(order: readonly string[], kernel: Kernel, paths: { [name: string]: string }): Promise<string[]> {
  const node = new TestNode({ kernel, path: (name) => paths[name] ?? '' });
  try {
    await node.places.set('box', false);
    for (const step of order) {
      await steps[step]?.(node);
      for (const actor of node.runner.actors.values()) await node.settles(actor, 'pending', 'moved-to-netns');
    }
    for (const actor of node.runner.actors.values()) await node.settles(actor, 'moved-to-netns');
    const box = await kernel.open(paths['box'] ?? '');
    await box.barrier();
    expect(
      [...box.links()]
        .map(({ name }) => name)
        .filter((name) => name !== 'lo')
        .toSorted(),
    ).toEqual(['br0', 've0', 've1', 'vx0', 'wg0']);
    expect(box.link('ve0')?.master).toBe(box.link('br0')?.index);
    expect(box.link('vx0')?.vxlan?.link).toBe(box.link('wg0')?.index);
    // Nothing is made twice on the way: what waits makes nothing that it has to take back.
    expect(node.events().filter(({ type }) => type === 'LinkRemoved')).toEqual([]);
    for (const [kind, name] of [
      ['WireGuardInterface', 'wg0'],
      ['NetlinkInterface', 've0'],
      ['NetlinkInterface', 'vx0'],
      ['NetlinkInterface', 'br0'],
    ] as const)
      node.delete(kind, name);
    for (const actor of node.runner.actors.values()) await node.settles(actor, 'deleted');
    await box.barrier();
    const left = [...box.links()].map(({ name }) => name).filter((name) => name !== 'lo');
    box.close();
    return left;
  } finally {
    node.dispose();
  }
}

describe('things may appear in any order', () => {
  test.each(Object.keys(steps))('with %s first, each of 120 orders ends alike', async (first) => {
    const rest = permutations(Object.keys(steps).filter((step) => step !== first));
    expect(rest).toHaveLength(120);
    for (const order of rest) {
      const kernel = new MemoryKernel();
      for (const path of ['/home', '/box']) kernel.addNetns(path);
      expect(await take([first, ...order], kernel, { home: '/home', box: '/box' })).toEqual([]);
      await kernel.close();
    }
  });

  // Network namespaces need root.
  test.skipIf(process.getuid?.() !== 0).each([
    ['container', 'key', 'slave', 'bridge', 'tunnel', 'vxlan'],
    ['vxlan', 'bridge', 'tunnel', 'slave', 'key', 'container'],
    ['bridge', 'vxlan', 'container', 'slave', 'tunnel', 'key'],
  ])('in real namespaces: %s, %s, %s, %s, %s, %s', async (...order) => {
    const bench: Bench = await openMachine();
    try {
      expect(await take(order, bench.kernel, { home: await bench.addNetns(), box: await bench.addNetns() })).toEqual(
        [],
      );
    } finally {
      await bench.close();
    }
  });
});
