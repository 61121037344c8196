import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import type { Actor } from './actor.ts';
import { openMachine } from '../../testing/machine.ts';
import { openMemory } from '../../testing/memory/bench.ts';
import { TestNode } from '../../testing/node.ts';

/* A tunnel's UDP socket stays in the netns of birth: when that goes, the tunnel is dead, however healthy its link looks. */

const spec = {
  interfaceName: 'wg0',
  moveToContainer: true,
  container: { docker: { name: 'box' } },
  listenPort: 51871,
  privateKeySecretRef: { name: 's', key: 'k' },
  addresses: [{ family: 'inet', local: '10.4.0.1', prefixlen: 24 }],
  peers: [{ publicKey: Buffer.alloc(32, 9).toString('base64'), allowedIPs: ['10.4.0.0/24'] }],
};

function birthSuite(where: string, open: () => Promise<Bench>): void {
  describe(`a tunnel, ${where},`, () => {
    let bench: Bench;
    let node: TestNode;
    let paths: { [name: string]: string };
    const start = (folder?: string): TestNode => {
      const made = new TestNode({
        kernel: bench.kernel,
        path: (name) => paths[name] ?? '',
        ...(folder === undefined ? {} : { folder }),
      });
      made.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, 1));
      return made;
    };
    const apply = (): Actor => node.apply('WireGuardInterface', 'wg0', spec);
    const index = async (): Promise<number | undefined> => {
      const box = await bench.kernel.open(paths['box'] ?? '');
      await box.barrier();
      const found = box.link('wg0')?.index;
      box.close();
      return found;
    };
    const made = (actor: Actor): unknown[] => node.events(actor).filter(({ type }) => type === 'LinkCreated');
    const renew = async (): Promise<void> => {
      await bench.removeNetns(paths['home'] ?? '');
      paths['home'] = await bench.addNetns();
    };

    beforeEach(async () => {
      bench = await open();
      paths = { home: await bench.addNetns(), box: await bench.addNetns() };
      node = start();
    });
    afterEach(async () => {
      node.dispose();
      await bench.close();
    });

    test('is recreated, once, when its netns of birth was replaced', async () => {
      const actor = apply();
      await node.settles(actor, 'moved-to-netns');
      await node.places.set('home', false);
      await node.settles(actor, 'pending');
      await renew();
      await node.places.set('home', true);
      await node.settles(actor, 'moved-to-netns');
      expect(made(actor)).toHaveLength(2);
      expect(node.events(actor).find(({ type }) => type === 'LinkRemoved')?.data).toMatchObject({
        name: 'wg0',
        anew: ['birth'],
      });
      expect(actor.snapshot.context.observed?.links.target?.wireguard).toMatchObject({
        listenPort: 51871,
        peers: [{ publicKey: spec.peers[0]?.publicKey }],
      });
      if (where === 'as root') {
        const name = (paths['home'] ?? '').replace('/run/netns/', '');
        expect(execFileSync('ip', ['netns', 'exec', name, 'ss', '-Huln'], { encoding: 'utf8' })).toContain(':51871 ');
      }
    });

    test('is recreated when that happened while no agent ran', async () => {
      await node.settles(apply(), 'moved-to-netns');
      node.stop();
      await renew();
      node = start(node.folder);
      node.runner.restore('test');
      const actor = apply();
      await node.until(
        () => made(actor).length > 1,
        () => node.story(actor),
      );
      await node.settles(actor, 'moved-to-netns');
      expect(made(actor)).toHaveLength(2);
    });

    test('is left as it is where its netns of birth went and came back itself, and by an agent that lost its journal', async () => {
      const actor = apply();
      await node.settles(actor, 'moved-to-netns');
      const before = await index();
      await node.places.set('home', false);
      await node.settles(actor, 'pending');
      await node.places.set('home', true);
      await node.settles(actor, 'moved-to-netns');
      expect(await index()).toBe(before);
      node.dispose();
      node = start();
      const next = apply();
      await node.settles(next, 'moved-to-netns');
      expect([await index(), made(next)]).toEqual([before, []]);
    });

    test('found by an agent that lost its journal, it is recreated when the netns changes under that agent', async () => {
      await node.settles(apply(), 'moved-to-netns');
      node.dispose();
      node = start();
      const actor = apply();
      await node.settles(actor, 'moved-to-netns');
      await node.places.set('home', false);
      await node.settles(actor, 'pending');
      await renew();
      await node.places.set('home', true);
      await node.settles(actor, 'moved-to-netns');
      expect(made(actor)).toHaveLength(1);
    });
  });
}

birthSuite('in memory', openMemory);
// Network namespaces need root.
if (process.getuid?.() === 0) birthSuite('as root', openMachine);
