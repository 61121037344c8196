import { defineConfig } from 'vitest/config';

// Many of these tests start programs; a busy machine takes its time over that.
export default defineConfig({ test: { include: ['src/**/*.test.ts'], testTimeout: 60_000 } });
