import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { cover, paths, spellPath } from '../../testing/model.ts';
import { Stage } from '../../testing/path.ts';

/*
 * The paths that xstate/graph finds through the pure machine, walked by a node: each cause is a real one, and what comes of it has to be
 * what the model says. A few paths have everything in them that happens in all; IFACTOR_PATHS=all walks all, some minutes long.
 */
const chosen = process.env['IFACTOR_PATHS'] === 'all' ? paths() : cover(paths());

async function openMemory(): Promise<Bench> {
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

function walked(where: string, open: () => Promise<Bench>): void {
  describe(`a node on ${where}`, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await Stage.make(await open());
    });
    afterAll(() => stage.end());

    it.each(chosen.map((path) => ({ name: spellPath(path), path })))(
      'goes as the model does: $name',
      async ({ path }) => {
        try {
          await expect(stage.walk(path)).resolves.toBeUndefined();
        } finally {
          await stage.clear();
        }
      },
    );
  });
}

walked('the kernel in memory', openMemory);
describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  walked('this machine', openMachine);
});
