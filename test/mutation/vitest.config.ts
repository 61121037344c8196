import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// What has to notice that a line of a driver is switched off: the drivers' own tests, and healing on the kernel in memory.
export default defineConfig({
  root: resolve(import.meta.dirname, '../../actors'),
  test: {
    testTimeout: 20_000,
    hookTimeout: 20_000,
    include: ['src/driver/**/*.test.ts', 'src/agent/healing.test.ts'],
    testNamePattern: /^(?!as root)/,
  },
});
