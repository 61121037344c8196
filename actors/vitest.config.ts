import { defineConfig } from 'vitest/config';

// Whoever removes many links holds the kernel's lock for half a minute: tests on real netns wait it out.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 60_000 } });
