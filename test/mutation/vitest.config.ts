import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// What has to notice that a line of a driver is switched off. Healing on a kernel would, too, but only by waiting in vain.
export default defineConfig({
  root: resolve(import.meta.dirname, '../../actors'),
  test: {
    include: ['src/{driver,interface/kind,interface/diff}/*.test.ts'],
  },
});
