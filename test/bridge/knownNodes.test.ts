import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { until } from '@ifactor/common/testing';
import { knownNodesStream, nodesBucket, nodesStream } from '@ifactor/common/nats';
import { NodeEntrySchema } from '@ifactor/crds';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { expect, test } from 'vitest';
import { startAgent } from './agent.ts';
import { startWorld } from './world.ts';
import type { Manifest, World } from './world.ts';

const main = resolve(import.meta.dirname, '../../lab/cli/src/main.ts');
const link = (name: string): Manifest => ({
  kind: 'NetlinkInterface',
  metadata: { name },
  spec: { node: 'lax1', interfaceName: name, type: 'bridge', up: true },
});
const message = async (world: World, name: string): Promise<string> => {
  const object = await world.get('netlinkinterfaces', name);
  const { conditions } = (object?.status ?? {}) as { conditions?: { message: string }[] };
  return conditions?.[0]?.message ?? '';
};

test('in a bucket of an older release entries expire once nodes are recorded; then a node is silent to the next leader, until it is forgotten', async () => {
  await using world = await startWorld();
  const connection = await world.nats.connect();
  const kvm = new Kvm(connection);
  const manager = await jetstreamManager(connection);
  await kvm.create(nodesBucket, { history: 1 });
  const agent = await startAgent(connection, 'lax1');
  await agent.stop();
  const first = await world.bridge('first', undefined, '--lease-seconds', '2');
  const ageOf = async () => (await manager.streams.info(nodesStream)).config.max_age;
  await until(async () => (await ageOf()) > 0, 'an age of entries', 60_000);
  const known = await kvm.open(knownNodesStream.slice('KV_'.length));
  const record = NodeEntrySchema.parse((await known.get('lax1'))?.json());

  await manager.streams.update(nodesStream, { max_age: 1e9, duplicate_window: 1e9 });
  await until(
    async () => (await manager.streams.info(nodesStream)).state.messages === 0,
    'the entry to expire',
    60_000,
  );
  await first.end('SIGKILL');
  // As the leader writes it when the node falls silent.
  await known.put('lax1', JSON.stringify({ ...record, time: '2026-01-01T00:00:00.000Z' }));

  const second = await world.bridge('second', undefined, '--lease-seconds', '2');
  await second.said(/leading/);
  await world.create(link('br0'));
  // A bucket has to be there for as long as three heartbeats take before a missing one says something.
  const silent = 'no heartbeat from node lax1 since 2026-01-01';
  await until(async () => (await message(world, 'br0')).includes(silent), 'br0 of a silent node', 240_000);
  await world.remove('netlinkinterfaces', 'br0');
  await until(async () => (await message(world, 'br0')).includes('ifactor node forget lax1'), 'the way out', 60_000);

  const { stdout } = await promisify(execFile)(process.execPath, [
    main,
    'node',
    'forget',
    'lax1',
    '--nats',
    world.nats.url,
  ]);
  expect(stdout).toContain('forgot node lax1');
  await until(async () => (await world.get('netlinkinterfaces', 'br0')) === undefined, 'br0 to go', 60_000);
}, 600_000);
