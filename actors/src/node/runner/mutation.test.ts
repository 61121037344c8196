import { setImmediate } from 'node:timers/promises';
import { isRecord, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { TestClock } from '@ifactor/common/testing';
import { examples, mutate, mutations } from '@ifactor/common/testing/mutation';
import { asyncProperty, check, constantFrom } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';
import { verdictWords } from '../../interface/words/verdict.ts';
import type { Actor } from './actor.ts';

/*
 * Mutants of the examples put to an actor, past any API server: each comes to rest with something to say, and is gone after
 * its deletion. IFACTOR_MUTATIONS says how many (500 in CI, 100 000 in a long run), IFACTOR_SEED chooses others.
 */
const runs = Number(process.env['IFACTOR_MUTATIONS'] ?? 500);
const seed = Number(process.env['IFACTOR_SEED'] ?? 12);
/** A process serves each tunnel where the kernel has no WireGuard: less of this machine is enough. */
const machineRuns = Math.ceil(Math.min(runs, 2000) / 5);

type InterfaceKind = 'NetlinkInterface' | 'WireGuardInterface';
const interfaces = examples.filter((example) => text(example, 'kind').endsWith('Interface'));

async function openMemory(): Promise<Bench> {
  const kernel = new MemoryKernel();
  kernel.addNetns('home');
  return {
    kernel,
    addNetns: async () => 'home',
    removeNetns: async (path) => kernel.removeNetns(path),
    supports: () => true,
    close: () => kernel.close(),
  };
}

/** Nothing is under way, and there is something to say. */
function rests({ snapshot: { value, context } }: Actor): boolean {
  const { secrets, places, observe } = context.asked;
  const busy = context.running !== null || secrets || places || observe;
  return !busy && value !== 'creating' && context.verdict.reason !== 'Unknown';
}

async function live(node: TestNode, kind: InterfaceKind, uid: string, spec: Json): Promise<void> {
  const declared = { uid, creationTimestamp: '2026-01-01T00:00:00Z' };
  const actor = node.apply(kind, 'mutant', spec, declared);
  const story = (what: string) => () =>
    `${what}: ${actor.snapshot.value}, ${JSON.stringify(spec)}\n${node.story(actor)}`;
  await node.until(() => rests(actor), story('no rest'), 30_000);
  expect(verdictWords(actor.snapshot.context)).not.toBe('');
  node.apply(kind, 'mutant', spec, { ...declared, deletionTimestamp: '2026-01-02T00:00:00Z' });
  await node.until(() => actor.snapshot.value === 'deleted', story('not gone'), 30_000);
  node.apply(kind, 'mutant', {}, { ...declared, deletionTimestamp: '2026-01-02T00:00:00Z', deleted: true });
  // It is forgotten in the same turn, after its last word.
  for (let turn = 0; turn < 100 && node.runner.actors.has(actor.id); turn++) await setImmediate();
  if (node.runner.actors.has(actor.id)) throw new Error(story('not forgotten')());
}

function withstands(where: string, count: number, open: () => Promise<Bench>): void {
  test(
    `an actor on ${where} withstands ${count} mutants (seed ${seed})`,
    { timeout: 60_000 + count * 1000 },
    async () => {
      const bench = await open();
      const home = await bench.addNetns();
      let node = new TestNode({ kernel: bench.kernel, path: () => home, clock: new TestClock() });
      let lives = 0;
      const property = asyncProperty(constantFrom(...interfaces), mutations, async (example, changes) => {
        const mutant = mutate(part(example), changes);
        const kind = text(example, 'kind') as InterfaceKind;
        // A journal that grows for ever is not what is tried.
        if (++lives % 1000 === 0) {
          node.dispose();
          node = new TestNode({ kernel: bench.kernel, path: () => home, clock: new TestClock() });
        }
        await live(node, kind, `uid-${lives}`, isRecord(mutant) && isRecord(mutant['spec']) ? mutant['spec'] : {});
        await bench.kernel.open(home).then((netns) => netns.barrier());
      });
      const found = await check(property, { numRuns: count, seed, endOnFailure: true });
      node.dispose();
      await bench.close();
      expect(found.failed, `seed ${seed}: ${String(found.errorInstance)}`).toBe(false);
    },
  );
}

const part = (example: Json): Json => ({ spec: example['spec'] });

describe('whatever a spec says', () => {
  withstands('the kernel in memory', runs, openMemory);
  describe.skipIf(process.getuid?.() !== 0)('as root', () => {
    withstands('this machine', machineRuns, openMachine);
  });
});
