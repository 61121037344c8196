import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '@ifactor/common/testing';
import { formatDesiredSubject, formatStatusSubject } from '@ifactor/crds';
import { streams } from '@ifactor/common/nats';
import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager, StreamState } from '@nats-io/jetstream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startAgent } from './agent.ts';
import { startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

/* What is deleted is said for a while, and found out by whoever was away for longer. */

/** IFACTOR_CHURN=2000: half a minute more. */
const churn = Number(process.env['IFACTOR_CHURN'] ?? 300);
const main = resolve(import.meta.dirname, '../../actors/src/main.ts');
const link = (name: string): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, type: 'bridge', up: true },
});
const place = (name: string) => ({ node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name });
const last = async (manager: JetStreamManager, stream: string, subject: string): Promise<string | undefined> =>
  (await manager.streams.getMessage(stream, { last_by_subj: subject }))?.string();
const wished = (manager: JetStreamManager, name: string) =>
  last(manager, streams.desired, formatDesiredSubject(place(name)));
const told = (manager: JetStreamManager, name: string) =>
  last(manager, streams.status, formatStatusSubject(place(name)));

/** As `kubectl delete` and somebody who takes the finalizer away. */
async function vanish(world: World, name: string): Promise<void> {
  await world.remove('netlinkinterfaces', name);
  await world.patch('netlinkinterfaces', name, { metadata: { finalizers: null } }).catch(() => undefined);
  await until(async () => (await world.get('netlinkinterfaces', name)) === undefined, `${name} to be gone`);
}

async function inParallel(names: readonly string[], step: (name: string) => Promise<unknown>): Promise<void> {
  const left = names.values();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (const name of left) await step(name);
    }),
  );
}

test(`${churn} interfaces that came and went leave nothing in the stream`, async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const agent = await startAgent(connection, 'lax1');
  const manager = await jetstreamManager(connection);
  const state = async (): Promise<StreamState> => (await manager.streams.info(streams.desired)).state;
  await world.bridge('test', undefined, '--tombstone-seconds', '1');
  await world.create(link('stays'));
  const names = Array.from({ length: churn }, (_, at) => `br${at}`);
  await inParallel(names, (name) => world.create(link(name)));
  await until(() => agent.wishes.size === churn + 1, 'all wishes', 60_000);
  const full = await state();
  expect(full.messages).toBeGreaterThan(churn / 2);
  await inParallel(names, (name) => world.remove('netlinkinterfaces', name));
  await until(async () => (await world.list('netlinkinterfaces')).length === 1, 'the objects to go', 60_000);
  await until(async () => (await state()).messages === 1, 'the tombstones to go', 60_000);
  expect((await state()).bytes).toBeLessThan((2 * full.bytes) / full.messages);
  expect(await wished(manager, 'stays')).toContain('"name":"stays"');
  await agent.stop();
  // A name that was used may be used again.
  await world.create(link('br0'));
  await until(async () => (await wished(manager, 'br0'))?.includes('"generation":1'), 'the new wish');
}, 180_000);

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('an agent', () => {
  const netns = `ift-${process.pid}-tomb`;
  const links = (): { ifname: string; ifindex: number }[] =>
    (
      JSON.parse(execFileSync('ip', ['-n', netns, '-j', 'link', 'show', 'type', 'bridge'], { encoding: 'utf8' })) as {
        ifname: string;
        ifindex: number;
      }[]
    ).map(({ ifname, ifindex }) => ({ ifname, ifindex }));
  const names = (): string[] => links().map(({ ifname }) => ifname);

  /** Three bridges, made by a real agent. */
  async function start(
    world: World,
  ): Promise<{ manager: JetStreamManager; run: () => void; end: () => Promise<void> }> {
    execFileSync('ip', ['netns', 'add', netns]);
    const folder = mkdtempSync(join(tmpdir(), 'ift-tomb-'));
    let agent: ChildProcess | undefined;
    const run = (): void => {
      const args = [
        '--node',
        'lax1',
        '--nats',
        world.nats.url,
        '--state-dir',
        folder,
        '--netns',
        `/run/netns/${netns}`,
        '--log-level',
        'warn',
      ];
      agent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    };
    const end = async (): Promise<void> => {
      if (!agent || agent.exitCode !== null || agent.signalCode !== null) return;
      const exit = once(agent, 'exit');
      agent.kill('SIGKILL');
      await exit;
    };
    onTestFinished(async () => {
      await end();
      execFileSync('ip', ['netns', 'del', netns]);
      rmSync(folder, { recursive: true });
    });
    run();
    for (const name of ['br1', 'br2', 'br3']) await world.create(link(name));
    await until(() => names().length === 3, 'the bridges');
    const manager = await jetstreamManager(await world.nats.connect());
    await until(async () => (await told(manager, 'br3'))?.includes('"state":"configured"'), 'the status');
    return { manager, run, end };
  }

  test('that was stopped until the tombstones were gone removes its links when it is back', async () => {
    await using world = await startWorld();
    await world.bridge('test', undefined, '--tombstone-seconds', '1');
    const { manager, run, end } = await start(world);
    const before = links();
    await end();
    await vanish(world, 'br1');
    await vanish(world, 'br2');
    // Another one of the same name.
    await world.create(link('br2'));
    await until(async () => (await wished(manager, 'br1')) === undefined, 'the tombstone to be gone');
    expect(names()).toHaveLength(3);
    run();
    await until(() => !names().includes('br1'), 'br1 to be removed');
    expect(links()).toContainEqual(before.find(({ ifname }) => ifname === 'br3'));
    expect(names()).toContain('br2');
    // It is told once, and then forgotten by all.
    await until(
      async () => (await wished(manager, 'br1')) === undefined && (await told(manager, 'br1')) === undefined,
      'nothing to be left',
    );
  }, 60_000);

  test('removes nothing when NATS has lost its store, but what was deleted meanwhile, when the API server says so', async () => {
    await using world = await startWorld();
    const bridge = await world.bridge();
    const { manager } = await start(world);
    const before = links();
    await bridge.end();
    await world.nats.kill();
    world.nats.wipe();
    await world.nats.start();
    // The agent has found the stream empty, and says what it has.
    await until(
      async () =>
        Promise.all(['br1', 'br2', 'br3'].map((name) => told(manager, name))).then(
          (all) => all.every(Boolean),
          () => false,
        ),
      'the statuses',
      30_000,
    );
    expect((await manager.streams.info(streams.desired)).state.messages).toBe(0);
    expect(links()).toEqual(before);
    await vanish(world, 'br1');
    expect(links()).toEqual(before);

    await world.bridge();
    await until(() => !names().includes('br1'), 'br1 to be removed');
    await until(async () => (await wished(manager, 'br3')) !== undefined, 'the wishes');
    expect(links()).toEqual(before.filter(({ ifname }) => ifname !== 'br1'));
  }, 90_000);
});
