import { describe } from 'vitest';
import { healingSuite } from '../../testing/healing.ts';
import { machineLacks, openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';

healingSuite('in memory', openMemory);

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  healingSuite('this machine', openMachine, machineLacks());
});
