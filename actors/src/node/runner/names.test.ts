import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeVerdict } from '../../interface/words/verdict.ts';
import type { Netns } from '../../kernel/index.ts';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';

const container = { docker: { name: 'box' } };

/** What JavaScript finds in every object, and the longest that Kubernetes takes. */
const names: [what: string, name: string, namespace: string, link: string, lower: string][] = [
  ['__proto__', 'constructor', 'constructor', '__proto__', 'constructor'],
  ['constructor', 'constructor', 'default', 'constructor', '__proto__'],
  ['253 letters', 'n'.repeat(253), 's'.repeat(63), 'fifteen-letters', 'letters-fifteen'],
  ['231 letters', `${'n.'.repeat(115)}n`, 'default', 'x0', 'x1'],
];

function nameSuite(where: string, open: () => Promise<Bench>): void {
  describe(`a name is a name, ${where}:`, () => {
    let bench: Bench;
    let node: TestNode;
    let box: Netns;
    let options: ConstructorParameters<typeof TestNode>[0];

    beforeEach(async () => {
      bench = await open();
      const paths: { [name: string]: string } = { home: await bench.addNetns(), box: await bench.addNetns() };
      box = await bench.kernel.open(paths['box'] ?? '');
      options = { kernel: bench.kernel, path: (name) => paths[name] ?? '' };
      node = new TestNode(options);
    });
    afterEach(async () => {
      node.dispose();
      await bench.close();
    });

    test.each(names)(
      '%s, of an object, its link, its slave and its device',
      async (_, name, namespace, link, lower) => {
        const spec = { interfaceName: link, type: 'bridge', up: true, container, bridge: { slaves: [lower] } };
        const apply = (of: object, more: object = {}): Actor =>
          node.apply('NetlinkInterface', name, of, { namespace, ...more });
        let upper = apply(spec);
        await node.until(
          () => describeVerdict(upper.snapshot.context).reason === 'SlaveMissing',
          () => node.story(upper),
        );
        expect(describeVerdict(upper.snapshot.context).message).toContain(`waiting for ${lower}, which does not exist`);
        await box.createLink({ kind: 'vxlan', name: lower, vxlan: { vni: 5 } });
        await node.settles(upper, 'moved-to-netns');
        await box.barrier();
        expect(box.link(lower)?.master).toBe(box.link(link)?.index);

        // The next agent knows it by its journal.
        const { folder } = node;
        node.stop();
        node = new TestNode({ ...options, folder });
        node.runner.restore('test');
        upper = node.runner.actor(upper.key);
        await node.settles(upper, 'moved-to-netns');
        expect(node.events(upper).filter(({ type }) => type === 'LinkCreated')).toHaveLength(1);

        apply({}, { deletionTimestamp: '2026-01-02T00:00:00Z' });
        await node.settles(upper, 'deleted');
        await box.barrier();
        expect(box.link(link)).toBeUndefined();
        const stacked = {
          interfaceName: link,
          type: 'vxlan',
          up: true,
          container,
          vxlan: { vni: 6, dev: `${lower.slice(0, 13)}-2`, group: '239.0.0.1' },
        };
        const above = node.apply('NetlinkInterface', name, stacked, { namespace, uid: 'second' });
        await node.until(() => describeVerdict(above.snapshot.context).reason === 'DeviceMissing');
        node.apply(
          'NetlinkInterface',
          name,
          { ...stacked, vxlan: { ...stacked.vxlan, dev: lower } },
          { namespace, uid: 'second' },
        );
        await node.settles(above, 'moved-to-netns');
        expect(node.events().filter(({ type }) => type === 'OperationFailed' || type === 'StepFailed')).toEqual([]);
      },
    );

    test('a device called __proto__ that does not exist is waited for', async () => {
      const actor = node.apply('NetlinkInterface', 'v0', {
        interfaceName: 'v0',
        type: 'vxlan',
        up: true,
        container,
        vxlan: { vni: 6, dev: '__proto__', group: '239.0.0.1' },
      });
      await node.until(
        () => describeVerdict(actor.snapshot.context).reason === 'DeviceMissing',
        () => node.story(actor),
      );
      expect(node.events(actor).some(({ type }) => type === 'OperationFailed')).toBe(false);
    });
  });
}

nameSuite('in memory', openMemory);
// Network namespaces need root.
if (process.getuid?.() === 0) nameSuite('on this machine', openMachine);
