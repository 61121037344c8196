import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Netns } from '../../kernel/index.ts';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';
import { verdictWords } from '../../interface/words/verdict.ts';

/* Two resources that claim one slave: the first has it, the other says who does and rests until it is let go. */

function slavesSuite(where: string, open: () => Promise<Bench>): void {
  describe(`a slave that two bridges claim, ${where},`, () => {
    let bench: Bench;
    let node: TestNode;
    let home: Netns;

    beforeEach(async () => {
      bench = await open();
      const path = await bench.addNetns();
      home = await bench.kernel.open(path);
      node = new TestNode({ kernel: bench.kernel, path: () => path });
      await home.createLink({ kind: 'veth', name: 'port0', up: true, peer: { name: 'port1', up: true } });
      await home.barrier();
    });
    afterEach(async () => {
      node.dispose();
      await bench.close();
    });

    const apply = (name: string, slaves = ['port0']): Actor =>
      node.apply('NetlinkInterface', name, { interfaceName: name, type: 'bridge', up: true, bridge: { slaves } });
    const upper = (): string | undefined => home.linkAt(home.link('port0')?.master ?? 0)?.name;

    test('stays with the one that has it; the other names that one, and rests', async () => {
      const first = apply('br1');
      await node.settles(first, 'configured');
      const second = apply('br2');
      await node.until(
        () => second.snapshot.context.verdict.reason === 'SlaveTaken',
        () => node.story(second),
      );
      expect(verdictWords(second.snapshot.context)).toContain('port0, which br1 has');
      expect(verdictWords(second.snapshot.context)).toContain('netlinkinterface default/br1');
      expect(second.snapshot.context.ready.status).toBe('False');
      expect([upper(), first.snapshot.context.ready.status]).toEqual(['br1', 'True']);
      const before = node.journal.sequence;
      await home.changeLink(home.link('port0')!.index, { mtu: 1400 });
      await home.barrier();
      expect(node.events(first).filter(({ type }) => type === 'DriftObserved')).toEqual([]);
      expect(node.journal.sequence - before).toBeLessThanOrEqual(2);

      apply('br1', []);
      await node.settles(second, 'configured');
      expect(upper()).toBe('br2');
      await node.settles(first, 'configured');
    });

    test('is taken back from a bridge that nobody declared', async () => {
      const first = apply('br1');
      await node.settles(first, 'configured');
      await home.createLink({ kind: 'bridge', name: 'other0' });
      await home.barrier();
      await home.changeLink(home.link('port0')!.index, { master: home.link('other0')!.index });
      await node.until(() => node.events(first).some(({ type }) => type === 'DriftObserved'));
      await node.settles(first, 'configured');
      expect(upper()).toBe('br1');
    });
  });

  describe(`an alias set by hand on a vxlan, ${where},`, () => {
    test.each([true, false])('is healed where the link is up: %s', async (up) => {
      const bench = await open();
      const path = await bench.addNetns();
      const home = await bench.kernel.open(path);
      const node = new TestNode({ kernel: bench.kernel, path: () => path });
      try {
        const spec = { interfaceName: 'vx0', type: 'vxlan', up, vxlan: { vni: 7, local: '10.9.9.1' } };
        const actor = node.apply('NetlinkInterface', 'vx0', spec);
        await node.settles(actor, 'configured');
        const { index, alias } = home.link('vx0')!;
        // Another program, where there is a kernel for it.
        const [, name] = /^\/run\/netns\/(.+)$/.exec(path) ?? [];
        if (name === undefined) await home.changeLink(index, { alias: 'uplink' });
        else execFileSync('ip', ['-n', name, 'link', 'set', 'vx0', 'alias', 'uplink']);
        // Of a link that is down the kernel does not tell: it is seen at the next resync.
        if (!up) await home.resync();
        await node.until(
          () => node.events(actor).some(({ type }) => type === 'LinkAdopted'),
          () => node.story(actor),
        );
        await node.settles(actor, 'configured');
        await home.barrier();
        expect(home.link('vx0')).toMatchObject({ index, alias });
      } finally {
        node.dispose();
        await bench.close();
      }
    });
  });
}

slavesSuite('in memory', openMemory);
// Network namespaces need root.
if (process.getuid?.() === 0) slavesSuite('on this machine', openMachine);
