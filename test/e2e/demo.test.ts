import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ifactor, succeeded } from './lab.ts';
import { runtimes } from './runtime.ts';

test.each(runtimes())('the demo succeeds with containers of %s', { timeout: 300_000 }, async (runtime) => {
  const dir = await mkdtemp(join(tmpdir(), 'ift-demo-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const shown = succeeded(await ifactor('lab', 'demo', '--runtime', runtime, '--dir', dir));
  expect(shown.match(/packets transmitted, .* 0% packet loss/g)?.length).toBeGreaterThanOrEqual(5);
  expect(shown).toMatch(/DriftObserved/);
  expect((await ifactor('lab', 'status', '--dir', dir)).code).toBe(2);
});
