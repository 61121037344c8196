import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@ifactor/common';
import { ensureStreams } from '@ifactor/common/nats';
import { expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';
import { loadIdentity } from '../secrets/identity.ts';
import { Secrets } from '../secrets/secrets.ts';
import { startService } from './service.ts';

vi.setConfig({ testTimeout: 60_000 });
const bench = natsBench();
const run = promisify(execFile);
const program = join(import.meta.dirname, '../../../../lab/cli/src/main.ts');

test('ifactor keys purge destroys the retired key of an object, and none that is in use', async () => {
  const kernel = new MemoryKernel();
  kernel.addNetns('home');
  const node = new TestNode({ kernel, path: (place) => place });
  bench.cleanup(() => node.dispose());
  const folder = join(bench.folder, 'state');
  mkdirSync(folder);
  const secrets = new Secrets(loadIdentity(folder), folder, systemClock);
  const [gone, used] = ['wg0', 'wg1'].map((name) => ({ kind: 'wireguardinterface', namespace: 'default', name }));
  if (!gone || !used) throw new Error('two keys');
  for (const key of [gone, used]) {
    secrets.learn(key, { secrets: [], missing: [] });
    secrets.resolve(key, 'privateKey');
  }
  secrets.retire(gone);
  const connection = await bench.dial();
  const service = await startService({
    connection,
    agent: { node: 'lax1', version: '0.1.0', runner: node.runner, secrets },
  });
  bench.cleanup(() => service.stop());

  // As JetStream delivers a message: with nobody to answer, or with where to acknowledge it.
  connection.publish('ifactor.agent.lax1.purge-keys', '');
  connection.publish('ifactor.agent.lax1.purge-keys', '', { reply: '$JS.ACK.IFACTOR_EVENTS.c.1.1.1.1.0' });

  const purge = async (object: string): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, [program, 'keys', 'purge', object, '--node', 'lax1', '--nats', bench.nats.url]);
  expect((await purge('wgi/wg1')).stderr).toContain('no key of wgi/wg1 is kept');
  expect((await purge('wgi/wg0')).stdout).toContain('lax1: destroyed the key of default.wireguardinterface.wg0');
  expect(existsSync(join(folder, 'keys', 'default.wireguardinterface.wg1'))).toBe(true);
  expect(secrets.retired.purge(null)).toEqual([]);
});

test('ifactor pause says by whom, why and until when; resync and resume say what they change', async () => {
  const kernel = new MemoryKernel();
  kernel.addNetns('home');
  const node = new TestNode({ kernel, path: (place) => place });
  bench.cleanup(() => node.dispose());
  const connection = await bench.dial();
  const kv = await ensureStreams(connection);
  await kv.put('lax1', '{}');
  const folder = join(bench.folder, 'paused');
  mkdirSync(folder);
  const service = await startService({
    connection,
    agent: {
      node: 'lax1',
      version: '0.1.0',
      runner: node.runner,
      secrets: new Secrets(loadIdentity(folder), folder, systemClock),
    },
  });
  bench.cleanup(() => service.stop());
  const spec = { interfaceName: 'br0', type: 'bridge', up: true, addresses: [] };
  const actor = node.apply('NetlinkInterface', 'br', spec);
  await node.settles(actor, 'configured');
  const ifactor = async (...words: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [program, ...words, '--nats', bench.nats.url]);
    return stdout;
  };

  const paused = await ifactor('pause', 'nl/br', '--for', '2h', '--reason', 'new switch', '--by', 'mona');
  expect(paused).toBe('lax1: netlinkinterface/default/br paused\n');
  await node.until(() => actor.snapshot.context.paused !== null);
  const { by, reason, until, since } = actor.snapshot.context.paused!;
  expect([by, reason]).toEqual(['mona', 'new switch']);
  expect(Date.parse(until!) - Date.parse(since)).toBeGreaterThan(3_500_000);
  expect(await ifactor('resync', 'nl/br')).toMatch(/not changed: paused by mona since .*observed but not changed/);
  expect(await ifactor('resume', 'nl/br')).toBe('lax1: netlinkinterface/default/br resumed\n');
  await node.until(() => actor.snapshot.context.paused === null);
  node.apply('NetlinkInterface', 'br', { ...spec, mode: 'Paused' });
  await node.until(() => actor.snapshot.context.verdict.reason === 'Paused');
  expect(await ifactor('resume', 'nl/br')).toContain('not changed: spec.mode is Paused');

  // As before there were words to it.
  const plain = await connection.request('ifactor.agent.lax1.pause', 'netlinkinterface/default/br');
  expect(plain.json()).toEqual([{ key: actor.key, accepted: true }]);
  await node.until(() => actor.snapshot.context.paused?.by === 'nats request');
  await expect(ifactor('pause', 'nl/none', '--node', 'lax1')).rejects.toThrow('no agent has nl/none');
  await expect(ifactor('pause', 'nl/br', '--for', '0s')).rejects.toThrow('0s is not in the future');
});
