import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { DesiredSchema, formatStatusSubject } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';
import { startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

/* A bridge that was stopped (SIGSTOP) for longer than its lease wakes, and changes nothing of what its successor wrote. */

const main = resolve(import.meta.dirname, '../../actors/src/main.ts');
const netns = `ift-${process.pid}-freeze`;

const link = (name: string, type: string, spec: object = {}): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, type, up: true, ...spec },
});
const tunnel = (name: string, vni: number): Manifest =>
  link(name, 'vxlan', { vxlan: { vni, local: '127.0.0.1', group: '127.0.0.2' } });

type Link = { ifname: string; ifindex: number; mtu: number };
const links = (): Record<string, Link> =>
  Object.fromEntries(
    (JSON.parse(execFileSync('ip', ['-n', netns, '-j', 'link', 'show'], { encoding: 'utf8' })) as Link[])
      .filter(({ ifname }) => ifname !== 'lo')
      .map(({ ifname, ifindex, mtu }) => [ifname, { ifname, ifindex, mtu }]),
  );

function startAgent(world: World): void {
  execFileSync('ip', ['netns', 'add', netns]);
  const folder = mkdtempSync(join(tmpdir(), 'ift-freeze-'));
  const flags = ['--node', 'lax1', '--nats', world.nats.url, '--state-dir', folder, '--log-level', 'warn'];
  const agent = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, ...flags, '--netns', `/run/netns/${netns}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  onTestFinished(async () => {
    if (agent.exitCode === null && agent.signalCode === null) {
      agent.kill('SIGKILL');
      await once(agent, 'exit');
    }
    execFileSync('ip', ['netns', 'del', netns]);
    rmSync(folder, { recursive: true });
  });
}

/** Every message of the desired stream, in order. */
async function record(connection: NatsConnection): Promise<Desired[]> {
  const messages: Desired[] = [];
  const consumer = await jetstream(connection).consumers.get(streams.desired);
  await consumer.consume({ callback: (message) => void messages.push(DesiredSchema.parse(message.json())) });
  return messages;
}

async function isReady(world: World, name: string): Promise<boolean> {
  const object = await world.get('netlinkinterfaces', name);
  const conditions = object?.status?.['conditions'] as
    | { type: string; status: string; observedGeneration?: number }[]
    | undefined;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === object?.metadata.generation;
}
const ready = (world: World, ...names: string[]): Promise<unknown> =>
  Promise.all(names.map((name) => until(() => isReady(world, name), `${name} to be Ready`, 30_000)));

/** For one uid neither generation nor resource version goes back, and nothing is said after its tombstone. */
function expectOnlyNewer(messages: readonly Desired[]): void {
  const last = new Map<string, Desired>();
  for (const message of messages) {
    const before = last.get(message.uid);
    if (before) {
      expect(message.generation).toBeGreaterThanOrEqual(before.generation);
      expect(Number(message.resourceVersion)).toBeGreaterThanOrEqual(Number(before.resourceVersion));
      expect(before.deleted).toBeUndefined();
    }
    last.set(message.uid, message);
  }
}

const flags = (namespace: string): string[] => ['--lease-namespace', namespace, '--lease-seconds', '2'];

// Network namespaces need root.
test.skipIf(process.getuid?.() !== 0).each([
  ['that shares its Lease with the successor', ['default', 'default']],
  ['that leads by a Lease of its own', ['default', 'kube-system']],
] as const)(
  'a bridge %s',
  async (_, [own, others]) => {
    await using world = await startWorld();
    startAgent(world);
    const frozen = await world.bridge('frozen', undefined, ...flags(own));
    const successor = await world.bridge('successor', undefined, ...flags(others));
    await world.create(link('br0', 'bridge', { mtu: 1500 }));
    await ready(world, 'br0');
    const messages = await record(await world.nats.connect());

    frozen.send('SIGSTOP');
    if (own === others) await successor.said(/ leading/);
    const before = links();
    const made = [link('br1', 'bridge'), link('veth1', 'veth', { veth: {} }), tunnel('vx1', 11), tunnel('vx2', 12)];
    for (const manifest of made) await world.create(manifest);
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1400 } });
    await ready(world, 'br0', 'br1', 'veth1', 'vx1', 'vx2');
    const after = links();
    expect(Object.keys(after).toSorted()).toEqual(['br0', 'br1', 'veth1', 'veth1-peer', 'vx1', 'vx2']);
    expect(after['br0']).toEqual({ ...before['br0'], mtu: 1400 });

    frozen.send('SIGCONT');
    // It has seen all that happened when it does what comes after that.
    successor.send('SIGSTOP');
    await world.create(link('late', 'bridge'));
    await ready(world, 'late');
    successor.send('SIGCONT');
    await world.create(link('later', 'bridge'));
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
