import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';

/* A spec that names another container than before, while no agent runs: nothing is left in the former one. */

function relocationSuite(where: string, open: () => Promise<Bench>): void {
  describe(`a link in a container, ${where},`, () => {
    let bench: Bench;
    let node: TestNode;
    let paths: { [name: string]: string };
    let generation = 0;

    const start = (folder?: string): void => {
      node = new TestNode({
        kernel: bench.kernel,
        path: (name) => paths[name] ?? '',
        ...(folder === undefined ? {} : { folder }),
      });
      node.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, 1));
    };
    /** As an agent that is killed, or stopped, and started again. */
    const restart = (how: 'killed' | 'stopped'): void => {
      if (how === 'killed') node.journal.saveSnapshot = () => {};
      node.stop();
      start(node.folder);
      node.runner.restore('test');
    };
    const bridge = (container: string): Actor =>
      node.apply(
        'NetlinkInterface',
        'br0',
        {
          interfaceName: 'br0',
          type: 'bridge',
          up: true,
          container: { docker: { name: container } },
        },
        { generation: ++generation },
      );
    const tunnel = (container: string): Actor =>
      node.apply(
        'WireGuardInterface',
        'wg0',
        {
          interfaceName: 'wg0',
          moveToContainer: true,
          container: { docker: { name: container } },
          privateKeySecretRef: { name: 's', key: 'k' },
          addresses: [],
        },
        { generation: ++generation },
      );
    const has = async (place: string, name: string): Promise<boolean> => {
      const netns = await bench.kernel.open(paths[place] ?? '');
      await netns.barrier();
      const found = netns.link(name) !== undefined;
      netns.close();
      return found;
    };
    const whereIs = async (name: string): Promise<string[]> => {
      const found: string[] = [];
      for (const place of ['home', 'a', 'b', 'c']) if (await has(place, name)) found.push(place);
      return found;
    };
    /** Resolves when the link in a former place was removed. */
    const removed = (actor: Actor, since: number, times = 1): Promise<void> =>
      node.until(
        () =>
          node.events(actor).filter(({ type, sequence }) => sequence > since && type === 'LinkRemoved').length >= times,
        () => node.story(actor),
      );

    beforeEach(async () => {
      bench = await open();
      paths = {};
      for (const name of ['home', 'a', 'b', 'c']) paths[name] = await bench.addNetns();
      start();
    });
    afterEach(async () => {
      node.dispose();
      await bench.close();
    });

    test.each([
      ['bridge', 'killed', bridge, 'br0'],
      ['bridge', 'stopped', bridge, 'br0'],
      ['tunnel', 'killed', tunnel, 'wg0'],
      ['tunnel', 'stopped', tunnel, 'wg0'],
    ] as const)('a %s, is removed there by an agent that was %s', async (_, how, apply, name) => {
      await node.settles(apply('a'), 'moved-to-netns');
      expect(await whereIs(name)).toEqual(['a']);
      restart(how);
      const since = node.journal.last();
      const actor = apply('b');
      await removed(actor, since);
      await node.settles(actor, 'moved-to-netns');
      expect(await whereIs(name)).toEqual(['b']);
    });

    test('is removed there although the former place is found only later', async () => {
      await node.settles(bridge('a'), 'moved-to-netns');
      restart('stopped');
      node.places.hide('a');
      const since = node.journal.last();
      const actor = bridge('b');
      node.runner.flush();
      await node.settles(actor, 'moved-to-netns');
      expect(await whereIs('br0')).toEqual(['a', 'b']);
      await node.places.set('a', true);
      await removed(actor, since);
      await node.settles(actor, 'moved-to-netns');
      expect(await whereIs('br0')).toEqual(['b']);
    });

    test.each(['killed', 'stopped'] as const)(
      'is removed there although the agent was %s, again and again, while it moved',
      async (how) => {
        await node.settles(bridge('a'), 'moved-to-netns');
        const since = node.journal.last();
        for (const container of ['b', 'c']) {
          node.places.hide(container);
          bridge(container);
          node.runner.flush();
          restart(how);
          node.places.hide('a');
          node.places.hide('b');
        }
        const actor = bridge('c');
        node.runner.flush();
        await node.settles(actor, 'moved-to-netns');
        await node.places.set('b', true);
        await node.places.set('a', true);
        await removed(actor, since);
        await node.settles(actor, 'moved-to-netns');
        expect(await whereIs('br0')).toEqual(['c']);
      },
    );
  });
}

relocationSuite('in memory', openMemory);
// Network namespaces need root.
if (process.getuid?.() === 0) relocationSuite('as root', openMachine);
