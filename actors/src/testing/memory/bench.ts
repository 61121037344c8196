import type { Bench } from '../kernel/suite.ts';
import { MemoryKernel } from './kernel.ts';

/** A kernel in memory with netns of the test's own. */
export async function openMemory(): Promise<Bench> {
  const kernel = new MemoryKernel();
  let count = 0;
  return {
    kernel,
    addNetns: async () => {
      const path = `/netns/${count++}`;
      kernel.addNetns(path);
      return path;
    },
    removeNetns: async (path) => kernel.removeNetns(path),
    supports: () => true,
    close: () => kernel.close(),
  };
}
