import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { streams } from '@ifactor/common/nats';
import { fillServer, until } from '@ifactor/common/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { startAgent } from './agent.ts';
import { startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

/* NATS has no room: what is there goes on, what is new waits and says why, and all goes on when there is room. */

const program = (path: string): string => resolve(import.meta.dirname, '../..', path);
const link = (name: string): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, type: 'bridge', up: true, mtu: 1400 },
});
async function ready(world: World, name: string): Promise<string> {
  const object = await world.get('netlinkinterfaces', name);
  const { conditions, observedGeneration } = (object?.status ?? {}) as {
    conditions?: { reason: string; message: string }[];
    observedGeneration?: number;
  };
  return conditions?.map(({ reason, message }) => `${observedGeneration} ${reason} ${message}`).join() ?? '';
}
const becomes = (world: World, name: string, pattern: RegExp): Promise<unknown> =>
  until(async () => pattern.test(await ready(world, name)), `${name}: ${pattern.source}`, 90_000);

test('a stream of wishes that is full refuses new objects and says so; deleting others makes room', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const manager = await jetstreamManager(connection);
  const agent = await startAgent(connection, 'lax1');
  await world.bridge('test', undefined, '--tombstone-seconds', '1');
  for (const name of ['br0', 'br1', 'br2', 'br3', 'br4']) {
    await world.create(link(name));
    await becomes(world, name, /Configured/);
  }
  const { state } = await manager.streams.info(streams.desired);
  await manager.streams.update(streams.desired, { max_bytes: state.bytes });
  await world.create(link('br5'));
  await becomes(world, 'br5', /NatsFull .*not sent to node lax1: stream IFACTOR_DESIRED is full: raise its limit/);
  for (const name of ['br0', 'br1', 'br2']) await world.remove('netlinkinterfaces', name);
  await becomes(world, 'br5', /Configured/);
  await until(async () => (await world.list('netlinkinterfaces')).length === 3, 'br0, br1 and br2 to go', 60_000);
  expect([...agent.wishes.keys()].toSorted()).toEqual(['br0', 'br1', 'br2', 'br3', 'br4', 'br5']);
  await agent.stop();
}, 240_000);

// Network namespaces need root.
test.skipIf(process.getuid?.() !== 0)(
  'where the servers have no room an agent heals on and keeps its journal; changes arrive and events are shipped when there is room',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ift-natsfull-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const configuration = join(folder, 'nats.conf');
    writeFileSync(configuration, 'jetstream { max_file_store: 300MB }\n');
    await using world = await startWorld('lab', { flags: ['-c', configuration] });
    const bridge = await world.bridge();
    const netns = `ift-${process.pid}-nf`;
    execFileSync('ip', ['netns', 'add', netns]);
    onTestFinished(() => void execFileSync('ip', ['netns', 'del', netns]));
    const args = ['--node', 'lax1', '--nats', world.nats.url, '--state-dir', join(folder, 'state')];
    const agent = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        program('actors/src/main.ts'),
        ...args,
        '--netns',
        `/run/netns/${netns}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let output = '';
    agent.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    onTestFinished(async () => {
      const exit = once(agent, 'exit');
      agent.kill('SIGKILL');
      await exit;
    });
    const links = (): { ifname: string; ifindex: number; mtu: number }[] =>
      JSON.parse(execFileSync('ip', ['-n', netns, '-j', 'link', 'show', 'type', 'bridge'], { encoding: 'utf8' })) as {
        ifname: string;
        ifindex: number;
        mtu: number;
      }[];
    await world.create(link('br0'));
    await becomes(world, 'br0', /Configured/);

    const connection = await world.nats.connect();
    await fillServer(connection);
    const [before] = links();
    execFileSync('ip', ['-n', netns, 'link', 'del', 'br0']);
    await until(
      () => links().some(({ ifindex, mtu }) => ifindex !== before?.ifindex && mtu === 1400),
      'healing',
      60_000,
    );
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1300 } });
    await becomes(world, 'br0', /NatsFull .*not sent to node lax1: NATS has no room .*raise max_file_store/);
    await bridge.said(/reconciling failed.*NATS has no room to store messages in IFACTOR_DESIRED/);
    await until(
      () => /failed to ship events; they stay in the journal.*NATS has no room/.test(output),
      'the log',
      60_000,
    );
    expect(links()).toMatchObject([{ ifname: 'br0', mtu: 1400 }]);

    await (await jetstreamManager(connection)).streams.delete('FILLER');
    await becomes(world, 'br0', /^2 Configured/);
    expect(links()).toMatchObject([{ ifname: 'br0', mtu: 1300 }]);
    const verify = [program('lab/cli/src/main.ts'), 'replay', '--verify', '--nats', world.nats.url];
    await until(
      async () => {
        const { stdout } = await promisify(execFile)(process.execPath, verify).catch(
          (error: { stdout: string }) => error,
        );
        return stdout.includes('1 of 1 actors equal') && stdout.includes(' 0 gaps or doubles');
      },
      'the log to be whole',
      60_000,
    );
  },
  360_000,
);
