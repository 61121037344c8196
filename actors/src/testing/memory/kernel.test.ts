import { MemoryKernel } from './kernel.ts';
import { kernelSuite } from '../kernel/suite.ts';

kernelSuite('memory', async () => {
  const kernel = new MemoryKernel({ unsupported: ['dummy'], report: () => {} });
  let count = 0;
  return {
    kernel,
    supports: (kind) => kind !== 'dummy',
    async addNetns() {
      const path = `/run/netns/ift-${count++}`;
      kernel.addNetns(path);
      return path;
    },
    async removeNetns(path) {
      kernel.removeNetns(path);
    },
    close: () => kernel.close(),
  };
});
