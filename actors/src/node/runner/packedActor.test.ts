import { afterEach, beforeEach, expect, test } from 'vitest';
import { initial, hashOf } from '../../interface/machine/fold.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import type { Netns } from '../../kernel/index.ts';
import { TestNode } from '../../testing/node.ts';
import { pack, unpack } from './packedActor.ts';

let kernel: MemoryKernel;
let node: TestNode;
let home: Netns;
beforeEach(async () => {
  kernel = new MemoryKernel();
  kernel.addNetns('home');
  home = await kernel.open('home');
  node = new TestNode({ kernel, path: (place) => place });
});
afterEach(async () => {
  node.dispose();
  await kernel.close();
});

const spec = (name: string) => ({
  interfaceName: name,
  type: 'bridge',
  up: true,
  mtu: 1400,
  addresses: [{ ipcidr: '10.0.0.1/24' }, { ipcidr: 'fd00::1/64' }],
});

test('a packed snapshot is small, and the same when it is unpacked', async () => {
  const actor = node.apply('NetlinkInterface', 'br0', spec('br0'));
  await node.settles(actor, 'configured');
  const { snapshot, lastEvent } = actor;
  const packed = pack({ snapshot, lastEvent });
  expect(packed.length).toBeLessThan(300);
  expect(hashOf(unpack(packed).snapshot)).toBe(hashOf(snapshot));
  expect(unpack(packed).snapshot.value).toBe('configured');
  expect(unpack(packed).lastEvent).toEqual(lastEvent);
  expect(pack(unpack(packed))).toBe(packed);
  const fresh = initial({ kind: 'wireguardinterface', namespace: 'a', name: 'ä€😀' });
  expect(unpack(pack({ snapshot: fresh, lastEvent: null })).snapshot.context.key.name).toBe('ä€😀');
});

test('an actor rests when nobody asked for it, and goes on where it was when something happens', async () => {
  const names = ['br0', 'br1', 'br2'];
  const actors = names.map((name) => node.apply('NetlinkInterface', name, spec(name)));
  for (const actor of actors) await node.settles(actor, 'configured');
  const before = actors.map(({ snapshot }) => hashOf(snapshot));
  // The first round only forgets that they were asked.
  node.runner.packIdle(10);
  expect(actors.map((actor) => actor.packIfIdle())).toEqual([true, true, true]);
  expect(actors.map((actor) => actor.packIfIdle())).toEqual([false, false, false]);
  expect(actors.map(({ snapshot }) => hashOf(snapshot))).toEqual(before);

  // Just asked: two rounds again, and no more at once than allowed.
  node.runner.packIdle(10);
  node.runner.packIdle(2);
  expect(actors.map((actor) => actor.packIfIdle())).toEqual([false, false, true]);
  const from = node.journal.sequence;
  await home.deleteLink(home.link('br1')?.index ?? 0);
  await node.until(() => node.journal.sequence > from && home.link('br1') !== undefined);
  await node.settles(actors[1]!, 'configured');
  expect(
    new Set(
      node
        .events()
        .filter(({ sequence }) => sequence > from)
        .map(({ key }) => key.name),
    ),
  ).toEqual(new Set(['br1']));
  // Told again while it rests.
  node.apply('NetlinkInterface', 'br2', { ...spec('br2'), mtu: 1300 });
  await node.until(() => node.events(actors[2]).at(-1)?.state === 'configured' && home.link('br2')?.mtu === 1300);
  expect(hashOf(actors[0]!.snapshot)).toBe(before[0]);
});
