import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';
import { TestNode } from '../../testing/node.ts';
import { describeVerdict } from '../../interface/words/verdict.ts';
import type { Actor } from './actor.ts';

const container = { docker: { name: 'box' } };
const vxlan = (name: string, dev: string, vni: number) => ({
  interfaceName: name,
  type: 'vxlan',
  up: true,
  container,
  vxlan: { vni, dev, group: '239.0.0.1' },
});
const bridge = (name: string, slaves: string[]) => ({
  interfaceName: name,
  type: 'bridge',
  up: true,
  container,
  bridge: { slaves },
});

function loopSuite(where: string, open: () => Promise<Bench>): void {
  describe(`objects that wait for each other in a circle, ${where},`, () => {
    let bench: Bench;
    let node: TestNode;

    beforeEach(async () => {
      bench = await open();
      const paths: { [name: string]: string } = { home: await bench.addNetns(), box: await bench.addNetns() };
      node = new TestNode({ kernel: bench.kernel, path: (name) => paths[name] ?? '' });
    });
    afterEach(async () => {
      node.dispose();
      await bench.close();
    });

    const apply = (name: string, spec: object): Actor => node.apply('NetlinkInterface', name, spec);
    const named = (actor: Actor, ...names: string[]): Promise<void> =>
      node.until(
        () => {
          const { state, reason, message } = describeVerdict(actor.snapshot.context);
          const way = names.map((name) => `netlinkinterface/default/${name}`).join(' → ');
          return state === 'pending' && reason === 'DependencyLoop' && message.includes(`depends on itself: ${way};`);
        },
        () => node.story(actor),
      );

    test('two vxlans: each names the loop, and both are made once it is open', async () => {
      const [a, b] = [apply('a', vxlan('x0', 'x1', 1)), apply('b', vxlan('x1', 'x0', 2))];
      await named(a, 'a', 'b', 'a');
      await named(b, 'b', 'a', 'b');
      apply('c', bridge('br0', []));
      apply('b', vxlan('x1', 'br0', 2));
      await node.settles(a, 'moved-to-netns');
      await node.settles(b, 'moved-to-netns');
      expect(node.events(a).filter(({ type }) => type === 'OperationFailed')).toEqual([]);
    });

    test('a bridge that its own slave stands on: neither is touched, and an end comes with the deletion of one', async () => {
      const br = apply('br', bridge('br0', ['v0']));
      await node.until(() => describeVerdict(br.snapshot.context).reason === 'SlaveMissing');
      const v = apply('v', vxlan('v0', 'br0', 7));
      await named(br, 'br', 'v', 'br');
      await named(v, 'v', 'br', 'v');
      expect(node.events(v).some(({ type }) => type === 'LinkCreated')).toBe(false);
      node.delete('NetlinkInterface', 'v');
      await node.settles(v, 'deleted');
      await node.until(() => describeVerdict(br.snapshot.context).reason === 'SlaveMissing');
    });

    test('a loop is named again by the next agent, and after a change that leaves it closed', async () => {
      const [a, b] = [apply('a', vxlan('x0', 'x1', 1)), apply('b', vxlan('x1', 'x0', 2))];
      await named(a, 'a', 'b', 'a');
      apply('a', { ...vxlan('x0', 'x1', 1), mtu: 1300 });
      await node.until(() => a.snapshot.context.desired?.generation === 3);
      await named(a, 'a', 'b', 'a');
      await named(b, 'b', 'a', 'b');
      node.runner.tell(b, { type: 'AgentStarted', data: { version: 'test' } }, null);
      await node.until(() => node.events(b).filter(({ type }) => type === 'LoopFound').length > 1);
      await named(b, 'b', 'a', 'b');
      expect(node.events().some(({ type }) => type === 'LinkCreated')).toBe(false);
    });

    test('links that only stand on a loop wait as for any device', async () => {
      const [a, b] = [apply('a', vxlan('x0', 'x1', 1)), apply('b', vxlan('x1', 'x0', 2))];
      const c = apply('c', vxlan('x2', 'x0', 3));
      await named(a, 'a', 'b', 'a');
      await named(b, 'b', 'a', 'b');
      await node.settles(c, 'pending');
      expect(describeVerdict(c.snapshot.context)).toMatchObject({ reason: 'DeviceMissing' });
    });
  });
}

loopSuite('in memory', openMemory);
// Network namespaces need root.
if (process.getuid?.() === 0) loopSuite('on this machine', openMachine);
