import { defineConfig } from 'vitest/config';

// Beside the other lanes, on two shared cores, the slowest property tests and processes take several times their usual time.
export default defineConfig({ test: { dir: 'src', testTimeout: 60_000, hookTimeout: 60_000 } });
