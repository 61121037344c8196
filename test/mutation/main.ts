// `npm run mutation -- bridge`: runs one part and fails below its floor; `npm run mutation -- bridge bridge/src/queue.ts`:
// mutates only these files, for a quick look without what runs once when a module is loaded. Results are kept: what did not
// change since is not run again, nor what survived and runs once at load; remove node_modules/.cache/ifactor for a whole run.
import { Stryker } from '@stryker-mutator/core';
import { setPriority } from 'node:os';
import { resolve } from 'node:path';
import { parts, partVariable } from './parts.ts';

const [name = '', ...files] = process.argv.slice(2);
const part = parts[name];
if (part === undefined) {
  console.error(`no part ${name}: choose one of ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
process.chdir(resolve(import.meta.dirname, '../..'));
process.env[partVariable] = name;
// Hours of computing: whatever else runs here goes first.
setPriority(10);

const mutate = files.length > 0 ? files : part.mutate.map((glob) => `${part.workspace}/${glob}`);
await new Stryker({
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: [...mutate, '!**/*.test.ts'],
  ignorePatterns: ['/.lab', '/lab', '/test/*', '!/test/mutation', '!/test/golden'],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  tsconfigFile: 'none: TypeScript 7 has no JavaScript API for Stryker to read it with',
  coverageAnalysis: 'perTest',
  ignoreStatic: files.length > 0,
  // A busy machine is not an endless loop.
  timeoutMS: 10_000,
  incremental: true,
  incrementalFile: `node_modules/.cache/ifactor/mutation-${name}.json`,
  tempDirName: `node_modules/.cache/ifactor/mutation-${name}`,
  thresholds: { high: 100, low: part.floor, break: files.length > 0 ? null : part.floor },
  reporters: ['progress', 'clear-text'],
  clearTextReporter: { logTests: false, reportTests: false },
  concurrency: Number(process.env['IFACTOR_MUTATION_WORKERS'] ?? 2),
}).runMutationTest();
