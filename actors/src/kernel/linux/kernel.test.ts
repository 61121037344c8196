import { vi } from 'vitest';
import { machineLacks, openMachine } from '../../testing/machine.ts';
import { kernelSuite } from '../../testing/kernel/suite.ts';

// The kernel deletes netns in the background, and holds everybody's requests up while it does.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

kernelSuite('this machine', openMachine, { skip: process.getuid?.() !== 0, lacks: machineLacks() });
