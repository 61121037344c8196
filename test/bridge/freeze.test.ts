import { eventStoreOf, streams } from '@ifactor/common/nats';
import { formatStatusSubject } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { expectOnlyNewer, link, ready, record, startKernelAgent } from './kernel.ts';
import { startWorld } from './world.ts';
import type { Manifest } from './world.ts';

/* A bridge that was stopped (SIGSTOP) for longer than its lease wakes, and changes nothing of what its successor wrote. */

const tunnel = (name: string, vni: number): Manifest =>
  link(name, 'vxlan', { vxlan: { vni, local: '127.0.0.1', group: '127.0.0.2' } });

const flags = (namespace: string): string[] => ['--lease-namespace', namespace, '--lease-seconds', '2'];

// Network namespaces need root.
test.skipIf(process.getuid?.() !== 0).each([
  ['that shares its Lease with the successor', ['default', 'default']],
  ['that leads by a Lease of its own', ['default', 'kube-system']],
] as const)(
  'a bridge %s',
  async (_, [own, others]) => {
    await using world = await startWorld();
    const { links } = startKernelAgent(world);
    const frozen = await world.bridge('frozen', undefined, ...flags(own));
    if (own !== others) await world.shareSigningKey(others);
    const successor = await world.bridge('successor', undefined, ...flags(others), '--take-over');
    await world.create(link('br0', 'bridge', { mtu: 1500 }));
    await ready(world, 'br0');
    const messages = await record(await world.nats.connect());

    frozen.send('SIGSTOP');
    if (own === others) await successor.said(/ leading/);
    const before = links();
    const made = [link('br1'), link('veth1', 'veth', { veth: {} }), tunnel('vx1', 11), tunnel('vx2', 12)];
    for (const manifest of made) await world.create(manifest);
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1400 } });
    await ready(world, 'br0', 'br1', 'veth1', 'vx1', 'vx2');
    const after = links();
    expect(Object.keys(after).toSorted()).toEqual(['br0', 'br1', 'veth1', 'veth1-peer', 'vx1', 'vx2']);
    expect(after['br0']).toEqual({ ...before['br0'], mtu: 1400 });

    frozen.send('SIGCONT');
    // It has seen all that happened when it does what comes after that.
    successor.send('SIGSTOP');
    await world.create(link('late'));
    await ready(world, 'late');
    successor.send('SIGCONT');
    await world.create(link('later'));
    await ready(world, 'br0', 'br1', 'veth1', 'vx1', 'vx2', 'late', 'later');

    expect(links()).toMatchObject(after);
    expect(messages.filter(({ deleted }) => deleted)).toEqual([]);
    expectOnlyNewer(messages);
    // One message per object, and one for the change.
    expect(messages.map(({ name }) => name).toSorted()).toEqual(
      ['br0', 'br0', 'br1', 'late', 'later', 'veth1', 'vx1', 'vx2'].toSorted(),
    );
    // What the agent said of them is not removed either.
    const store = eventStoreOf(await world.nats.connect());
    for (const name of ['br0', 'br1', 'veth1', 'vx1', 'vx2', 'late', 'later']) {
      const place = { node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name };
      expect(await store.last(streams.status, formatStatusSubject(place))).toBeDefined();
    }
  },
  180_000,
);
