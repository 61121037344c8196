import { describe } from 'vitest';
import { MemoryKernel } from '../netlink/index.ts';
import { healingSuite } from '../testing/healing.ts';
import { machineSupports, openMachine } from '../testing/machine.ts';

healingSuite('in memory', async () => {
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
});

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  healingSuite('this machine', openMachine, ['dummy'].filter((kind) => !machineSupports(kind)));
});
