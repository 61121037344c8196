import { mkdtemp, rm } from 'node:fs/promises';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { labPrefix } from '../lane/interrupt.ts';
import { findKeys, keysIn } from './keys.ts';
import { examples, ifactor, succeeded } from './lab.ts';
import { runtimes } from './runtime.ts';

test.each(runtimes())('the demo succeeds with containers of %s', { timeout: 300_000 }, async (runtime) => {
  const dir = await mkdtemp(labPrefix());
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const shown = succeeded(await ifactor('lab', 'demo', '--runtime', runtime, '--dir', dir));
  expect(shown.match(/packets transmitted, .* 0% packet loss/g)?.length).toBeGreaterThanOrEqual(5);
  expect(shown).toMatch(/DriftObserved/);
  const keys = globSync(join(examples, '*.yaml')).flatMap((file) => keysIn(readFileSync(file, 'utf8')));
  expect(keys).not.toEqual([]);
  expect(findKeys(keys, [['what it printed', Buffer.from(shown)]])).toEqual([]);
  expect((await ifactor('lab', 'status', '--dir', dir)).code).toBe(2);
});
