import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readResults } from './results.ts';

const ROOT = resolve(import.meta.dirname, '../..');
let workspace: string;
let results: string;

// Inside the repository: vitest resolves itself from the workspace it tests.
beforeEach(async () => {
  workspace = await mkdtemp(join(ROOT, 'node_modules', '.lane-'));
  results = join(workspace, 'results');
  await mkdir(results);
});
afterEach(() => rm(workspace, { recursive: true }));

async function run(source: string): Promise<void> {
  await writeFile(join(workspace, 'a.test.js'), source);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--globals', '--dir', workspace, '--reporter', join(import.meta.dirname, 'reporter.ts')];
  await promisify(execFile)(process.execPath, args, {
    cwd: workspace,
    env: { ...process.env, IFACTOR_RESULTS: results },
  }).catch(() => {});
}

test('writes what became of each test, with the reasons for skipping', async () => {
  await run(`
    describe('group', () => { test('good', () => {}); test('bad', () => expect(1).toBe(2)); });
    test.skip('later', () => {});
    test('elsewhere', (context) => context.skip('no engine'));
  `);
  expect(await readResults(results)).toEqual([
    expect.objectContaining({
      passed: 1,
      failed: ['group > bad'],
      skipped: [
        { name: 'later', reason: '' },
        { name: 'elsewhere', reason: 'no engine' },
      ],
    }),
  ]);
});

test('a file that cannot be loaded counts as a failure', async () => {
  await run(`throw new Error('at import')`);
  const [file] = await readResults(results);
  expect(file).toMatchObject({ passed: 0, failed: [file?.file] });
});

test('an error outside any test counts as a failure', async () => {
  await run(
    `test('good', () => { setTimeout(() => { throw new Error('late'); }); return new Promise((done) => setTimeout(done, 100)); })`,
  );
  const all = await readResults(results);
  expect(all.reduce((sum, file) => sum + file.failed.length, 0)).toBeGreaterThan(0);
});
