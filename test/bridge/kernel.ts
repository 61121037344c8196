import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { streams } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { DesiredSchema } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, onTestFinished } from 'vitest';
import type { Manifest, World } from './world.ts';

const main = resolve(import.meta.dirname, '../../actors/src/main.ts');
let started = 0;

type Link = { ifname: string; ifindex: number; mtu: number };

export type KernelAgent = { links: () => Record<string, Link>; end(): Promise<void> };

/** Starts a real agent of lax1 in a network namespace of its own; both end with the test. */
export function startKernelAgent({ nats }: World): KernelAgent {
  const agent = runKernelAgent(nats.url);
  onTestFinished(() => agent.end());
  return agent;
}

/** The same, for as long as it is not ended. @param more flags */
export function runKernelAgent(nats: string, ...more: string[]): KernelAgent {
  const netns = `ift-${process.pid}-k${started++}`;
  execFileSync('ip', ['netns', 'add', netns]);
  const folder = mkdtempSync(join(tmpdir(), 'ift-kernel-'));
  const flags = ['--node', 'lax1', '--nats', nats, '--state-dir', folder, '--log-level', 'warn', ...more];
  const agent = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, ...flags, '--netns', `/run/netns/${netns}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return {
    async end() {
      if (agent.exitCode === null && agent.signalCode === null) {
        agent.kill('SIGKILL');
        await once(agent, 'exit');
      }
      execFileSync('ip', ['netns', 'del', netns]);
      rmSync(folder, { recursive: true });
    },
    links: () =>
      Object.fromEntries(
        (JSON.parse(execFileSync('ip', ['-n', netns, '-j', 'link', 'show'], { encoding: 'utf8' })) as Link[])
          .filter(({ ifname }) => ifname !== 'lo')
          .map(({ ifname, ifindex, mtu }) => [ifname, { ifname, ifindex, mtu }]),
      ),
  };
}

export const link = (name: string, type = 'bridge', spec: object = {}): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, type, up: true, ...spec },
});

/** Every message of the desired stream, what it holds now included, in order. */
export async function record(connection: NatsConnection): Promise<Desired[]> {
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
  const found = conditions?.find(({ type }) => type === 'Ready');
  return found?.status === 'True' && found.observedGeneration === object?.metadata.generation;
}

/** Resolves when all are Ready in the generation that the API has. */
export const ready = (world: World, ...names: string[]): Promise<unknown> =>
  Promise.all(names.map((name) => until(() => isReady(world, name), `${name} to be Ready`, 60_000)));

/** For one uid neither generation nor resource version goes back, and nothing is said after its tombstone. */
export function expectOnlyNewer(messages: readonly Desired[]): void {
  const last = new Map<string, Desired>();
  for (const message of messages) {
    const before = last.get(message.uid);
    if (before) {
      expect(message.generation).toBeGreaterThanOrEqual(before.generation);
      expect(Number(message.resourceVersion)).toBeGreaterThanOrEqual(Number(before.resourceVersion));
      expect(before.deleted, `${message.name} after its tombstone`).toBeUndefined();
    }
    last.set(message.uid, message);
  }
}
