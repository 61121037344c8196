import { matchesGlob, relative, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';
import { parts, partVariable } from './parts.ts';
import { keptPool } from './pool.ts';

const part = parts[process.env[partVariable] ?? ''];
if (part === undefined) throw new Error(`${partVariable} names none of ${Object.keys(parts).join(', ')}`);

const root = resolve(import.meta.dirname, '../..', part.workspace);

const placeOf = ({ moduleId }: TestSpecification): number =>
  part.tests.findIndex((glob) => matchesGlob(relative(root, moduleId), glob));

/** In the order of the part's list: a mutant is done with at the first test that fails. Vitest would begin with what takes longest. */
class Listed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

export default defineConfig({
  root,
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
    sequence: { sequencer: Listed },
    setupFiles: [resolve(import.meta.dirname, 'setup.ts')],
    // One worker for all files of a run.
    isolate: false,
    // Stryker's own file is loaded once more for each test file, though the copy that it works on lies in node_modules/.cache.
    server: { deps: { inline: [/stryker-setup/] } },
  },
});
