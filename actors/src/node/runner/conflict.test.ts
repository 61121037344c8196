import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import type { Link, Netns, NewLink } from '../../kernel/index.ts';
import { openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';
import { describeVerdict } from '../../interface/words/verdict.ts';

/* Who finds its name taken says by whom, touches nothing of theirs, and goes on by itself when the name is free. */

const container = (name: string) => ({ docker: { name } });
const tunnel = (box: string) => ({
  interfaceName: 'x0',
  moveToContainer: true,
  container: container(box),
  privateKeySecretRef: { name: 's', key: 'k' },
  addresses: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
});
const bridge = (interfaceName: string) => ({ interfaceName, type: 'bridge', up: true, container: container('one') });
const vxlan = { ...bridge('x0'), type: 'vxlan', vxlan: { vni: 7, local: '10.9.9.1' } };
const veth = { ...bridge('x0'), type: 'veth', veth: { peer: { interfaceName: 'x1', container: container('two') } } };
/** Somebody's, of a kind that none of these is. */
const foreign = (name: string): NewLink => ({ kind: 'vxlan', name, vxlan: { vni: 99 } });

async function make(netns: Netns, link: NewLink): Promise<Link> {
  await netns.createLink(link);
  await netns.barrier();
  return netns.link(link.name)!;
}

function conflictSuite(where: string, open: () => Promise<Bench>): void {
  describe(`a name that is taken, ${where},`, () => {
    let bench: Bench;
    let node: TestNode;
    let at: { home: Netns; one: Netns; two: Netns };

    beforeEach(async () => {
      bench = await open();
      const paths: { [name: string]: string } = {
        home: await bench.addNetns(),
        one: await bench.addNetns(),
        two: await bench.addNetns(),
      };
      const netns = (name: string): Promise<Netns> => bench.kernel.open(paths[name] ?? '');
      at = { home: await netns('home'), one: await netns('one'), two: await netns('two') };
      node = new TestNode({ kernel: bench.kernel, path: (name) => paths[name] ?? '' });
      for (const name of ['a', 'b']) node.secret('default', name, 'privateKey', Buffer.alloc(32, name.charCodeAt(0)));
    });
    afterEach(async () => {
      node.dispose();
      await bench.close();
    });

    const apply = (kind: 'bridge' | 'vxlan' | 'veth' | 'wireguard'): Actor => {
      if (kind === 'wireguard') return node.apply('WireGuardInterface', 'a', tunnel('one'));
      return node.apply('NetlinkInterface', 'a', { bridge: bridge('x0'), vxlan, veth }[kind]);
    };
    const conflict = async (actor: Actor, words: string): Promise<void> => {
      await node.settles(actor, 'pending');
      expect(describeVerdict(actor.snapshot.context)).toMatchObject({
        reason: 'NameConflict',
        message: expect.stringContaining(words),
      });
    };

    for (const [kind, place, name] of [
      ['bridge', 'one', 'x0'],
      ['veth', 'one', 'x0'],
      ['veth', 'two', 'x1'],
      ['wireguard', 'one', 'x0'],
      ['wireguard', 'home', 'x0'],
    ] as const) {
      test(`by a foreign link: ${kind}, ${name} in ${place}`, async () => {
        const theirs = await make(at[place], foreign(name));
        const actor = apply(kind);
        await conflict(actor, `${name} already exists and is a vxlan link that ifactor did not make`);
        for (const netns of Object.values(at)) await netns.barrier();
        expect(at[place].linkAt(theirs.index)).toEqual(theirs);
        expect(
          Object.values(at).flatMap((netns) => [...netns.links()].filter(({ alias }) => alias?.startsWith('ifactor:'))),
        ).toEqual([]);
        // It goes elsewhere, as somebody would make it who read the condition.
        await at[place].changeLink(theirs.index, { name: 'theirs' });
        await node.settles(actor, 'moved-to-netns');
        await at[place].barrier();
        expect(at[place].linkAt(theirs.index)).toMatchObject({ name: 'theirs', alias: null });
      });
    }

    for (const kind of ['bridge', 'veth', 'wireguard'] as const) {
      test(`by a foreign link that came in its place: ${kind}`, async () => {
        const actor = apply(kind);
        await node.settles(actor, 'moved-to-netns');
        node.runner.tell(actor, { type: 'Paused', data: { by: 'test' } }, null);
        await node.until(() => actor.snapshot.context.paused !== null);
        await at.one.barrier();
        await at.one.deleteLink(at.one.link('x0')!.index);
        await at.one.barrier();
        const theirs = await make(at.one, foreign('x0'));
        node.runner.tell(actor, { type: 'Resumed', data: { by: 'test' } }, null);
        await node.until(() => actor.snapshot.context.paused === null);
        await conflict(actor, 'x0 already exists');
        expect(at.one.linkAt(theirs.index)).toEqual(theirs);
        await at.one.deleteLink(theirs.index);
        await node.settles(actor, 'moved-to-netns');
      });
    }

    test('at home only for a moment: tunnels of one name for two containers do not hold each other up', async () => {
      const actors = [
        node.apply('WireGuardInterface', 'a', tunnel('one')),
        node.apply('WireGuardInterface', 'b', tunnel('two')),
      ];
      for (const actor of actors) await node.settles(actor, 'moved-to-netns');
      for (const netns of Object.values(at)) await netns.barrier();
      for (const actor of actors)
        expect(node.events(actor).filter(({ type }) => type === 'LinkCreated')).toHaveLength(1);
      expect([at.one.link('x0')?.alias, at.two.link('x0')?.alias]).toEqual([
        'ifactor:default/wireguardinterface/a',
        'ifactor:default/wireguardinterface/b',
      ]);
      expect(
        node.events().filter(({ state }) => state === 'failed'),
        node.story(),
      ).toEqual([]);
    });

    test('by the far end of an older pair: the bridge waits for it, and has the name when the pair goes', async () => {
      const pair = node.apply('NetlinkInterface', 'a', {
        ...veth,
        container: container('two'),
        veth: { peer: { interfaceName: 'x1', container: container('one') } },
      });
      await node.settles(pair, 'moved-to-netns');
      const younger = node.apply('NetlinkInterface', 'b', bridge('x1'), { creationTimestamp: '2026-02-01T00:00:00Z' });
      await conflict(younger, 'claimed by netlinkinterface/default/a, which is older');
      await at.one.barrier();
      expect(at.one.link('x1')?.alias).toBe('ifactor:default/netlinkinterface/a#peer');
      // The older one takes another name.
      node.apply('NetlinkInterface', 'a', {
        ...veth,
        container: container('two'),
        veth: { peer: { interfaceName: 'x2', container: container('one') } },
      });
      for (const actor of [pair, younger]) await node.settles(actor, 'moved-to-netns');
      await at.one.barrier();
      expect([at.one.link('x1')?.kind, at.one.link('x2')?.kind]).toEqual(['bridge', 'veth']);
    });

    test('by an older object that has not made its link yet: a change of the younger one does not take it', async () => {
      const waiting = { ...bridge('x0'), type: 'vxlan', vxlan: { vni: 7, dev: 'lower', group: '239.0.0.1' } };
      const older = node.apply('NetlinkInterface', 'a', waiting);
      await node.settles(older, 'pending');
      const younger = node.apply('NetlinkInterface', 'b', bridge('x0'), { creationTimestamp: '2026-02-01T00:00:00Z' });
      await conflict(younger, 'claimed by netlinkinterface/default/a, which is older');
      const change = { ...bridge('x0'), mtu: 1300 };
      node.apply('NetlinkInterface', 'b', change, { creationTimestamp: '2026-02-01T00:00:00Z', generation: 9 });
      await node.until(() => younger.snapshot.context.desired?.generation === 9);
      await conflict(younger, 'claimed by netlinkinterface/default/a, which is older');
      expect(node.events(younger).filter(({ type }) => type === 'LinkCreated')).toEqual([]);
      await make(at.one, { kind: 'bridge', name: 'lower' });
      await node.settles(older, 'moved-to-netns');
    });

    test('by the mark of an object that is no more: nothing is touched until somebody removes it', async () => {
      const theirs = await make(at.one, { kind: 'bridge', name: 'x0' });
      await at.one.changeLink(theirs.index, { alias: 'ifactor:default/netlinkinterface/gone' });
      await at.one.barrier();
      const actor = apply('bridge');
      await conflict(actor, 'belongs to netlinkinterface default/gone');
      await at.one.changeLink(theirs.index, { alias: null });
      await node.settles(actor, 'moved-to-netns');
      await at.one.barrier();
      // Without a mark it is adopted.
      expect(at.one.linkAt(theirs.index)?.alias).toBe('ifactor:default/netlinkinterface/a');
    });
  });
}

conflictSuite('in memory', openMemory);
// Network namespaces need root.
if (process.getuid?.() === 0) conflictSuite('as root', openMachine);
