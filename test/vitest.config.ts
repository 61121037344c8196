import { defineConfig } from 'vitest/config';
import { LANES } from './lane/lanes.ts';

/** Lanes that start many processes: one file at a time, and time to do it in. */
const MINUTE = 60_000;

export default defineConfig({
  test: {
    reporters: ['default', './lane/reporter.ts'],
    fileParallelism: false,
    projects: LANES.map((name, groupOrder) => ({
      extends: true,
      test: {
        name,
        include: [`${name}/**/*.test.ts`],
        testTimeout: 2 * MINUTE,
        hookTimeout: 2 * MINUTE,
        sequence: { groupOrder },
      },
    })),
  },
});
