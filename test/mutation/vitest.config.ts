import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { parts, partVariable } from './parts.ts';
import { keptPool } from './pool.ts';

const part = parts[process.env[partVariable] ?? ''];
if (part === undefined) throw new Error(`${partVariable} names none of ${Object.keys(parts).join(', ')}`);

export default defineConfig({
  root: resolve(import.meta.dirname, '../..', part.workspace),
  plugins: [
    {
      name: 'ifactor-mutation-pool',
      // Here, since Stryker chooses a pool of its own.
      configureVitest({ project }) {
        project.config.pool = keptPool.name as 'threads';
        project.config.poolRunner = keptPool;
      },
    },
  ],
  // The copy that Stryker works on, not the workspace that node_modules leads to.
  resolve: {
    alias: [{ find: /^@ifactor\/actors$/, replacement: resolve(import.meta.dirname, '../../actors/src/index.ts') }],
  },
  test: {
    include: part.tests,
    testTimeout: 60_000,
    setupFiles: [resolve(import.meta.dirname, 'setup.ts')],
    // One worker for all files of a run.
    isolate: false,
    // Stryker's own file is loaded once more for each test file, though the copy that it works on lies in node_modules/.cache.
    server: { deps: { inline: [/stryker-setup/] } },
  },
});
