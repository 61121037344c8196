import { defineConfig } from 'vitest/config';
import { lanes } from './lane/lanes.ts';

const MINUTE = 60_000;

/** What a lane starts once for all its files. */
const SETUP: Readonly<Record<string, string>> = { contract: './kube/setup.ts' };

// These lanes start many processes: one file at a time, and time to do it in.
export default defineConfig({
  test: {
    reporters: ['default', './lane/reporter.ts'],
    fileParallelism: false,
    projects: lanes().map(({ name, include }, groupOrder) => ({
      extends: true,
      test: {
        name,
        include,
        globalSetup: SETUP[name] ?? [],
        testTimeout: 2 * MINUTE,
        hookTimeout: 2 * MINUTE,
        sequence: { groupOrder },
      },
    })),
  },
});
