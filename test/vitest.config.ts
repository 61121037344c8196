import { defineConfig } from 'vitest/config';
import { LANES, type Lane } from './lane/lanes.ts';

/** Lanes that start many processes: one file at a time, and time to do it in. */
const MINUTE = 60_000;

/** What a lane has beyond the tests in the folder of its name. */
const EXTRA: Partial<Record<Lane, { include?: string[]; globalSetup?: string }>> = {
  contract: { include: ['kube/**/*.test.ts'], globalSetup: './kube/setup.ts' },
};

export default defineConfig({
  test: {
    reporters: ['default', './lane/reporter.ts'],
    fileParallelism: false,
    projects: LANES.map((name, groupOrder) => ({
      extends: true,
      test: {
        name,
        include: [`${name}/**/*.test.ts`, ...(EXTRA[name]?.include ?? [])],
        globalSetup: EXTRA[name]?.globalSetup ?? [],
        testTimeout: 2 * MINUTE,
        hookTimeout: 2 * MINUTE,
        sequence: { groupOrder },
      },
    })),
  },
});
