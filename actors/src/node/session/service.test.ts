import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@ifactor/common';
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
  const service = await startService({
    connection: await bench.dial(),
    agent: { node: 'lax1', version: '0.1.0', runner: node.runner, secrets },
  });
  bench.cleanup(() => service.stop());

  const purge = async (object: string): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, [program, 'keys', 'purge', object, '--node', 'lax1', '--nats', bench.nats.url]);
  expect((await purge('wgi/wg1')).stderr).toContain('no key of wgi/wg1 is kept');
  expect((await purge('wgi/wg0')).stdout).toContain('lax1: destroyed the key of default.wireguardinterface.wg0');
  expect(existsSync(join(folder, 'keys', 'default.wireguardinterface.wg1'))).toBe(true);
  expect(secrets.retired.purge(null)).toEqual([]);
});
