import { expect, test } from 'vitest';
import { describeVerdict } from '../../interface/words/verdict.ts';
import { fold, hashOf, initial } from '../../interface/machine/fold.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';

test('eight interfaces of a kind that the kernel lacks, created and deleted at once, are gone, and their logs fold to what they were', async () => {
  const kernel = new MemoryKernel({ unsupported: ['gre'] });
  kernel.addNetns('home');
  const node = new TestNode({ kernel, path: (name) => name });
  const names = Array.from({ length: 8 }, (_, number) => `gre${number}`);
  const actors = names.map((name, number) =>
    node.apply('NetlinkInterface', name, {
      interfaceName: name,
      type: 'gre',
      up: true,
      gre: { remote: `192.0.2.${number + 1}`, local: '192.0.2.99' },
    }),
  );
  // Some are deleted before they begin, some while they are made, some after they failed.
  for (const [number, name] of names.entries()) {
    const actor = actors[number]!;
    if (number % 3 === 1) await node.until(() => actor.snapshot.context.round > 0);
    if (number % 3 === 2)
      await node.until(() => describeVerdict(actor.snapshot.context).reason === 'KernelUnsupported');
    node.delete('NetlinkInterface', name);
  }
  for (const actor of actors) {
    await node.settles(actor, 'deleted');
    const folded = node.events(actor).reduce((snapshot, event) => fold(snapshot, event).snapshot, initial(actor.key));
    expect(hashOf(folded)).toBe(hashOf(actor.snapshot));
  }
  node.dispose();
  await kernel.close();
});
